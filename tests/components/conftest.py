"""What the tests of stages and of learning share: a small effort, the heart rows, and a table of another kind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from kfp import dsl
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from components.cross_validate import cross_validate
from components.evaluate import evaluate
from components.ingest import ingest
from components.learning import effort
from components.learning.candidates import CANDIDATES
from components.learning.effort import Effort
from components.learning.fitting import Fitted, fit
from components.learning.rows import Rows, rows_of
from components.select import select
from components.split import split
from components.train import train
from components.validate import validate
from contract.schema import Contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """As a task has it; on a busy machine threads that wait for each other take most of the time."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def tiny() -> Effort:
    """The least that every step of the procedure needs."""
    return Effort("tiny", repeats=1, folds=2, inner_folds=2, trials=2, calibration_folds=2, resamples=50)


@pytest.fixture(scope="session")
def rows(heart: Contract, cleveland: pd.DataFrame) -> Rows:
    """The heart table as candidates see it; tests must not change it."""
    return rows_of(heart, cleveland)


@pytest.fixture(scope="session")
def fitted(heart: Contract, rows: Rows, tiny: Effort) -> Callable[[str], Fitted]:
    """Every candidate fitted once on the heart table, when it is first asked for."""
    kept: dict[str, Fitted] = {}

    def by_name(name: str) -> Fitted:
        if name not in kept:
            kept[name] = fit(CANDIDATES[name], heart, rows, tiny, seed=0)
        return kept[name]

    return by_name


@dataclass(frozen=True)
class Stages:
    """The artifacts of the stages from *ingest* to *select*, as the components left them, and the winner's name."""

    artifacts: dict[str, dsl.Artifact]
    winner: str

    def __getitem__(self, name: str) -> dsl.Artifact:
        return self.artifacts[name]


@pytest.fixture(scope="session")
def stages(tiny: Effort, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """Every component up to *select*, run once on the heart table as KFP would; tests must not change them."""
    folder = tmp_path_factory.mktemp("stages")
    kept: dict[str, dsl.Artifact] = {}

    def artifact(name: str, kind: type[dsl.Artifact] = dsl.Artifact) -> dsl.Artifact:
        kept[name] = kind(name=name, uri=str(folder / name))
        return kept[name]

    names = ("logistic-regression", "decision-tree")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort, "EFFORTS", {"tiny": tiny})
        ingested = ingest.python_func(
            "datasets/heart/contract.yaml", {}, artifact("contract"), artifact("table"), artifact("external")
        )
        contract, table, external = kept["contract"], kept["table"], kept["external"]
        validate.python_func(contract, table, external, artifact("validation"))
        split.python_func(contract, table, artifact("training"), artifact("held_out"))
        for name in names:
            train.python_func(name, "tiny", contract, kept["training"], artifact(name, dsl.Model))
            cross_validate.python_func(name, "tiny", contract, kept["training"], artifact(f"{name}-resampled"))
        evaluate.python_func(
            "tiny",
            *ingested,
            contract,
            kept["training"],
            kept["held_out"],
            external,
            [kept[name] for name in names],
            [kept[f"{name}-resampled"] for name in reversed(names)],
            artifact("evaluation"),
        )
        winner = select.python_func(
            contract,
            kept["evaluation"],
            artifact("selected"),
            artifact("metrics", dsl.Metrics),
            artifact("curve", dsl.ClassificationMetrics),
        )
    return Stages(kept, winner)


@pytest.fixture(scope="session")
def parcels() -> Contract:
    """A table with everything that heart lacks: codes and classes in text, groups, times, a text marker."""
    content: dict[str, Any] = {
        "format": 1,
        "name": "parcels",
        "title": "Parcels <of> one carrier",
        "description": "Which parcels arrive late.",
        "licence": "CC0",
        "citation": "Made up for tests.",
        "training": {"location": "parcels.csv", "title": "One carrier"},
        "external": {"island": {"location": "island.csv", "title": "Another carrier"}},
        "features": [
            {"name": "weight", "kind": "numeric", "description": "Weight", "range": {"min": 0, "max": 50}},
            {"name": "express", "kind": "boolean", "description": "Sent by express?"},
            {
                "name": "zone",
                "kind": "categorical",
                "description": "Tariff zone",
                "categories": [{"value": "01", "label": "near"}, {"value": "02", "label": "far"}],
            },
            {
                "name": "floor",
                "kind": "integer",
                "description": "Floor of the receiver",
                "missing": {"markers": [-1, "unknown"], "allowed": True},
                "range": {"min": -5, "max": 80},
            },
        ],
        "target": {
            "column": "late",
            "description": "Did it arrive late?",
            "classes": [{"label": "in time", "values": ["no"]}, {"label": "late", "values": ["yes", "lost"]}],
            "positive": "late",
        },
        "group_column": "customer",
        "time_column": "sent",
        "split": {"method": "stratified", "held_out": 0.25},
        "decision": {
            "metric": "roc_auc",
            "threshold": {"rule": "sensitivity_at_least", "value": 0.9},
            "floors": {},
        },
        "examples": [{"title": "any", "instance": {"weight": 1, "express": True, "zone": "01", "floor": None}}],
    }
    return Contract.model_validate_json(json.dumps(content))


@pytest.fixture
def sent() -> Callable[[int], pd.DataFrame]:
    """Text cells of that many parcels, all sound: heavier ones are later, five of each customer, one a day."""
    import pandas as pd

    def table(count: int) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        weight = rng.uniform(0, 50, count).round(2)
        return pd.DataFrame(
            {
                "weight": [f"{value:g}" for value in weight],
                "express": rng.choice(["true", "false"], count),
                "zone": rng.choice(["01", "02"], count),
                "floor": rng.choice(["0", "3", "unknown"], count),
                "late": np.where(weight + rng.normal(0, 10, count) > 25, "yes", "no"),
                "customer": [f"c{index // 5}" for index in range(count)],
                "sent": pd.date_range("2024-01-01", periods=count).strftime("%Y-%m-%d"),
            }
        )

    return table
