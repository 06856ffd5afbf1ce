"""A file is answered as the endpoint answers its rows, whole or not at all."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from components.errors import UnreadableTable, UnwritableFile
from components.scoring.job import join_shards, refused_beside, score_file, score_shard
from components.scoring.part import ROWS
from components.scoring.reading import shards_of
from contract.encoding import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from components.scoring.counts import Counts
    from contract.bundle import Bundle
    from contract.errors import Violation

PROJECT = Path(__file__).parents[3]
BAD: dict[int, dict[str, Any]] = {
    3: {"zone": 2, "service": "slow"},
    40: {"weight": None},
    41: {"weight": "heavy", "stops": 2.5},
    9000: {"stops": 10, "fragile": "yes"},
    9001: {"weight": float("inf"), "zone": None},
}


def with_bad(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, **BAD.get(number, {})} for number, row in enumerate(rows)]


def write_csv(path: Path, rows: Sequence[dict[str, Any]], **names: str) -> Path:
    """As a person's program would write them: missing values in every way that the contract knows."""
    missing = {"stops": ("", "-1", "?"), "fragile": ("", "unknown"), "service": ("n/a", "?")}
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["note", "parcel", *(names.get(name, name) for name in rows[0])])
        for number, row in enumerate(rows):
            cells = [
                missing.get(name, ("",))[number % len(missing.get(name, ("",)))]
                if value is None
                else str(value).lower()
                if isinstance(value, bool)
                else value
                for name, value in row.items()
            ]
            out.writerow([f'a "note",\nof {number}' if number % 7 == 0 else "", f"P{number:06}", *cells])
    return path


def write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    columns: dict[str, Any] = {"parcel": [f"P{number:06}" for number in range(len(rows))]}
    for name in rows[0]:
        values = [row[name] for row in rows]
        kinds = {type(value) for value in values if value is not None}
        # One word among numbers makes text of a column of Parquet.
        columns[name] = values if kinds <= {int, float} or len(kinds) == 1 else [_cell(value) for value in values]
    parquet.write_table(pa.table(columns), path, row_group_size=3000)
    return path


def _cell(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def as_endpoint(bundle: Bundle, rows: list[dict[str, Any]]) -> tuple[dict[int, tuple[Any, ...]], list[Violation]]:
    """What a client would be answered who sends the rows in requests of 100, and those refused one by one."""
    encoder, scorer = Encoder(bundle.contract.features), bundle.scorer
    labels = bundle.contract.target.labels
    answers: dict[int, tuple[Any, ...]] = {}
    refused: list[Violation] = []
    good = []
    for number, row in enumerate(rows):
        violations = encoder.from_records([row]).violations
        refused += [type(item)(number, item.column, item.value, item.rule, item.allowed) for item in violations]
        if not violations:
            good.append(number)
    for start in range(0, len(good), 100):
        chosen = good[start : start + 100]
        answer = scorer(encoder.from_records([rows[number] for number in chosen]).matrix)
        for number, probability, decided in zip(chosen, answer.probability.tolist(), answer.decided, strict=True):
            answers[number] = (labels[decided], probability)
    return answers, refused


def answered(path: Path, bundle: Bundle) -> dict[int, tuple[Any, ...]]:
    rows = (arrow_csv.read_csv(path) if path.suffix == ".csv" else parquet.read_table(path)).to_pylist()
    if bundle.contract.target.is_binary:
        assert list(rows[0]) == ["parcel", "row", "label", "probability", "decision"]
        assert all(row["decision"] == (row["label"] == "late") for row in rows)
        found = {row["row"]: (row["label"], row["probability"]) for row in rows}
    else:
        names = [f"probability_{label}" for label in ("early", "on time", "late")]
        assert list(rows[0]) == ["parcel", "row", "label", *names]
        found = {row["row"]: (row["label"], [row[name] for name in names]) for row in rows}
    assert [row["parcel"] for row in rows] == [f"P{row['row']:06}" for row in rows]
    assert list(found) == sorted(found)
    return found


def reasons(path: Path) -> list[tuple[Any, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(int(r["row"]), r["column"], r["value"], r["rule"], r["allowed"]) for r in csv.DictReader(file)]


def told(violations: Sequence[Violation]) -> list[tuple[Any, ...]]:
    return [(item.row, item.column, item.value, item.rule, item.allowed) for item in violations]


def test_every_row_gets_the_answer_of_the_endpoint_or_its_refusal(
    bundle: Bundle, good_rows: Callable[[int], list[dict[str, Any]]], tmp_path: Path
) -> None:
    rows = with_bad(good_rows(ROWS + 2000))
    answers, refused = as_endpoint(bundle, rows)
    source = write_csv(tmp_path / "rows.csv", rows, weight="Weight_kg")
    counts = score_file(bundle, source, tmp_path / "answers.csv")
    assert answered(tmp_path / "answers.csv", bundle) == answers  # to the last bit
    assert reasons(tmp_path / "answers.refused.csv") == told(refused)
    assert (counts.rows, counts.answered, counts.refused) == (len(rows), len(answers), len(BAD))
    assert counts.by_rule == {
        rule: len({v.row for v in refused if v.rule == rule}) for _, _, _, rule, _ in told(refused)
    }
    assert sum(counts.by_label.values()) == len(answers)


def test_parquet_and_csv_say_the_same(
    bundle: Bundle, good_rows: Callable[[int], list[dict[str, Any]]], tmp_path: Path
) -> None:
    rows = with_bad(good_rows(ROWS + 2000))
    whole = good_rows(5000)
    for name, chosen in (("bad", rows), ("whole", whole)):
        of_csv = score_file(bundle, write_csv(tmp_path / "rows.csv", chosen), tmp_path / f"{name}.csv")
        of_parquet = score_file(bundle, write_parquet(tmp_path / "rows.parquet", chosen), tmp_path / f"{name}.parquet")
        assert answered(tmp_path / f"{name}.csv", bundle) == answered(tmp_path / f"{name}.parquet", bundle)
        assert reasons(tmp_path / f"{name}.refused.csv") == reasons(refused_beside(tmp_path / f"{name}.parquet"))
        of_csv.lines = 0
        assert of_csv == of_parquet


def test_a_refused_row_is_found_by_its_line(binary_bundle: Bundle, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_bytes(
        b'\xef\xbb\xbfparcel, weight ,"stops",fragile,service,zone,note\r\n'
        b'1,2.5,3,true,std,1,"over\r\ntwo lines"\r\n'
        b"\r\n"
        b"2,0.05,3,true,std,1,too light\r\n"
        b"3,2.5,3\r\n"
        b"4,2.5, 3 ,true, std ,1,\r\n"
        b"5,2.5,3,true,std,9,no such zone"
    )
    counts = score_file(binary_bundle, source, tmp_path / "out.csv", tmp_path / "refused.csv")
    with (tmp_path / "refused.csv").open(encoding="utf-8", newline="") as file:
        refused = [(r["row"], r["line"], r["column"], r["value"], r["rule"]) for r in csv.DictReader(file)]
    assert refused == [
        ("1", "5", "weight", "0.05", "out-of-range"),
        ("2", "6", "(row)", "3 cells", "wrong-length"),
        ("4", "8", "zone", "9", "unknown-category"),
    ]
    assert arrow_csv.read_csv(tmp_path / "out.csv")["parcel"].to_pylist() == [1, 4]
    assert (counts.rows, counts.answered) == (5, 2)


def test_a_file_without_a_good_row_is_told_row_by_row(binary_bundle: Bundle, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("weight,stops,fragile,service,zone\n" + "1,1,1,std,7\n" * 20 + "1\n")
    counts = score_file(binary_bundle, source, tmp_path / "out.parquet")
    assert (counts.answered, counts.refused, counts.by_label) == (0, 21, {})
    assert parquet.read_table(tmp_path / "out.parquet").num_rows == 0
    assert len(reasons(tmp_path / "out.refused.csv")) == 21
    source.write_text("weight,stops,fragile,service,zone\n" + "1\n" * 3)
    assert score_file(binary_bundle, source, tmp_path / "out.parquet").by_rule == {"wrong-length": 3}


HEADER = "weight,stops,fragile,service,zone\n"
GOOD = "2.5,3,true,std,1\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (HEADER.encode(), "has a header but no rows"),
        (b"a,b\n1,2\n", "has none of the model's columns"),
        (GOOD.encode(), "has none of the model's columns"),
        (HEADER.replace(",", ";").encode(), "separated by semicolons"),
        (b"weight,stops,zone\n1,1,1\n", "lacks 2 of the 5 columns that the model needs: fragile, service"),
        (b"zone,weight,stops,zone,fragile,service\n", "its header names 'zone' more than once"),
        ((HEADER + GOOD).encode("utf-16"), "holds NUL bytes"),
        ((HEADER + GOOD + "2.5,3,true,expreß,1\n").encode("latin-1"), "line 3 is not UTF-8 (byte 0xdf)"),
        ((HEADER + GOOD + '2.5,3,true,"std,1\n' + GOOD).encode(), "a quotation mark is missing"),
        (b"PAR1 and nothing more", "is no sound Parquet file"),
    ],
)
def test_a_wrong_file_is_explained_and_leaves_nothing(
    binary_bundle: Bundle, tmp_path: Path, content: bytes, words: str
) -> None:
    source = tmp_path / "rows.csv"
    source.write_bytes(content)
    with pytest.raises(UnreadableTable) as raised:
        score_file(binary_bundle, source, tmp_path / "out.csv")
    assert str(raised.value).startswith(f"{source}: ")
    assert words in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_a_damaged_parquet_file_leaves_what_was_there(
    binary_bundle: Bundle, good_rows: Callable[[int], list[dict[str, Any]]], tmp_path: Path
) -> None:
    source = write_parquet(tmp_path / "rows.parquet", good_rows(9000))
    content = bytearray(source.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 4000] = bytes(4000)
    source.write_bytes(content)
    (tmp_path / "out.csv").write_text("of last week")
    with pytest.raises(UnreadableTable, match="is damaged"):
        score_file(binary_bundle, source, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "of last week"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "rows.parquet"]


def test_where_answers_cannot_go(binary_bundle: Bundle, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text(HEADER + GOOD)
    with pytest.raises(UnreadableTable, match=r"absent\.csv: can't be read: No such file"):
        score_file(binary_bundle, tmp_path / "absent.csv", tmp_path / "out.csv")
    for output, words in (
        (tmp_path / "out.xlsx", r"ends with neither \.csv nor \.parquet"),
        (source, "must be three files"),
        (source / "out.csv", "rows.csv is no directory"),
    ):
        with pytest.raises(UnwritableFile, match=words):
            score_file(binary_bundle, source, output)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UnwritableFile, match="is a directory"):
        score_file(binary_bundle, source, tmp_path / "folder.csv")
    assert source.read_text() == HEADER + GOOD


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
def test_shards_joined_are_the_whole(
    bundle: Bundle, good_rows: Callable[[int], list[dict[str, Any]]], tmp_path: Path, kind: str, count: int
) -> None:
    rows = with_bad(good_rows(ROWS + 2000))[: 9100 if count < 50 else 60]
    source = {"csv": write_csv, "parquet": write_parquet}[kind](tmp_path / f"rows.{kind}", rows)
    whole = score_file(bundle, source, tmp_path / "whole.csv")
    directories = [tmp_path / f"shard-{shard}" for shard in range(count)]
    parts = [score_shard(bundle, source, directory, i, count) for i, directory in enumerate(directories)]
    joined = join_shards(directories, tmp_path / "joined.csv", tmp_path / "joined.refused.csv")
    for name in ("{}.csv", "{}.refused.csv"):
        assert (tmp_path / name.format("joined")).read_bytes() == (tmp_path / name.format("whole")).read_bytes()
    assert joined == whole
    assert sum(part.rows for part in parts) == len(rows)
    if kind == "csv" and count == 3:
        assert min(part.rows for part in parts) > len(rows) / 4


def test_a_parquet_file_has_no_more_shards_than_row_groups(
    good_rows: Callable[[int], list[dict[str, Any]]], tmp_path: Path
) -> None:
    source = write_parquet(tmp_path / "rows.parquet", good_rows(9000))
    assert shards_of(source, 1) == 3
    assert shards_of(source, 10**9) == 1
    text = write_csv(tmp_path / "rows.csv", good_rows(100))
    assert shards_of(text, 1000) == -(-text.stat().st_size // 1000)


SCORE = """
import resource, sys
from pathlib import Path
from components.scoring.job import score_file
from contract.bundle import load_bundle
bundle, source, output = map(Path, sys.argv[1:])
score_file(load_bundle(bundle), source, output)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCORE, *map(str, arguments)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_file(
    binary: Path, good_rows: Callable[[int], list[dict[str, Any]]], tmp_path: Path, kind: str
) -> None:
    rows = good_rows(2000)
    peaks = []
    for repeats in (25, 100):
        source = {"csv": write_csv, "parquet": write_parquet}[kind](tmp_path / f"{repeats}.{kind}", rows * repeats)
        out, _ = start(binary, source, tmp_path / f"out.{kind}").communicate(timeout=60)
        peaks.append(int(out) / (1 if sys.platform == "darwin" else 1024))
    assert peaks[1] - peaks[0] < 40, f"{peaks} MiB"


def test_a_run_that_is_killed_leaves_no_answers_and_the_next_one_cleans_up(
    binary: Path, good_rows: Callable[[int], list[dict[str, Any]]], tmp_path: Path
) -> None:
    source = write_csv(tmp_path / "rows.csv", good_rows(2000) * 50)
    out = tmp_path / "out"
    process = start(binary, source, out / "answers.csv")
    partial = out / ".answers.csv.partial"
    deadline = time.monotonic() + 60
    while not partial.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (out / "answers.csv").exists()
    assert partial.exists()
    again = start(binary, write_csv(tmp_path / "few.csv", good_rows(10)), out / "answers.csv")
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert sorted(path.name for path in out.iterdir()) == ["answers.csv", "answers.refused.csv"]
    assert len((out / "answers.csv").read_text().splitlines()) == 11


def test_two_runs_do_not_write_one_file(binary_bundle: Bundle, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text(HEADER + GOOD)

    def meanwhile(_: float, __: Counts) -> None:
        with pytest.raises(UnwritableFile, match="another run is writing it"):
            score_file(binary_bundle, source, tmp_path / "out.csv")

    assert score_file(binary_bundle, source, tmp_path / "out.csv", progress=meanwhile).answered == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.refused.csv", "rows.csv"]


def test_progress_goes_from_nothing_to_all(
    binary_bundle: Bundle, good_rows: Callable[[int], list[dict[str, Any]]], tmp_path: Path
) -> None:
    source = write_csv(tmp_path / "rows.csv", good_rows(2000) * 45)
    seen: list[tuple[float, int]] = []
    score_file(binary_bundle, source, tmp_path / "out.csv", progress=lambda share, now: seen.append((share, now.rows)))
    assert seen == sorted(seen)
    assert seen[-1] == (1.0, 90_000)
    assert seen[0][0] < 0.8
    assert len([list(same) for _, same in groupby(seen)]) == len(seen)
