"""Whatever the bytes are, they become an object or a `MalformedRequest` that says why, and no field is lost."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.errors import MalformedRequest
from predictor.json_body import load_object

RECORD = {"age": 67, "oldpeak": 1.5, "fbs": False, "thal": None}


def refusal(body: bytes) -> str:
    with pytest.raises(MalformedRequest) as refused:
        load_object(body, "an example")
    assert refused.value.__cause__ is None
    return str(refused.value)


def repeated(name: str) -> str:
    return f"the field {name} stands more than once in one object; send it once"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"instances": []},
        {"instances": [RECORD]},
        {"instances": [RECORD] * 1000},
        {"instances": [[67, 1.5, False, None]] * 1000},
        {"instances": [{"at": "12:30", "a:b": "::"}] * 1000},
        {"instances": [RECORD, [1, 2], "text", 3]},
        {
            "inputs": [{"name": "age", "parameters": {"binary_data_size": 8}}],
            "parameters": {"binary_data_output": True},
        },
        {"é": "\u2028", "😀": {"": {"": ""}}, "colon :": "\\u003a"},
    ],
)
def test_an_object_is_read_as_it_is(content: dict[str, Any]) -> None:
    assert load_object(orjson.dumps(content), "") == content
    assert load_object(json.dumps(content, indent=2).encode(), "") == content


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"instances": [], "instances": []}', "'instances'"),
        (b'{"instances": [{"age": 63, "sex": 1, "age": 36}]}', "'age'"),
        (b'{"instances": [{"age": 63, "age": 63}]}', "'age'"),
        (b'{"instances": [{"age": 63, "\\u0061ge": 36}]}', "'age'"),
        (b'{"instances": [{"": 1, "": 2}]}', "''"),
        (b'{"instances": [{"\\n": 1, "\\n": 2}]}', "'\\n'"),
        (b'{"instances": [[63, {"a": {"b": 1, "b": 2}}]]}', "'b'"),
        (b'{"instances": [{"a": [{"b": 1, "b": 2}]}, [1, 2]]}', "'b'"),
        (b'{"instances": [{"a": {"b": 1}, "a": null}]}', "'a'"),
        (b'{"a": 1, "a": ":"}', "'a'"),
        (b'{"a": 1, "a": "\\u003a"}', "'a'"),
        (b'{"a": 1, "a": "\\u003A"}', "'a'"),
        (b'{"a": {"b": 1}, "a": "\\u003a\\u003a"}', "'a'"),
        (b'{"instances": [{"a": 1, "a": 2}, "xx", [1, 2]]}', "'a'"),
        (b'{"' + b"k" * 60 + b'": 1, "' + b"k" * 60 + b'": 2}', f"'{'k' * 38}…"),
    ],
)
def test_a_field_that_stands_twice_is_named(body: bytes, name: str) -> None:
    assert refusal(body) == repeated(name)


def test_one_duplicate_among_thousands_of_rows_is_found() -> None:
    rows = [orjson.dumps(RECORD)] * 5000
    rows[4000] = rows[4000].replace(b'"age":67', b'"age":67,"age":76')
    assert refusal(b'{"instances":[%b]}' % b",".join(rows)) == repeated("'age'")


def test_the_same_field_in_two_objects_is_no_duplicate() -> None:
    body = b'{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}, [{"a": 3}]]}'
    assert load_object(body, "") == {"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}, [{"a": 3}]]}


@pytest.mark.parametrize("number", [str(2**64), "1" * 300, "-0", "1e-400", "0.1e1", "123456789.123456789"])
def test_a_duplicate_is_found_beside_any_number(number: str) -> None:
    assert load_object(b'{"a": {"b": %b}}' % number.encode(), "") == {"a": {"b": float(number)}}
    assert refusal(b'{"a": {"b": %b, "b": 1}}' % number.encode()) == repeated("'b'")


NAMES = st.sampled_from(["a", "b", ":", "\\u003a", "é", ""])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([":", "", "\\u003a", '":"', "a:b"])
Pairs = list[tuple[str, Any]]
OBJECTS: st.SearchStrategy[Pairs] = st.deferred(
    lambda: st.lists(st.tuples(NAMES, SCALARS | st.lists(SCALARS | OBJECTS, max_size=3) | OBJECTS), max_size=4)
)


def is_object(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, tuple) for item in value) and bool(value)


def text_of(value: Any, *, escaped: bool) -> str:
    """JSON of nested pairs; `escaped` writes every character of a text as an escape."""
    if is_object(value):
        pairs = (f"{text_of(name, escaped=escaped)}: {text_of(item, escaped=escaped)}" for name, item in value)
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(text_of(item, escaped=escaped) for item in value)}]"
    if escaped and isinstance(value, str):
        return '"' + "".join(f"\\u{ord(character):04x}" for character in value) + '"'
    return json.dumps(value)


def has_duplicates(value: Any) -> bool:
    if is_object(value):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(has_duplicates(item) for _, item in value)
    return isinstance(value, list) and any(has_duplicates(item) for item in value)


@given(pairs=OBJECTS.filter(bool), escaped=st.booleans())
def test_exactly_the_bodies_with_duplicates_are_refused(pairs: Pairs, escaped: bool) -> None:
    body = text_of(pairs, escaped=escaped).encode()
    if has_duplicates(pairs):
        assert "stands more than once in one object" in refusal(body)
    else:
        assert load_object(body, "") == json.loads(body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", "line 1, column 2"),
        (b'{"instances": [[63, 1', "line 1, column 22"),
        (b'{\n  "instances": [NaN]\n}', "line 2, column 17"),
        (b'{"a": Infinity}', "line 1, column 7"),
        (b'{"a": -Infinity}', "line 1, column"),
        (b'{"a": 1e400}', "line 1, column 7"),
        (b'{"a": ' + b"1" * 400 + b"}", "line 1, column 7"),
        (b'{"a": ' + b"1" * 5000 + b"}", "line 1, column 7"),
        (b'{"a": 1, "a": ' + b"1" * 5000 + b"}", "line 1, column 15"),
        (b'\xef\xbb\xbf{"a": 1}', "line 1, column 1"),
        ('{"a": 1}'.encode("utf-16"), "line 1, column 1"),
        (b'{"a": "\xff"}', "line 1, column"),
        (b'{"a": "\xed\xa0\x80"}', "line 1, column"),
        (b'{"a": "\\ud800"}', "line 1, column"),
        (b'{"a": "\\udc00"}', "line 1, column"),
        (b'{"a": "\x01"}', "line 1, column"),
        (b'{"a": 1} {"a": 1}', "line 1, column 10"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": 1,}', "line 1, column"),
        (b'{"a": 01}', "line 1, column"),
        (b"\x00", "line 1, column 1"),
        (b'{"a":' * 5000, "line 1, column"),
        (b"[" * 5000, "line 1, column"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(body: bytes, place: str) -> None:
    assert refusal(body).startswith(f"the body is no valid JSON: {place}")
    assert refusal(body).endswith("(JSON has no NaN or Infinity: send null for a missing value)")


@pytest.mark.parametrize("depth", [300, 600, 900, 990, 1000, 1010, 1023])
def test_deep_objects_are_read_or_refused(depth: int) -> None:
    body = b'{"a":' * depth + b"1" + b"}" * depth
    try:
        content: Any = load_object(body, "")
    except MalformedRequest as error:
        assert str(error) == "the body is nested hundreds of levels deep; a request has only a few"  # noqa: PT017
        return
    found = 0
    while content != 1:
        content, found = content["a"], found + 1
    assert found == depth


@pytest.mark.parametrize("depth", [100, 300, 1023])
def test_a_duplicate_below_many_levels_is_refused(depth: int) -> None:
    error = refusal(b'{"a":' * (depth - 1) + b'{"b":1,"b":2}' + b"}" * (depth - 1))
    assert error in {repeated("'b'"), "the body is nested hundreds of levels deep; a request has only a few"}
    assert depth > 300 or error == repeated("'b'")


def test_deep_lists_are_read() -> None:
    content: Any = load_object(b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", "")["a"]
    depth = 1
    while content:
        (content,) = content
        depth += 1
    assert depth == 1000


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[1, 2]", "a list"),
        (b'[{"a": 1, "a": 2}]', "a list"),
        (b'"text"', "text"),
        (b"null", "null"),
        (b"true", "a boolean"),
        (b"3", "a number"),
        (b"2.5", "a number"),
    ],
)
def test_json_that_is_no_object_is_refused_by_its_kind(body: bytes, kind: str) -> None:
    assert refusal(body) == f"the body is {kind}, not an object; send an example"


def test_an_empty_body_is_refused() -> None:
    assert refusal(b"") == "the body is empty; send an example"
