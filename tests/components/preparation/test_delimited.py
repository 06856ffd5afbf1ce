from __future__ import annotations

import pandas as pd
import pytest

from components.errors import UnreadableTable
from components.preparation.delimited import numbers, read, texts


def test_wanted_columns_are_read_by_name_stripped_and_with_their_lines() -> None:
    frame = read(
        "people", b'\xef\xbb\xbf"name";"x";"age"\n" Ann\xc2\xa0";"?";"3"\n\n"Bo";"";""\n', ("age", "name"), ";"
    )
    assert frame.to_dict(orient="list") == {"age": ["3", ""], "name": ["Ann", "Bo"]}
    assert frame.index.tolist() == [2, 4]


def test_an_alias_is_read_under_its_new_name() -> None:
    frame = read("people", b"called;age\nAnn;3\n", ("name",), ";", {"called": "name"})
    assert frame["name"].tolist() == ["Ann"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"name,age\nAnn,3\n", "people: its cells are separated by commas; save it with semicolons"),
        (b"name;years\nAnn;3\n", "people: line 1, its header, lacks age; it reads 'name;years'"),
        (b"", "people: line 1, its header, lacks name, age"),
        (b"name;age;age\nAnn;3;4\n", "people: line 1, its header, names age more than once; keep one"),
        (b"name;age\nAnn;3\nBo\n", "people: line 3 has 1 cells, its header 2; was the file cut off?"),
        (b"name;age\n", "people: has a header but no rows; fetch the whole file"),
        (b'name;age\nAnn;"3\n', "people: line 2 is no sound CSV"),
        (b"name;age\nAnn;3\nZo\xe9;4\n", r"people: line 3 is not UTF-8 \(byte 0xe9\); save the file as UTF-8"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_should_be_is_refused_in_words(content: bytes, complaint: str) -> None:
    with pytest.raises(UnreadableTable, match=complaint):
        read("people", content, ("name", "age"), ";")


def test_numbers_may_have_a_decimal_comma_and_be_missing() -> None:
    found = numbers("people", pd.Series(["48,5", "-1", "", "2.50"]))
    assert found.fillna(99).tolist() == [48.5, -1, 99, 2.5]


@pytest.mark.parametrize("cell", ["many", "nan", "inf", "1,2,3"])
def test_what_is_no_number_is_refused_with_its_line(cell: str) -> None:
    cells = pd.Series(["3", cell, cell], index=[2, 5, 6], name="age")
    with pytest.raises(UnreadableTable, match=rf"people: line 5, age: '{cell}' \(and 1 more\) is no number; correct"):
        numbers("people", cells)


def test_numbers_become_text_without_needless_digits() -> None:
    assert texts(pd.Series([3.0, 50.6325934047, float("nan"), 201004.0])).tolist() == [
        "3",
        "50.6325934047",
        "",
        "201004",
    ]
