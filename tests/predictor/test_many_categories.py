"""A feature of thousands of categories, such as the communes of a country: all that is told of it stays short."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import numpy as np
import pytest
import schemathesis
import yaml

from contract.bundle import load_bundle
from contract.errors import RequestRefused
from contract.profile import MOST_BINS
from predictor import explain, json_schema, v1
from predictor.drift import DriftWindow, Window
from predictor.metrics import Metrics
from predictor.openapi import document
from predictor.served import Served
from tests.serving import sealed

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

CATEGORIES = 4_000
COMMONEST = "missing"  # reads like the bin of missing values
CODES = [COMMONEST if position == 2_000 else f"{position:05d}" for position in range(CATEGORIES)]
CONTRACT = {
    "format": 1,
    "name": "towns",
    "title": "Accidents by town",
    "description": "Accidents, and whether they were severe.",
    "licence": "CC0 1.0",
    "citation": "Made up (2026).",
    "training": {"location": "towns.csv", "title": "Towns"},
    "features": [
        {
            "name": "commune",
            "kind": "categorical",
            "description": "Code of the commune",
            "missing": {"allowed": True},
            "categories": [{"value": code, "label": f"town {code}"} for code in CODES],
        },
        {
            "name": "lanes",
            "kind": "integer",
            "description": "Lanes of the road",
            "range": {"min": 0, "max": 12},
        },
    ],
    "target": {
        "column": "severe",
        "description": "Was anybody badly hurt?",
        "classes": [{"label": "no", "values": [0]}, {"label": "yes", "values": [1]}],
        "positive": "yes",
    },
    "split": {"method": "stratified", "held_out": 0.2},
    "decision": {"metric": "roc_auc", "threshold": {"rule": "fixed", "value": 0.4}, "floors": {}},
    "examples": [
        {"title": "a town", "instance": {"commune": COMMONEST, "lanes": 2}},
        {"title": "no town", "instance": {"commune": "x", "lanes": 2}, "refused": "unknown-category"},
    ],
}


def positions(size: int, seed: int) -> npt.NDArray[np.int64]:
    """Towns as they occur: few with many accidents, and thousands with hardly any. The commonest is position 2,000."""
    drawn = np.minimum(np.random.default_rng(seed).zipf(1.4, size=size) - 1, CATEGORIES - 1)
    return (drawn * 7 + 2_000) % CATEGORIES


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Served:
    directory = tmp_path_factory.mktemp("towns")
    contract = directory / "contract.yaml"
    contract.write_text(yaml.safe_dump(CONTRACT, sort_keys=False), encoding="utf-8")
    rows = positions(1_000, seed=0)
    lanes = np.random.default_rng(1).integers(1, 6, size=len(rows))
    columns = {"commune": [CODES[row] for row in rows[:-10]] + [None] * 10, "lanes": [float(lane) for lane in lanes]}
    target = (np.random.default_rng(2).random(len(rows)) < lanes / 8).astype(int).tolist()
    return Served("towns", load_bundle(sealed(tmp_path_factory.mktemp("bundle"), contract, columns, target)))


def rows_of(seed: int, size: int = 2_000) -> Floats:
    lanes = np.random.default_rng(seed + 100).integers(1, 6, size=size)
    return np.column_stack([positions(size, seed), lanes]).astype(np.float64)


def test_the_commonest_have_a_bin_each_and_the_last_holds_all_others(towns: Served) -> None:
    commune = towns.bundle.profile.features[0]
    counts = np.bincount(positions(1_000, seed=0)[:-10], minlength=CATEGORIES)
    assert len(commune.labels) == len(commune.counts) == MOST_BINS == 50
    assert len(set(commune.labels)) == MOST_BINS
    assert commune.labels[-1] == "3951 others"
    assert sum(commune.counts) + commune.missing == 1_000
    assert commune.missing == 10
    own = [counts[position] for position in commune.categories]
    assert list(commune.counts[:-1]) == own
    others = np.delete(counts, commune.categories)
    assert min(own) >= others.max()
    assert commune.counts[-1] == others.sum() > 0
    assert "'missing'" in commune.labels
    assert "missing" not in commune.labels


def test_live_rows_fall_into_the_same_bins(towns: Served) -> None:
    window = DriftWindow(towns.bundle.profile, Window())
    every = np.column_stack([[*range(CATEGORIES), np.nan], np.full(CATEGORIES + 1, 2.0)])
    cells = window.cells(every, np.full(len(every), 0.5))
    commune = towns.bundle.profile.features[0]
    assert cells[:, 0].tolist() == commune.bins(every[:, 0]).tolist()
    assert cells[-1, 0] == MOST_BINS
    assert window.size == (MOST_BINS + 1) + (len(towns.bundle.profile.features[1].counts) + 1) + 11


def test_drift_is_silent_on_the_same_towns_and_told_of_others(towns: Served) -> None:
    def commune(rows: Floats) -> Any:
        window = DriftWindow(towns.bundle.profile, Window())
        window.add(window.cells(rows, towns.bundle.scorer(rows).probability))
        return window.drift()[0]

    same = commune(rows_of(seed=3))
    assert same.psi < min(0.2, same.chance)
    elsewhere = rows_of(seed=4)
    elsewhere[:, 0] = (elsewhere[:, 0] + 1_000) % CATEGORIES
    moved = commune(elsewhere)
    assert moved.psi > max(0.2, moved.chance)


def test_metrics_have_a_bounded_number_of_series(towns: Served) -> None:
    metrics = Metrics([towns], lambda name: True)
    account = metrics.models["towns"]
    rows = rows_of(seed=5)
    account.scored(rows, towns.bundle.scorer(rows), 0.001)
    samples = [sample for family in metrics.collect() for sample in family.samples]
    of_commune = [sample for sample in samples if sample.labels.get("feature") == "commune"]
    assert len(samples) < 1_000
    assert len(of_commune) < 3 * MOST_BINS
    bins = [sample for sample in of_commune if sample.name == "predictor_feature_values_total"]
    assert sum(sample.value for sample in bins) == len(rows)
    keys = [(sample.name, *sorted(sample.labels.items())) for sample in samples]
    assert len(set(keys)) == len(keys)


def test_an_unknown_code_is_refused_in_a_few_words(towns: Served) -> None:
    with pytest.raises(RequestRefused) as refused:
        v1.encode(towns, [{"commune": "x", "lanes": 2}])
    text = str(refused.value)
    assert text.startswith(
        "row 0, commune: 'x' breaks 'unknown-category'; allowed: one of '00000' (town 00000), '00001'"
    )
    assert text.endswith("'00011' (town 00011), or one of 3,988 more, or null")
    assert len(text) < 400


def test_the_document_lists_codes_and_nothing_else(towns: Served) -> None:
    described = document([towns])
    schemathesis.openapi.from_dict(described).validate()
    assert len(json.dumps(described)) < 10 * CATEGORIES * len("'00000', ")
    record = jsonschema_rs.Draft202012Validator(json_schema.record(towns))
    assert record.is_valid({"commune": CODES[-1], "lanes": 2})
    assert record.is_valid({"commune": None, "lanes": 2})
    assert not record.is_valid({"commune": "x", "lanes": 2})
    assert not record.is_valid({"commune": 3, "lanes": 2})


def test_the_typical_row_has_the_commonest_category(towns: Served) -> None:
    baseline = explain.typical_row(towns.bundle.profile, towns.features)
    assert CODES[int(baseline[0])] == COMMONEST
    content = json.loads(explain.answer(towns, b'{"instances": [["00007", 2]]}'))
    assert content["baseline"]["values"]["commune"] == COMMONEST
