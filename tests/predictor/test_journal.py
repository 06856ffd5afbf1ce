"""What is appended is there after a crash, in files that stay small."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from predictor.errors import InvalidSettings
from predictor.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


def journal(path: Path, limit: int = 100) -> Journal:
    return Journal(path / "log", limit, rows=len)


def kept(path: Path, limit: int = 100) -> list[Any]:
    again = journal(path, limit)
    again.close()
    return list(again.read())


def test_what_is_appended_is_read_again_in_its_order(tmp_path: Path) -> None:
    first = journal(tmp_path / "new" / "folders")
    assert list(first.read()) == []
    first.append([["é", 1], ["b", None]])
    first.append([["c", 0.1]])
    # It isn't closed: a killed process doesn't either.
    assert kept(tmp_path / "new" / "folders") == [["é", 1], ["b", None], ["c", 0.1]]
    first.close()


def test_no_more_than_twice_the_limit_is_kept_also_over_restarts(tmp_path: Path) -> None:
    for start in range(0, 60, 3):
        log = journal(tmp_path, limit=10)
        for number in range(start, start + 3):
            log.append([[number]])
        log.close()
    found = kept(tmp_path, limit=10)
    assert found == [[number] for number in range(60 - len(found), 60)]
    assert 10 <= len(found) <= 20
    assert len(list(tmp_path.iterdir())) == 2


def test_rows_count_not_entries(tmp_path: Path) -> None:
    log = journal(tmp_path, limit=10)
    for number in range(5):
        log.append([[number] * 10])
    log.close()
    assert kept(tmp_path, limit=10) == [[3] * 10, [4] * 10]


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = journal(tmp_path)
    log.append([["a"], ["b"]])
    log.close()
    file = tmp_path / "log.jsonl"
    file.write_bytes(file.read_bytes()[:-3])
    again = journal(tmp_path)
    again.append([["c"]])
    again.close()
    with caplog.at_level(logging.WARNING, "predictor"):
        assert kept(tmp_path) == [["a"], ["c"]]
    assert "log.jsonl: a line that was cut off is passed over" in caplog.text


def test_a_folder_that_can_not_be_written_is_told_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(InvalidSettings, match=r"--truth_path: .*log\.jsonl can't be written: .*; name a directory"):
        journal(tmp_path / "file")


def test_a_full_disk_is_logged_and_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = Journal(tmp_path / "log", 1, rows=len)
    log.append([["a"]])
    (tmp_path / "log.older.jsonl").mkdir()
    with caplog.at_level(logging.ERROR, "predictor"):
        log.append([["b"]])
    assert "log.jsonl can't be written" in caplog.text
