"""Cells are read fast where they are numbers, and always as they would be read one by one."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components import table
from components.errors import UnreadableTable
from components.scoring import csv_file, records
from components.scoring.batch import BatchScorer
from components.scoring.cells import Cells
from components.scoring.csv_file import CsvFile
from contract.encoding import Encoder

if TYPE_CHECKING:
    from pathlib import Path

    from contract.bundle import Bundle

ODD = [
    *(
        "",
        "?",
        " ? ",
        "n/a",
        "-1",
        "-1.0",
        " -1",
        "unknown",
        "std",
        " exp",
        "nite ",
        "STD",
        "1",
        "3",
        "3.0",
        "03",
        "1e0",
    ),
    *(
        "true",
        "False",
        "TRUE",
        "tRUE",
        "yes",
        "0",
        "0.0",
        "-0",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "1e999",
        "1_0",
    ),
    *(
        "0x1",
        "2.5",
        " 2.5 ",
        "2.5\t",
        "+2.5",
        ".5",
        "5.",
        "1,5",
        "null",
        "None",
        "٣",
        "\u00a05",
        "9.000000000000001",
        "-",
    ),
    *("2.4999999999999996", "0.1", "1e-400", "12345678901234567890123", "9" * 400, "--1", "1 2", '"', 'a"b', "a\nb"),
]
NAMES = ["weight", "stops", "fragile", "service", "zone"]
CELLS = st.sampled_from(ODD) | st.floats(0.1, 30).map(repr) | st.integers(-3, 12).map(str)


def written(path: Path, rows: list[list[str]]) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([NAMES, *rows])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=12))
def test_whole_columns_mean_what_their_cells_mean(binary_bundle: Bundle, tmp_path: Path, rows: list[list[str]]) -> None:
    contract = binary_bundle.contract
    encoder = Encoder(contract.features)
    records_ = [
        {
            feature.name: Cells(contract, feature).value(cell)
            for feature, cell in zip(contract.features, row, strict=True)
        }
        for row in rows
    ]
    expected = encoder.from_records(records_)
    source = CsvFile(written(tmp_path / "rows.csv", rows), contract)
    (part,) = source.parts()
    scored = BatchScorer(binary_bundle)(part)
    assert scored.refused == expected.violations
    refused = {violation.row for violation in expected.violations}
    assert scored.answered.tolist() == [row for row in range(len(rows)) if row not in refused]
    again = encoder.from_columns(part.columns).matrix[scored.answered]
    assert np.array_equal(again, expected.matrix[scored.answered], equal_nan=True)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(st.sampled_from(ODD), min_size=5, max_size=5), min_size=1, max_size=6))
def test_cells_mean_what_they_mean_in_training(binary_bundle: Bundle, tmp_path: Path, rows: list[list[str]]) -> None:
    contract = binary_bundle.contract
    (part,) = CsvFile(written(tmp_path / "rows.csv", rows), contract).parts()
    scored = BatchScorer(binary_bundle)(part)
    trained = table.encode(contract, table.typed(contract, pd.DataFrame(rows, columns=NAMES, dtype=object)))
    # Only that a number is too large to be one is known here, where pandas says that it is none.
    assert {(v.row, v.column) for v in scored.refused} == {(v.row, v.column) for v in trained.violations}
    good = Encoder(contract.features).from_columns(part.values(scored.answered.tolist())).matrix
    assert np.allclose(good, trained.matrix[scored.answered], rtol=1e-15, atol=0, equal_nan=True)


def test_a_column_is_text_from_the_first_cell_that_is_no_number(
    binary_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 2000)
    rows = [["2.5", "3", "1", "std", "1"] for _ in range(300)]
    rows[150][0] = "heavy"
    source = CsvFile(written(tmp_path / "rows.csv", rows), binary_bundle.contract)
    texts = []
    found = []
    for part in source.parts():
        texts.append(set(source.texts))
        found += [item.row for item in BatchScorer(binary_bundle)(part).refused]
    assert found == [150]
    assert texts[0] == {"service"}
    assert texts[-1] == {"service", "weight"}


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blocks_hold_whole_rows_whatever_their_size(tmp_path: Path, size: int, end: str) -> None:
    lines = ["a,b", '1,"x"', '2,"over\ntwo"', "", '3,"say ""hi"""', f'4,"{"long, " * 30}"', "5,", "6,last"]
    data = end.join(line.replace("\n", end) for line in lines).encode()
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    with path.open("rb") as file:
        found = records.find_records(path, file, len(data))
        blocks = list(records.blocks(path, file, found.begin, found.end, size))
    assert found.header.strip() == "a,b"
    assert b"".join(blocks) == data[found.begin :]
    for block in blocks:
        assert block.count(b'"') % 2 == 0
        assert block.endswith((b"\n", b"last"))
    starts = records.lines_of_rows(data)
    assert starts == [1, 2, 3, 6, 7, 8, 9]


def test_every_row_is_in_one_shard(tmp_path: Path) -> None:
    data = b"a,b\n" + b"".join(b'%d,"a\n%s"\n' % (row, b"b\n" * (row % 5)) for row in range(60))
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    with path.open("rb") as file:
        found = records.find_records(path, file, len(data))
        for count in (1, 2, 3, 10, 500):
            bounds = [records.shard_bounds(path, file, found, shard, count) for shard in range(count)]
            assert bounds[0][0] == found.begin
            assert bounds[-1][1] == len(data)
            assert all(one[1] == next_[0] for one, next_ in pairwise(bounds))
            for begin, end in bounds:
                rows = data[begin:end]
                assert not rows or (rows[0:1].isdigit() and rows.endswith(b'"\n'))


def test_a_mark_that_is_missing_is_found_before_the_memory_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LARGEST_ROW", 1000)
    path = tmp_path / "rows.csv"
    path.write_bytes(b'a,b\n1,"2\n' + b"1,2\n" * 5000 + b'1,"\n')
    with path.open("rb") as file, pytest.raises(UnreadableTable, match=r"a quotation mark is missing .* byte 4"):
        list(records.blocks(path, file, 4, path.stat().st_size, 500))


def test_a_file_that_shrinks_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 100)
    with path.open("rb") as file:
        reading = records.blocks(path, file, 4, 5000, 64)
        with pytest.raises(UnreadableTable, match="became shorter"):
            list(reading)
