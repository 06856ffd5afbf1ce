from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from components import PROJECT, table
from components.errors import UnreadableTable
from components.ingestion.csv_file import CsvFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contract.schema import Contract

CSV = (PROJECT / "datasets" / "heart" / "cleveland.csv").read_bytes()
HEADER, FIRST, *_ = CSV.splitlines()
MIB = 2**20


@pytest.fixture
def parse(heart: Contract, tmp_path: Path) -> Callable[[bytes], pd.DataFrame]:
    """All cells, as text, of a heart table with this content."""

    def cells(content: bytes) -> pd.DataFrame:
        (tmp_path / "table.csv").write_bytes(content)
        parts = list(CsvFile(heart, tmp_path / "table.csv", "some/table.csv"))
        assert {str(kind) for part in parts for kind in part.dtypes} == {"category"}
        return pd.concat([part.astype(str) for part in parts], ignore_index=True)

    return cells


def refusal(parse: Callable[[bytes], pd.DataFrame], content: bytes) -> str:
    with pytest.raises(UnreadableTable) as caught:
        parse(content)
    assert caught.value.__cause__ is None
    return str(caught.value)


PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
UNSOUND = {
    "nothing": (b"", "is empty"),
    "blank lines": (b"\n \r\n\n", "is empty"),
    "header only": (HEADER + b"\n", "has a header but no rows"),
    "an image": (PNG, "holds NUL bytes"),
    "UTF-16": (CSV.decode().encode("utf-16"), "holds NUL bytes"),
    "Latin-1": (HEADER + b"\n" + FIRST[:-1] + b"\xe9", "line 2 is not UTF-8 (byte 0xe9); save the table"),
    "half a character": (HEADER + b"\n" + FIRST + b"\n" + FIRST[:-1] + b"\xc3", "line 3 is not UTF-8 (byte 0xc3)"),
    "JSON": (b'{\n "age": [63, 67],\n "sex": [1, 1]\n}', "has none of the contract's columns"),
    "a web page": (b"<!DOCTYPE html>\n<p>Sign in, please</p>", "its first line reads '<!DOCTYPE html>'"),
    "a blank first line": (b"\n" + CSV, "its first line reads ''"),
    "no header": (b"\n".join(CSV.splitlines()[1:]), "or its header is missing"),
    "semicolons": (CSV.replace(b",", b";"), "its cells are separated by semicolons; save it with commas"),
    "tabs": (CSV.replace(b",", b"\t"), "its cells are separated by tabs"),
    "a short row": (HEADER + b"\n" + FIRST + b"\n1,2\n", "line 3 has 2 cells, the header has 14"),
    "a long row": (HEADER + b"\n" + FIRST + b",1\n", "line 2 has 15 cells, the header has 14"),
    "a blank line": (HEADER + b"\n\n" + FIRST + b"\n", "line 2 has 0 cells"),
    "blank lines, then a short row": (HEADER + b"\n" + FIRST + b"\n\n\n1,2\n", "line 3 has 0 cells"),
    "a column twice": (HEADER + b",age\n" + FIRST + b",1\n", "its header names 'age' more than once"),
    "an open quote": (HEADER + b'\n"' + FIRST + b"\n", "is not a sound CSV file: unexpected end of data"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), UNSOUND.values(), ids=UNSOUND)
def test_what_is_no_table_is_refused(parse: Callable[[bytes], pd.DataFrame], content: bytes, reason: str) -> None:
    message = refusal(parse, content)
    assert message.startswith("some/table.csv: ")
    assert reason in message


def test_a_long_first_line_is_shortened(parse: Callable[[bytes], pd.DataFrame]) -> None:
    assert len(refusal(parse, b"x" * 100_000 + b"\n1")) < 400


def test_lines_are_counted_through_the_whole_file(parse: Callable[[bytes], pd.DataFrame]) -> None:
    rows = MIB // len(FIRST)
    long = HEADER + b"\n" + (FIRST + b"\n") * rows
    assert len(long) > MIB
    assert f"line {rows + 2} is not UTF-8 (byte 0xff)" in refusal(parse, long + FIRST + b"\xff\n" + FIRST)
    assert f"line {rows + 2} has 2 cells" in refusal(parse, long + b"1,2\n" + FIRST)


def test_a_wrong_byte_does_not_hide_that_the_file_is_no_text(parse: Callable[[bytes], pd.DataFrame]) -> None:
    assert "holds NUL bytes" in refusal(parse, b"\xff" * MIB + b"x" * MIB + b"\0")


def test_a_character_may_lie_across_two_blocks(parse: Callable[[bytes], pd.DataFrame]) -> None:
    start = HEADER + b",note\n"
    note = b"x" * (100_000 - 1)
    content = start + b"".join(FIRST + b"," + note + b"\n" for _ in range(10))
    content += FIRST + b"," + b"x" * (MIB - len(content) - len(FIRST) - 2) + "é\n".encode()
    assert content[:MIB].endswith(b"\xc3")
    assert parse(content)["note"].iloc[-1].endswith("é")


def test_marks_of_spreadsheets_do_no_harm(parse: Callable[[bytes], pd.DataFrame]) -> None:
    rows = CSV.splitlines()[1:]
    decorated = b"\xef\xbb\xbf" + HEADER.replace(b",", b" , ") + b"\r\n" + b"\r\n".join(rows) + b"\r\n\r\n"
    pd.testing.assert_frame_equal(parse(decorated), parse(CSV))


def test_quotes_may_hold_commas_and_line_ends(parse: Callable[[bytes], pd.DataFrame]) -> None:
    content = b'\xef\xbb\xbf"' + HEADER.replace(b",", b'","') + b'","a\nnote"\n' + FIRST + b',"one, ""two""\nthree"\n'
    assert parse(content)["a\nnote"].tolist() == ['one, "two"\nthree']


def test_what_is_empty_or_looks_missing_stays_as_it_is(parse: Callable[[bytes], pd.DataFrame]) -> None:
    content = HEADER + b",note,other\n" + FIRST + b",,NA\n" + FIRST + b",nan, x \n"
    cells = parse(content)
    assert cells["note"].tolist() == ["", "nan"]
    assert cells["other"].tolist() == ["NA", " x "]


def test_parts_are_bounded_and_start_again(heart: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ROWS", 100)
    (tmp_path / "table.csv").write_bytes(CSV)
    file = CsvFile(heart, tmp_path / "table.csv", "table.csv")
    assert [len(part) for part in file] == [100, 100, 100, 3]
    assert [len(part) for part in file] == [100, 100, 100, 3]


def test_a_feature_is_found_under_its_name_in_the_file(heart: Contract, tmp_path: Path) -> None:
    renamed = heart.features[0].model_copy(update={"column": "Age in years"})
    contract = heart.model_copy(update={"features": (renamed, *heart.features[1:])})
    (tmp_path / "table.csv").write_bytes(CSV.replace(b"age,", b"Age in years,", 1))
    (part,) = CsvFile(contract, tmp_path / "table.csv", "table.csv")
    assert list(part) == HEADER.decode().split(",")
