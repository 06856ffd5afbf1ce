"""A schema allows exactly what the contract's encoder accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contract.encoding import Encoder
from contract.features import Feature
from predictor import json_schema, tensor_schema

if TYPE_CHECKING:
    from predictor.served import Served

    Record = dict[str, Any]

NAMES = {"name": "x", "description": "X"}
CODES = [{"value": 1, "label": "one"}, {"value": 2, "label": "two"}]
TEXTS = [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]
RANGE = {"min": -2, "max": 9.5}
FEATURES = {
    "numeric": {"kind": "numeric", "range": RANGE},
    "numeric, may be missing": {"kind": "numeric", "range": RANGE, "missing": {"allowed": True}},
    "numeric with markers": {"kind": "numeric", "range": RANGE, "missing": {"allowed": True, "markers": [-9, 0, "?"]}},
    "numeric with refused markers": {"kind": "numeric", "range": RANGE, "missing": {"markers": [-9, 0, "?"]}},
    "integer": {"kind": "integer", "range": RANGE},
    "integer with markers": {"kind": "integer", "range": RANGE, "missing": {"allowed": True, "markers": [99]}},
    "boolean": {"kind": "boolean"},
    "boolean with markers": {"kind": "boolean", "missing": {"allowed": True, "markers": [9, "?"]}},
    "codes": {"kind": "categorical", "categories": CODES},
    "codes with markers": {
        "kind": "categorical",
        "categories": CODES,
        "missing": {"allowed": True, "markers": [0, "?"]},
    },
    "texts": {"kind": "categorical", "categories": TEXTS},
    "texts with markers": {"kind": "categorical", "categories": TEXTS, "missing": {"allowed": True, "markers": ["?"]}},
}
SCALARS: st.SearchStrategy[Any] = (
    st.sampled_from([None, True, False, 0, 0.0, -0.0, 1, 1.0, 2, 3, 9, 9.5, 10, 99, -9, -2, -2.5, 63.5])
    | st.sampled_from(["", "?", "a", "b", "A", "1", "true", "null", "x" * 500])
    | st.integers()
    | st.sampled_from([2**63, 2**64, -(2**64), 10**30, 1e300, 5e-324, -1e308])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=1)
)


@pytest.mark.parametrize("fields", FEATURES.values(), ids=FEATURES.keys())
@settings(max_examples=300, deadline=None, derandomize=True)
@given(sent=VALUES)
def test_the_schema_of_a_feature_allows_what_the_encoder_accepts(fields: dict[str, Any], sent: Any) -> None:
    feature: Feature = TypeAdapter(Feature).validate_json(json.dumps({**NAMES, **fields}))
    accepted = not Encoder([feature]).from_records([{"x": sent}]).violations
    assert jsonschema_rs.is_valid(json_schema.value(feature), sent) == accepted


def test_a_feature_is_described_with_its_unit_its_usual_range_and_its_labels(served: Served) -> None:
    properties = json_schema.record(served)["properties"]
    assert properties["age"]["description"] == "Age (years); outside 29 to 77 it is answered with a warning"
    assert {choice["const"]: choice["title"] for choice in properties["sex"]["anyOf"]} == {0: "female", 1: "male"}
    assert properties["thalach"]["anyOf"][0] == {"type": "integer", "minimum": 30, "maximum": 250}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_schema_of_a_row_allows_what_the_encoder_accepts(served: Served, data: st.DataObject) -> None:
    examples = [example.instance for example in served.bundle.contract.examples]
    sent = dict(data.draw(st.sampled_from(examples)))
    for name in data.draw(st.lists(st.sampled_from([*sent, "height"]), max_size=2)):
        if data.draw(st.booleans()):
            sent[name] = data.draw(VALUES)
        else:
            sent.pop(name, None)
    by_name = not served.encoder.from_records([sent]).violations
    by_place = not served.encoder.from_arrays([list(sent.values())]).violations
    assert jsonschema_rs.is_valid(json_schema.record(served), sent) == by_name
    assert jsonschema_rs.is_valid(json_schema.row(served), list(sent.values())) == by_place


def test_a_tensor_may_have_any_datatype_that_holds_its_values(served: Served) -> None:
    columns = tensor_schema.tensors(served)["properties"]["inputs"]["anyOf"][0]["items"]["anyOf"]
    datatypes = {column["properties"]["name"]["const"]: column["properties"]["datatype"]["enum"] for column in columns}
    assert list(datatypes) == served.bundle.contract.feature_names
    assert (datatypes["age"][0], datatypes["fbs"][0], datatypes["oldpeak"][0]) == ("INT64", "BOOL", "FP64")
    assert "BOOL" not in datatypes["age"]
    assert all("BYTES" not in names and {"FP64", "INT64"} <= set(names) for names in datatypes.values())
