"""The contract of parcels, and a real bundle of it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from contract.bundle import Golden, GoldenRequests, seal
from contract.document import load_contract
from contract.profile import profile_of
from contract.scorer import Calibration, DecisionRule
from contract.transform import Imputation, Indicators, Layout, Regression, Standardization, Transform
from tests.parcels import PARCELS, linear_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from contract.schema import Contract

FACTS = {
    "name": "parcels",
    "version": "1",
    "created": "2026-01-01T00:00:00+00:00",
    "run_id": "test",
    "candidate": "linear",
    "data_sha256": "0" * 64,
    "code_revision": "test",
    "versions": {"numpy": np.__version__},
}


@pytest.fixture(scope="session")
def parcels_text() -> str:
    """The small contract, as its file has it."""
    return PARCELS


@pytest.fixture(scope="session")
def parcels(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """The small contract: weight, stops, fragile, service (text codes) and zone (codes 1 and 3)."""
    path = tmp_path_factory.mktemp("parcels") / "contract.yaml"
    path.write_text(PARCELS, encoding="utf-8")
    return load_contract(path)


@pytest.fixture(scope="session")
def transform() -> Transform:
    """Preprocessing of parcels: missing stops follow from the weight, other missing values are constants."""
    names = ("weight", "stops", "fragile", "service=std", "service=exp", "service=nite", "zone=3")
    return Transform(
        format=1,
        layout=Layout(
            columns=names,
            numbers=(0, 1),
            booleans=(2,),
            indicators=(
                Indicators(feature=3, categories=3, drop_first=False),
                Indicators(feature=4, categories=2, drop_first=True),
            ),
        ),
        standardize_numbers=Standardization(mean=(2.0, 4.0), scale=(0.5, 2.0)),
        impute=Imputation(
            initial=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
            steps=(
                Regression(column=1, coefficients=(0.5, 0.0, 1.0, 0.1, 0.2, 0.3, 0.4), intercept=-0.25),
                Regression(column=2, coefficients=(0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0), intercept=1.0),
            ),
        ),
        standardize_all=Standardization(mean=(0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0), scale=(1.0, 1.0, 0.5, 1, 1, 1, 1)),
    )


@pytest.fixture(scope="session")
def rule() -> DecisionRule:
    """What turns the linear model's score into an answer."""
    return DecisionRule(
        format=1,
        calibration=Calibration(method="sigmoid", slope=-1.5, intercept=0.25),
        threshold=0.5,
        labels=("on time", "late"),
    )


@pytest.fixture(scope="session")
def linear() -> Callable[[Sequence[float]], bytes]:
    """A real ONNX model: the weighted sum of its inputs, float32 of shape (rows, 1), without an intercept."""

    def model(weights: Sequence[float]) -> bytes:
        return linear_model(np.array(weights)[:, None])

    return model


@pytest.fixture(scope="session")
def facts(parcels: Contract) -> dict[str, object]:
    """What the manifest says and no file tells."""
    return {**FACTS, "contract_digest": parcels.digest}


@pytest.fixture(scope="session")
def sealed(
    tmp_path_factory: pytest.TempPathFactory,
    parcels: Contract,
    *,
    transform: Transform,
    rule: DecisionRule,
    linear: Callable[[Sequence[float]], bytes],
    facts: dict[str, object],
) -> Path:
    """A sealed bundle; tests must not change it."""
    directory = tmp_path_factory.mktemp("bundle")
    encoded = np.array([[2.5, 3, 0, 0, 0], [9.0, np.nan, 1, 2, 1]])
    golden = Golden(title="refused", instances=(parcels.examples[1].instance,), refused="out-of-range")
    texts = {
        "contract.yaml": PARCELS,
        "transform.json": transform.model_dump_json(),
        "decision.json": rule.model_dump_json(),
        "model.skops": "only its bytes matter to what serves",
        "profile.json": profile_of(
            parcels.features, encoded, np.array([0.2, 0.8]), ("on time", "late")
        ).model_dump_json(),
        "evaluation.json": json.dumps({}),
        "golden.json": GoldenRequests(format=1, tolerance=1e-6, requests=(golden,)).model_dump_json(),
        "MODEL_CARD.md": "# Parcels\n",
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    (directory / "model.onnx").write_bytes(linear([1, 0.5, 0.25, 0, 0, 0, -1]))
    seal(directory, facts)
    return directory


@pytest.fixture
def copied(sealed: Path, tmp_path: Path) -> Path:
    """A copy of the bundle to spoil."""
    return shutil.copytree(sealed, tmp_path / "bundle")
