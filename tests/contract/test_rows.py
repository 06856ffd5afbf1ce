"""The fast reader says what the encoder says, or nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.document import load_contract
from contract.encoding import Encoder
from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature, Missing, NumericFeature, Range
from contract.rows import RowReader

HEART = load_contract(Path(__file__).parents[2] / "datasets" / "heart" / "contract.yaml")
WHOLE = Range(min=-5, max=9)
FEATURES = (
    NumericFeature(name="n", description="n", kind="numeric", range=Range(min=-1, max=2.5), usual=Range(min=0, max=2)),
    IntegerFeature(
        name="i", description="i", kind="integer", range=WHOLE, missing=Missing(markers=(-1, "?"), allowed=True)
    ),
    BooleanFeature(name="b", description="b", kind="boolean", missing=Missing(allowed=True)),
    CategoricalFeature.model_validate(
        {
            "name": "c",
            "description": "c",
            "kind": "categorical",
            "categories": ({"value": 0, "label": "none"}, {"value": 3, "label": "three"}),
            "missing": {"markers": (7,), "allowed": True},
        }
    ),
    CategoricalFeature.model_validate(
        {
            "name": "t",
            "description": "t",
            "kind": "categorical",
            "categories": ({"value": "a", "label": "A"}, {"value": "b", "label": "B"}),
        }
    ),
)
NAMES = [feature.name for feature in FEATURES]
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, 1, 3, 7, -1, 2, 9, 10, -6, 10**30, 0.0, 1.0, 2.5, 2.6, 0.5, -0.0, 3.0),
        *(math.inf, math.nan, "a", "b", "?", "c", "", "1", [], {}),
    ]
)
ROWS = st.lists(st.lists(VALUES, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=3)


@given(ROWS)
def test_what_it_reads_the_encoder_encodes_in_silence(rows: list[list[Any]]) -> None:
    reader, encoder = RowReader(FEATURES), Encoder(FEATURES)
    records = [dict(zip(NAMES, row, strict=True)) for row in rows]
    for read, encoded in (
        (reader.arrays(rows), encoder.from_arrays(rows)),
        (reader.records(records), encoder.from_records(records)),
    ):
        if read is not None:
            np.testing.assert_array_equal(np.array(read, dtype=np.float64), encoded.matrix)
            assert not encoded.unusual.any()
            assert encoded.violations == ()


@given(st.data())
def test_it_reads_every_ordinary_row(data: st.DataObject) -> None:
    row = [
        data.draw(st.floats(0, 2)),
        data.draw(st.integers(0, 9) | st.none()),
        data.draw(st.booleans() | st.none() | st.sampled_from([0, 1, 1.0])),
        data.draw(st.sampled_from([0, 3, 3.0, None])),
        data.draw(st.sampled_from(["a", "b"])),
    ]
    assert RowReader(FEATURES).arrays([row]) is not None


def test_it_reads_the_examples_that_nothing_is_to_be_said_about() -> None:
    reader, encoder = RowReader(HEART.features), Encoder(HEART.features)
    for example in HEART.examples:
        encoded = encoder.from_records([example.instance])
        silent = not encoded.violations and not encoded.unusual.any()
        marked = example.instance["chol"] == 0
        assert (reader.records([example.instance]) is not None) == (silent and not marked)


@pytest.mark.parametrize("record", [{}, {"n": 1}, dict.fromkeys([*NAMES, "x"], 1), dict.fromkeys(["N", *NAMES[1:]], 1)])
def test_other_fields_are_the_encoders(record: dict[str, Any]) -> None:
    assert RowReader(FEATURES).records([record]) is None


@pytest.mark.parametrize("length", [0, len(NAMES) - 1, len(NAMES) + 1])
def test_other_lengths_are_the_encoders(length: int) -> None:
    assert RowReader(FEATURES).arrays([[1] * length]) is None


def test_a_table_may_have_one_feature() -> None:
    reader = RowReader(FEATURES[:1])
    assert reader.records([{"n": 1}, {"n": 2}]) == [[1], [2]]
    assert reader.records([{"i": 1}]) is None
