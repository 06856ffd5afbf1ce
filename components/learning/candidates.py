"""The kinds of model that compete, and the hyper-parameters each is searched over.

The grids cover the ranges of the systems that Concord replaces. Nothing is decided here by looking at a table's scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from components.errors import StageError
from components.learning.preprocessing import Preprocessing, layout_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sklearn.base import BaseEstimator

    from contract.features import Feature

_ITERATIONS = 5000


@dataclass(frozen=True)
class Candidate:
    """A kind of model.

    `complexity` ranks candidates from the simplest (1): how much a person must take on trust. `scaled` asks for
    standardised columns. `cost` is the price of one fit relative to the cheapest, so that an effort buys each candidate
    about the same time, not the same number of trials.
    """

    name: str
    title: str
    complexity: int
    scaled: bool
    cost: int
    estimator: Callable[[int], BaseEstimator]
    grid: Mapping[str, Sequence[Any]]

    def pipeline(self, features: Sequence[Feature], seed: int) -> Pipeline:
        """The steps `prepare` and `model`, unfitted."""
        prepare = Preprocessing(layout_of(features).model_dump_json(), scaled=self.scaled)
        return Pipeline([("prepare", prepare), ("model", self.estimator(seed))])

    @property
    def grid_size(self) -> int:
        """How many different settings there are."""
        return math.prod(len(values) for values in self.grid.values())

    @property
    def space(self) -> dict[str, list[Any]]:
        """The grid under the names that the pipeline knows."""
        return {f"model__{name}": list(values) for name, values in self.grid.items()}


_FOREST = {
    "n_estimators": (50, 100, 200, 300),
    "max_depth": (None, 10, 20, 30, 40),
    "min_samples_split": (2, 5, 10),
    "min_samples_leaf": (1, 2, 4, 8),
    "max_features": ("sqrt", "log2", None),
    "class_weight": (None, "balanced", "balanced_subsample"),
}


def _vote(seed: int) -> VotingClassifier:
    return VotingClassifier(
        [
            ("logistic", LogisticRegression(max_iter=_ITERATIONS)),
            ("forest", RandomForestClassifier(n_estimators=100, random_state=seed)),
            ("extra", ExtraTreesClassifier(n_estimators=100, random_state=seed)),
        ],
        voting="soft",
        flatten_transform=False,
    )


CANDIDATES: Mapping[str, Candidate] = {
    candidate.name: candidate
    for candidate in (
        Candidate(
            "logistic-regression",
            "Logistic regression",
            complexity=1,
            scaled=True,
            cost=1,
            estimator=lambda seed: LogisticRegression(max_iter=_ITERATIONS, random_state=seed),
            grid={
                "C": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0),
                "solver": ("lbfgs", "liblinear"),
                "class_weight": (None, "balanced"),
            },
        ),
        Candidate(
            "decision-tree",
            "Decision tree",
            complexity=2,
            scaled=False,
            cost=1,
            estimator=lambda seed: DecisionTreeClassifier(random_state=seed),
            grid={
                "max_depth": (None, 3, 5, 10, 20, 30),
                "min_samples_split": (2, 5, 10, 20),
                "min_samples_leaf": (1, 2, 4, 8, 16),
                "max_features": ("sqrt", "log2", None),
                "criterion": ("gini", "entropy"),
                "class_weight": (None, "balanced"),
            },
        ),
        Candidate(
            "svm",
            "Support vector machine",
            complexity=3,
            scaled=True,
            cost=2,
            estimator=lambda seed: SVC(random_state=seed),
            grid={"C": (0.1, 1.0, 10.0, 100.0), "kernel": ("rbf", "linear"), "gamma": ("scale", "auto", 0.001, 0.01)},
        ),
        Candidate(
            "extra-trees",
            "Extra trees",
            complexity=4,
            scaled=False,
            cost=8,
            estimator=lambda seed: ExtraTreesClassifier(random_state=seed),
            grid=_FOREST,
        ),
        Candidate(
            "random-forest",
            "Random forest",
            complexity=5,
            scaled=False,
            cost=8,
            estimator=lambda seed: RandomForestClassifier(random_state=seed),
            grid=_FOREST,
        ),
        Candidate(
            "gradient-boosting",
            "Gradient boosting",
            complexity=6,
            scaled=False,
            cost=8,
            estimator=lambda seed: GradientBoostingClassifier(random_state=seed),
            grid={
                "n_estimators": (50, 100, 200),
                "learning_rate": (0.01, 0.03, 0.1, 0.2),
                "max_depth": (2, 3, 5, 7),
                "min_samples_split": (2, 5, 10),
                "min_samples_leaf": (1, 2, 4),
                "subsample": (0.5, 1.0),
            },
        ),
        Candidate(
            "hist-gradient-boosting",
            "Histogram gradient boosting",
            complexity=7,
            scaled=False,
            cost=8,
            estimator=lambda seed: HistGradientBoostingClassifier(early_stopping=False, random_state=seed),
            grid={
                "learning_rate": (0.01, 0.03, 0.1, 0.2),
                "max_iter": (50, 100, 200),
                "max_leaf_nodes": (4, 8, 15, 31),
                "min_samples_leaf": (5, 10, 20),
                "l2_regularization": (0.0, 1.0, 10.0),
            },
        ),
        Candidate(
            "soft-vote",
            "Soft vote",
            complexity=8,
            scaled=True,
            cost=12,
            estimator=_vote,
            grid={
                "logistic__C": (0.01, 0.03, 0.1),
                "forest__min_samples_leaf": (2, 4, 8),
                "extra__min_samples_leaf": (2, 4, 8),
            },
        ),
    )
}
"""Every candidate by name, the simplest first."""


def candidate_named(name: str) -> Candidate:
    """The candidate of that name. Raises `StageError` naming those that exist."""
    try:
        return CANDIDATES[name]
    except KeyError:
        raise StageError(f"there is no candidate {name!r}; choose from {', '.join(CANDIDATES)}") from None
