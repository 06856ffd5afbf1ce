"""Spoiling under another contract: text for categories, markers in the way, one feature only."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest

from contract.encoding import Encoder
from contract.schema import Contract
from monitoring.load.forms import Form, body, forms_of
from monitoring.load.spoiling import rules, spoil

TEXTS = {
    "name": "colour",
    "kind": "categorical",
    "description": "Colour",
    "missing": {"markers": ["?"], "allowed": True},
    "categories": [{"value": "r", "label": "red"}, {"value": "g", "label": "green"}],
}
CODES = {
    "name": "size",
    "kind": "categorical",
    "description": "Size",
    "missing": {"markers": [3, 4], "allowed": True},
    "categories": [{"value": 1, "label": "small"}, {"value": 2, "label": "large"}],
}
COUNT = {"name": "count", "kind": "integer", "description": "Count", "range": {"min": 0, "max": 3}}
MARKED = {
    "name": "weight",
    "kind": "numeric",
    "description": "Weight",
    "range": {"min": 0.5, "max": 1},
    "missing": {"markers": [-1, 2], "allowed": True},
}
ROW: dict[str, Any] = {"colour": "r", "size": 1, "count": 2, "weight": 0.75, "other": 1}


def contract_of(*features: dict[str, Any]) -> Contract:
    return Contract.model_validate_json(
        json.dumps(
            {
                "format": 1,
                "name": "things",
                "title": "Things",
                "description": "Things",
                "licence": "none",
                "citation": "none",
                "training": {"location": "things.csv", "title": "Things"},
                "features": features,
                "target": {
                    "column": "y",
                    "description": "y",
                    "classes": [{"label": "no", "values": [0]}, {"label": "yes", "values": [1]}],
                    "positive": "yes",
                },
                "split": {"method": "stratified", "held_out": 0.2},
                "decision": {"metric": "roc_auc", "threshold": {"rule": "fixed", "value": 0.5}, "floors": {}},
                "examples": [{"title": "one", "instance": {f["name"]: ROW[f["name"]] for f in features}}],
            }
        )
    )


@pytest.mark.parametrize("feature", [TEXTS, CODES, COUNT, MARKED], ids=lambda feature: feature["kind"])
def test_what_is_spoilt_breaks_the_rule_that_it_says_and_no_other(feature: dict[str, Any]) -> None:
    contract = contract_of(feature, {**COUNT, "name": "other"})
    encoder, chance = Encoder(contract.features), random.Random(0)
    row = {feature["name"]: ROW[feature["name"]], "other": 1}
    seen = set()
    for _ in range(400):
        spoilt = spoil(chance, Form.RECORDS, contract, [row, row, row])
        (violation,) = encoder.from_records(spoilt.rows).violations
        assert violation.rule == spoilt.rule
        assert f"row {violation.row}, {violation.column}:" == spoilt.words[0]
        seen.add(spoilt.rule)
    assert seen == set(rules(Form.RECORDS, contract))


def test_a_rule_that_no_feature_can_break_is_not_drawn() -> None:
    only_texts = contract_of({**TEXTS, "missing": {"allowed": True}})
    assert set(rules(Form.ARRAYS, only_texts)) == {"wrong-length", "wrong-type", "unknown-category"}
    assert "missing-value" in rules(Form.ARRAYS, contract_of(COUNT))


def test_text_has_no_matrix() -> None:
    assert forms_of(contract_of(TEXTS, COUNT)) == [Form.RECORDS, Form.ARRAYS, Form.TENSORS]
    assert forms_of(contract_of(CODES, COUNT)) == list(Form)


def test_tensors_have_the_datatypes_of_their_features() -> None:
    contract = contract_of(TEXTS, CODES, COUNT, MARKED)
    row = {name: ROW[name] for name in contract.feature_names}
    inputs = orjson.loads(body(Form.TENSORS, contract, [row, {**row, "size": None}]))["inputs"]
    assert {item["name"]: item["datatype"] for item in inputs} == {
        "colour": "BYTES",
        "size": "INT64",
        "count": "INT64",
        "weight": "FP64",
    }
    assert [item["data"] for item in inputs] == [["r", "r"], [1, None], [2, 2], [0.75, 0.75]]
    halves = orjson.loads(body(Form.TENSORS, contract, [{**row, "count": 1.5}]))["inputs"]
    assert next(item["datatype"] for item in halves if item["name"] == "count") == "FP64"
