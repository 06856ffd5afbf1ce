"""Numbers read into arrays are the numbers that were sent, or nothing is said."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.json_numbers import rows, tensors

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**62), 2**62)
ANYTHING = NUMBERS | st.none() | st.booleans() | st.text(max_size=2) | st.lists(NUMBERS, max_size=2)


@given(
    st.integers(1, 4).flatmap(
        lambda columns: st.lists(st.lists(NUMBERS, min_size=columns, max_size=columns), min_size=1)
    )
)
def test_even_rows_of_numbers_are_read(instances: list[list[float]]) -> None:
    read = rows(json.dumps({"instances": instances}).encode(), len(instances[0]))
    assert read is not None
    np.testing.assert_array_equal(read, np.array(instances, dtype=np.float64))


@given(st.lists(st.lists(ANYTHING, max_size=3) | ANYTHING), st.integers(1, 3))
def test_whatever_is_read_is_what_was_sent(instances: list[Any], columns: int) -> None:
    for separators in ((",", ":"), (" , ", " : ")):
        read = rows(json.dumps({"instances": instances}, separators=separators).encode(), columns)
        fits = bool(instances) and all(
            isinstance(row, list) and len(row) == columns and {int, float}.issuperset(map(type, row))
            for row in instances
        )
        assert (read is not None) == fits
        if read is not None:
            np.testing.assert_array_equal(read, np.array(instances, dtype=np.float64))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[[1, 2]]",
        b"1",
        b'{"instance": [[1, 2]]}',
        b'{"instances": [[1, 2]], "more": 1}',
        b'{"instances": [[1, 2]], "instances": [[3, 4]]}',
        b'{"instances": [[1, 2, 3], [4]]}',
        b'{"instances": [[1], [2, 3], [4]]}',
        b'{"instances": [[[1, 2]]]}',
        b'{"instances": [1, 2]}',
        b'{"instances": {"a": [1, 2]}}',
        b'{"instances": [[1, 1e999]]}',
        b'{"instances": [[1, 123456789012345678901234567890]]}',
        b'{"instances": [[1, NaN]]}',
        b'{"instances": [[1, 2]]}}',
        b'\xff{"instances": [[1, 2]]}',
    ],
)
def test_what_is_not_clear_is_left_alone(body: bytes) -> None:
    assert rows(body, 2) is None


def tensor(**fields: Any) -> dict[str, Any]:
    return {"name": "a", "shape": [2], "datatype": "FP64", "data": [1, 2.5], **fields}


def test_tensors_of_numbers_leave_their_data() -> None:
    content = {"id": "x", "inputs": [tensor(), tensor(name="b", datatype="INT64", data=[1, 2])]}
    read = tensors(json.dumps(content).encode())
    assert read is not None
    request, numbers = read
    assert request == {
        "id": "x",
        "inputs": [
            {"name": "a", "shape": [2], "datatype": "FP64"},
            {"name": "b", "shape": [2], "datatype": "INT64"},
        ],
    }
    assert [(str(array.dtype), array.tolist()) for array in numbers if array is not None] == [
        ("float64", [1.0, 2.5]),
        ("int64", [1, 2]),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"data": [1, None]},
        {"data": [1, True]},
        {"data": [[1, 2], [3, 4]]},
        {"datatype": "INT64", "data": [1, 2.5]},
        {"datatype": "BOOL", "data": [True, False]},
        {"datatype": "BYTES", "data": ["a", "b"]},
        {"datatype": ["FP64"]},
        {"data": 1},
        {"data": {}},
    ],
)
def test_other_data_stays_where_it_is(fields: dict[str, Any]) -> None:
    content = {"inputs": [tensor(), tensor(**fields)]}
    read = tensors(json.dumps(content).encode())
    assert read is not None
    assert read[1][1] is None
    assert read[0]["inputs"][1] == content["inputs"][1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"inputs": 1}',
        b'{"inputs": [1]}',
        b'{"inputs": {}, "more": 1}',
        b'{"inputs": [{"name": "a:b", "data": [1]}]}',
        b'{"inputs": [{"name": "a", "name": "b", "data": [1]}]}',
        b'{"inputs": [{"name": "a", "data": [1]}], "inputs": []}',
        b'{"inputs": [{"name": "a", "parameters": {"x": 1}, "data": [1]}]}',
        b'{"inputs": [{"name": "a", "data": [1]}], "outputs": []}',
    ],
)
def test_a_request_that_is_not_clear_is_left_alone(body: bytes) -> None:
    assert tensors(body) is None
