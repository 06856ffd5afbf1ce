"""Parcels with odd spellings, of two classes and of three, and a bundle of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from contract.bundle import Bundle, Golden, GoldenRequests, load_bundle, seal
from contract.document import load_contract
from contract.encoding import Encoder
from contract.features import BooleanFeature, CategoricalFeature
from contract.profile import profile_of
from contract.scorer import Calibration, DecisionRule, Temperature
from contract.transform import Imputation, Indicators, Layout, Standardization, Transform
from tests.parcels import PARCELS, linear_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contract.schema import Contract


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle that tells two classes apart."""
    target = {
        "classes": [{"label": "on time", "values": ["punctual"]}, {"label": "late", "values": ["late"]}],
        "positive": "late",
    }
    decision = {"metric": "roc_auc", "threshold": {"rule": "fixed", "value": 0.5}, "floors": {"roc_auc": 0.6}}
    return _sealed(tmp_path_factory.mktemp("binary"), target, decision)


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle that tells three classes apart."""
    codes = {"early": "e", "on time": "p", "late": "l"}
    target = {"classes": [{"label": label, "values": [code]} for label, code in codes.items()]}
    return _sealed(tmp_path_factory.mktemp("several"), target, {"metric": "accuracy", "floors": {"accuracy": 0.4}})


@pytest.fixture(scope="session", params=["binary", "several"])
def directory(request: pytest.FixtureRequest) -> Path:
    """Either bundle."""
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def bundle(directory: Path) -> Bundle:
    """Either bundle, loaded."""
    return load_bundle(directory)


@pytest.fixture(scope="session")
def good_rows() -> Callable[[int], list[dict[str, Any]]]:
    """Rows as a client would send them, that the contract allows; all kinds of missing value among them."""

    def rows(count: int) -> list[dict[str, Any]]:
        rng = np.random.default_rng(count)
        return [
            {
                "weight": round(float(rng.uniform(0.1, 30)), int(rng.integers(0, 17))) or 1.0,
                "stops": None if rng.random() < 0.2 else int(rng.integers(0, 10)),
                "fragile": [None, True, False][int(rng.integers(0, 3))],
                "service": [None, "std", "exp", "nite"][int(rng.integers(0, 4))],
                "zone": [1, 3][int(rng.integers(0, 2))],
            }
            for _ in range(count)
        ]

    return rows


def _sealed(directory: Path, target: dict[str, Any], decision: dict[str, Any]) -> Path:
    content = yaml.safe_load(PARCELS) | {"missing_markers": ["", "?"], "decision": decision}
    content["target"] = {"column": "arrived", "description": "When it arrived", **target}
    content["features"][0]["column"] = "Weight_kg"
    (directory / "contract.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    contract = load_contract(directory / "contract.yaml")
    labels = contract.target.labels
    transform = _transform(contract)
    scores = 1 if len(labels) == 2 else len(labels)
    rule = DecisionRule(
        format=1,
        calibration=Calibration(method="sigmoid", slope=-1.5, intercept=0.25)
        if scores == 1
        else Temperature(method="temperature", inverse=1.5, of_probabilities=False),
        threshold=0.5 if scores == 1 else None,
        labels=labels,
    )
    matrix = Encoder(contract.features).from_records([contract.examples[0].instance]).matrix
    probability = np.full(1, 0.5) if scores == 1 else np.full((1, scores), 1 / scores)
    profile = profile_of(contract.features, matrix, probability, labels)
    golden = Golden(title="refused", instances=({},), refused="missing-feature")
    files = {
        "transform.json": transform.model_dump_json(),
        "decision.json": rule.model_dump_json(),
        "model.skops": "only its bytes matter to what serves",
        "profile.json": profile.model_dump_json(),
        "evaluation.json": "{}",
        "golden.json": GoldenRequests(format=1, tolerance=1e-6, requests=(golden,)).model_dump_json(),
        "MODEL_CARD.md": "# Parcels\n",
    }
    for name, content in files.items():
        (directory / name).write_text(content, encoding="utf-8")
    (directory / "model.onnx").write_bytes(
        linear_model(np.random.default_rng(7).normal(size=(len(transform.layout.columns), scores)))
    )
    facts: dict[str, object] = {
        "name": "parcels",
        "version": "1",
        "created": "2026-01-01T00:00:00+00:00",
        "run_id": "test",
    }
    facts |= {"candidate": "linear", "data_sha256": "0" * 64, "code_revision": "test"}
    seal(directory, {**facts, "versions": {}, "contract_digest": contract.digest})
    return directory


def _transform(contract: Contract) -> Transform:
    places = list(enumerate(contract.features))
    categories = [(at, feature) for at, feature in places if isinstance(feature, CategoricalFeature)]
    booleans = tuple(at for at, feature in places if isinstance(feature, BooleanFeature))
    numbers = tuple(at for at, feature in places if not isinstance(feature, BooleanFeature | CategoricalFeature))
    names = [contract.features[at].name for at in (*numbers, *booleans)]
    names += [f"{feature.name}={value}" for _, feature in categories for value in feature.values]
    return Transform(
        format=1,
        layout=Layout(
            columns=tuple(names),
            numbers=numbers,
            booleans=booleans,
            indicators=tuple(
                Indicators(feature=at, categories=len(feature.values), drop_first=False) for at, feature in categories
            ),
        ),
        standardize_numbers=Standardization(mean=(5.0,) * len(numbers), scale=(3.0,) * len(numbers)),
        impute=Imputation(initial=tuple(0.1 * at for at in range(len(names))), steps=()),
        standardize_all=None,
    )


@pytest.fixture(scope="session")
def binary_bundle(binary: Path) -> Bundle:
    """The bundle of two classes, loaded."""
    return load_bundle(binary)
