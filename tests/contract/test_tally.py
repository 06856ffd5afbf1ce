"""Counting the columns of a file: what is found, in bounded memory, and what is refused with which words."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import pytest

from contract.errors import UnusableTable, UnusableTarget
from contract.tally import MOST_COUNTED, Column, Table, number, tally


def read(tmp_path: Path, text: str, target: str = "y") -> Table:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return tally(path, target)


def column(table: Table, name: str) -> Column:
    return next(column for column in table.columns if column.name == name)


def test_cells_are_counted_without_the_blanks_around_them(tmp_path: Path) -> None:
    table = read(tmp_path, " a , y\n 1 ,no\n1,yes\n?,no\n ,no\n2.50, no\n")
    a = column(table, "a")
    assert (a.rows, a.present, a.numbers, a.whole) == (5, 3, 3, False)
    assert dict(a.missing) == {"?": 1, "": 1}
    assert a.counts == {"1": 2, "2.50": 1}
    assert table.target.counts == {"no": 4, "yes": 1}
    assert a.numbers_counted() == {1.0: 2, 2.5: 1}


def test_zero_and_sentinels_are_told_apart_from_the_other_numbers(tmp_path: Path) -> None:
    a = column(read(tmp_path, "a,y\n-1,0\n0,1\n17,0\n999,1\n35,0\n-1.0,0\n"), "a")
    assert (a.low, a.high) == (17, 35)
    assert a.tracked == {-1: 2, 0: 1, 999: 1}


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1_000", "0x1F", "1e999", "", "1,5", "--1", "1.2.3"])
def test_what_python_alone_takes_for_a_number_is_a_word(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("-1.5", -1.5), ("+2e-3", 0.002), (".5", 0.5), ("3.", 3)])
def test_numbers(text: str, value: float) -> None:
    assert number(text) == value


def test_leading_zeros_are_remembered(tmp_path: Path) -> None:
    table = read(tmp_path, "postcode,share,y\n01067,0.5,0\n10115,0,1\n")
    assert column(table, "postcode").padded
    assert not column(table, "share").padded


def test_a_row_of_each_class_is_kept_one_without_missing_cells_if_there_is_one(tmp_path: Path) -> None:
    table = read(tmp_path, "a,y\n?,0\n1,1\n5,0\n6,0\n")
    assert {value: (row.line, row.cells) for value, row in table.firsts.items()} == {
        "0": (4, ("5", "0")),
        "1": (3, ("1", "1")),
    }


def test_rows_that_repeat_another_are_counted(tmp_path: Path) -> None:
    assert read(tmp_path, "a,y\n1,0\n1,0\n1,1\n1,0\n").repeated == 2
    assert read(tmp_path, "a,y\n1,0\n2,0\n").repeated == 0


def test_a_column_is_unique_until_a_value_repeats_over_any_distance(tmp_path: Path) -> None:
    rows = "".join(f"k{i},{i % 2}\n" for i in range(12_000))
    assert column(read(tmp_path, f"key,y\n{rows}"), "key").unique
    assert not column(read(tmp_path, f"key,y\n{rows}k3,1\n"), "key").unique
    assert not column(read(tmp_path, f"key,y\n{rows}"), "y").unique


def test_more_values_than_are_counted_leave_a_sample_and_the_exact_limits(tmp_path: Path) -> None:
    rows = "".join(f"{i / 7:.6f},{i % 2}\n" for i in range(30_000))
    a = column(read(tmp_path, f"a,y\n{rows}"), "a")
    assert a.counts is None
    assert a.distinct == f"more than {MOST_COUNTED:,}"
    assert len(a.sample) == 10_000
    assert a.high == pytest.approx(29_999 / 7, abs=1e-6)
    assert abs(sum(a.sample) / len(a.sample) - 29_999 / 14) < 60, "the sample is drawn from all rows, not the first"


def test_a_row_takes_no_more_memory_than_its_hash(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text(
            "a,b,y\n" + "".join(f"{i * 0.37:.4f},w{i % 3000},{i % 2}\n" for i in range(rows)), encoding="utf-8"
        )
        tracemalloc.start()
        tally(path, "y")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        path.unlink()
        return most

    a_row = (peak(60_000) - peak(15_000)) / 45_000
    assert a_row < 40, "bytes; a row as Python keeps it has hundreds"


def test_a_byte_order_mark_and_empty_lines_at_the_end_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfa,y\r\n1,0\r\n2,1\r\n\r\n\r\n")
    table = tally(path, "y")
    assert (table.rows, [column.name for column in table.columns]) == (2, ["a", "y"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; a table is a CSV file with a header and at least one row"),
        (b"a,y\n", "has a header but no rows"),
        (b"a,y\n1,0\n2\n", "line 3 has 1 cells, the header has 2"),
        (b"a,y\n1,0\n\n2,1\n", "line 3 is empty; remove it"),
        (b"a;y\n1;0\n", "its cells are separated by semicolons; save it with commas"),
        (b"a\ty\n1\t0\n", "its cells are separated by tabs; save it with commas"),
        (b"a,b,y,a\n1,2,0,3\n", "its header names 'a' more than once; keep one"),
        (b'a,y\n"1,0\n', "is no sound CSV file: "),
        (b"a,y\n\xff\xfe,0\n", "is not UTF-8 (byte 0xff)"),
        (b"PAR1\0\0,y\n", "holds NUL bytes, so it is no text file"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(UnusableTable) as refused:
        tally(path, "y")
    assert str(refused.value).startswith(f"{path}: ")
    assert words in str(refused.value)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="No such file or directory; name the CSV file of the table"):
        tally(tmp_path / "absent.csv", "y")
    with pytest.raises(UnusableTable, match="Is a directory"):
        tally(tmp_path, "y")


def test_an_unknown_target_names_the_columns_and_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnusableTarget) as refused:
        read(tmp_path, "age,Survived\n1,0\n", "survive")
    assert str(refused.value).endswith(
        "has no column 'survive'. Did you mean 'Survived'? Its first line names: age, Survived"
    )
    many = ",".join(f"c{i}" for i in range(50))
    with pytest.raises(UnusableTarget, match=r"'zzzz'\. Its first line names: c0, .*, c29 and 20 more"):
        read(tmp_path, f"{many}\n", "zzzz")


def test_a_column_of_words_alone_has_no_limits(tmp_path: Path) -> None:
    a = column(read(tmp_path, "a,y\nred,0\nblue,1\n"), "a")
    assert (a.low, a.high, a.numbers) == (math.inf, -math.inf, 0)
    assert a.words == {"red": 1, "blue": 1}
