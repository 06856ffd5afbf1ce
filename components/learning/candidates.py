"""The kinds of model that compete, and the hyper-parameters each is searched over.

The grids cover the ranges of the systems that Concord replaces. Nothing is decided here by looking at a table's scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from components.errors import StageError
from components.learning.boosting import CatBoost, LightGBM
from components.learning.preprocessing import Preprocessing, layout_of
from contract.decision import PAIR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sklearn.base import BaseEstimator

    from contract.features import Feature

_ITERATIONS = 5000


Preparation = Literal["scaled", "plain", "native"]
"""What columns a model gets: complete and standardised; complete, categories as indicators; or with the gaps left as
they are and categories as positions, for trees that split on both by themselves."""


@dataclass(frozen=True)
class Candidate:
    """A kind of model.

    `complexity` ranks candidates from the simplest (1): how much a person must take on trust. `cost` is the price of
    one fit relative to the cheapest, so that an effort buys each candidate about the same time, not the same number of
    trials. A fit takes time in proportion to the rows to the power of `growth`; on more than `largest` rows it isn't
    tried. `grid_of_many` is the grid for more than two classes, where it differs. `requires` names a library that may
    be absent. With `one_vs_rest`, more than two classes take a model each, since two is all it can tell apart.
    """

    name: str
    title: str
    complexity: int
    preparation: Preparation
    cost: int
    estimator: Callable[[int], BaseEstimator]
    grid: Mapping[str, Sequence[Any]]
    grid_of_many: Mapping[str, Sequence[Any]] | None = None
    one_vs_rest: bool = False
    growth: float = 1.0
    largest: int | None = None
    requires: str | None = None

    @property
    def is_available(self) -> bool:
        """Whether the library that it requires is installed."""
        return self.requires is None or find_spec(self.requires) is not None

    def pipeline(self, features: Sequence[Feature], seed: int, classes: int = PAIR) -> Pipeline:
        """The steps `prepare` and `model`, unfitted, for so many classes.

        Raises `StageError` if the library that it requires isn't installed.
        """
        if not self.is_available:
            raise StageError(
                f"{self.name} needs {self.requires}, which isn't installed: `make boosting` installs it;"
                " or leave this candidate out"
            )
        native = self.preparation == "native"
        layout = layout_of(features, classes, native=native)
        prepare = Preprocessing(layout.model_dump_json(), scaled=self.preparation == "scaled", native=native)
        model = self.estimator(seed)
        if native and layout.codes:
            model.set_params(categorical_features=layout.code_columns)
        if self.one_vs_rest and classes > PAIR:
            model = OneVsRestClassifier(model)
        return Pipeline([("prepare", prepare), ("model", model)])

    def grid_size(self, classes: int = PAIR) -> int:
        """How many different settings there are."""
        return math.prod(len(values) for values in self.space(classes).values())

    def space(self, classes: int = PAIR) -> dict[str, list[Any]]:
        """The grid for so many classes, under the names that the pipeline knows."""
        many = classes > PAIR
        prefix = "model__estimator__" if many and self.one_vs_rest else "model__"
        grid = self.grid_of_many if many and self.grid_of_many else self.grid
        return {f"{prefix}{name}": list(values) for name, values in grid.items()}


_INVERSE_PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
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
            preparation="scaled",
            cost=1,
            estimator=lambda seed: LogisticRegression(max_iter=_ITERATIONS, random_state=seed),
            grid={
                "C": _INVERSE_PENALTIES,
                "solver": ("lbfgs", "liblinear"),
                "class_weight": (None, "balanced"),
            },
            grid_of_many={"C": _INVERSE_PENALTIES, "class_weight": (None, "balanced")},  # liblinear tells two apart
        ),
        Candidate(
            "decision-tree",
            "Decision tree",
            complexity=2,
            preparation="plain",
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
            preparation="scaled",
            cost=2,
            estimator=lambda seed: SVC(random_state=seed),
            grid={"C": (0.1, 1.0, 10.0, 100.0), "kernel": ("rbf", "linear"), "gamma": ("scale", "auto", 0.001, 0.01)},
            one_vs_rest=True,
            growth=2.0,
            largest=20_000,
        ),
        Candidate(
            "extra-trees",
            "Extra trees",
            complexity=4,
            preparation="plain",
            cost=8,
            estimator=lambda seed: ExtraTreesClassifier(random_state=seed),
            grid=_FOREST,
            growth=1.2,  # deeper trees on more rows
        ),
        Candidate(
            "random-forest",
            "Random forest",
            complexity=5,
            preparation="plain",
            cost=8,
            estimator=lambda seed: RandomForestClassifier(random_state=seed),
            grid=_FOREST,
            growth=1.2,  # deeper trees on more rows
        ),
        Candidate(
            "gradient-boosting",
            "Gradient boosting",
            complexity=6,
            preparation="plain",
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
            growth=1.2,
            largest=100_000,
        ),
        Candidate(
            "hist-gradient-boosting",
            "Histogram gradient boosting",
            complexity=7,
            preparation="native",
            cost=8,
            estimator=lambda seed: HistGradientBoostingClassifier(early_stopping=False, random_state=seed),
            grid={
                "learning_rate": (0.01, 0.03, 0.06, 0.1, 0.2),
                "max_iter": (50, 100, 200, 400),
                "max_leaf_nodes": (4, 8, 15, 31),
                "min_samples_leaf": (5, 10, 20, 50),
                "l2_regularization": (0.0, 1.0, 10.0),
            },
        ),
        Candidate(
            "lightgbm",
            "LightGBM",
            complexity=8,
            preparation="native",
            cost=8,
            estimator=lambda seed: LightGBM(random_state=seed),
            grid={
                "n_estimators": (100, 200, 400, 600),
                "learning_rate": (0.02, 0.03, 0.06, 0.1),
                "num_leaves": (7, 15, 31),
                "min_child_samples": (5, 10, 20, 50),
                "colsample_bytree": (0.5, 0.8, 1.0),
                "subsample": (0.6, 0.8, 1.0),
                "reg_lambda": (0.0, 1.0, 5.0, 10.0),
            },
            requires="lightgbm",
        ),
        Candidate(
            "catboost",
            "CatBoost",
            complexity=9,
            preparation="plain",  # its own statistics of categories have no served form
            cost=10,
            estimator=lambda seed: CatBoost(random_state=seed),
            grid={
                "iterations": (100, 200, 400, 600),
                "learning_rate": (0.01, 0.03, 0.06, 0.1),
                "depth": (3, 4, 6),
                "l2_leaf_reg": (1.0, 3.0, 10.0, 30.0),
                "random_strength": (0.0, 1.0, 3.0),
                "rsm": (0.5, 0.8, 1.0),
            },
            requires="catboost",
        ),
        Candidate(
            "soft-vote",
            "Soft vote",
            complexity=10,
            preparation="scaled",
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
