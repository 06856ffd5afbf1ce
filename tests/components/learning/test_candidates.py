from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.base import clone

from components.errors import StageError
from components.learning.candidates import CANDIDATES, candidate_named
from contract.quality import measure
from pipeline import CANDIDATES as COMPETING

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.learning.fitting import Fitted
    from components.learning.rows import Rows
    from contract.schema import Contract

REPLACED: dict[str, dict[str, set[Any]]] = {
    "logistic-regression": {"C": {0.001, 0.01, 0.1, 1.0, 10.0, 100.0}, "solver": {"lbfgs", "liblinear"}},
    "random-forest": {
        "n_estimators": {50, 100, 200},
        "max_depth": {None, 10, 20, 30},
        "min_samples_split": {2, 5, 10},
        "min_samples_leaf": {1, 2, 4},
        "max_features": {"sqrt", "log2"},
    },
    "svm": {"C": {0.1, 1, 10, 100}, "kernel": {"rbf", "linear"}, "gamma": {"scale", "auto", 0.001, 0.01}},
    "gradient-boosting": {
        "n_estimators": {50, 100, 200},
        "learning_rate": {0.01, 0.1, 0.2},
        "max_depth": {3, 5, 7},
        "min_samples_split": {2, 5, 10},
        "min_samples_leaf": {1, 2, 4},
    },
}
"""The grids of the heart pipeline that Concord replaces."""


def test_the_pipeline_lets_every_candidate_compete_the_simplest_first() -> None:
    assert list(CANDIDATES) == COMPETING
    assert [candidate.complexity for candidate in CANDIDATES.values()] == list(range(1, len(CANDIDATES) + 1))
    assert all(candidate_named(name) is candidate for name, candidate in CANDIDATES.items())


def test_an_unknown_candidate_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        StageError, match=r"there is no candidate 'oracle'; choose from logistic-regression, .*soft-vote"
    ):
        candidate_named("oracle")


@pytest.mark.parametrize("name", REPLACED)
def test_grids_cover_what_they_replace(name: str) -> None:
    for parameter, values in REPLACED[name].items():
        assert values <= set(CANDIDATES[name].grid[parameter]), parameter


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_parameter_of_a_grid_is_one_that_the_pipeline_has(name: str, heart: Contract) -> None:
    candidate = CANDIDATES[name]
    pipeline = candidate.pipeline(heart.features, seed=3)
    assert list(pipeline.named_steps) == ["prepare", "model"]
    assert pipeline.named_steps["prepare"].scaled == candidate.scaled
    assert set(candidate.space) <= set(pipeline.get_params())
    assert candidate.grid_size == np.prod([len(values) for values in candidate.space.values()])
    clone(pipeline).set_params(**{parameter: values[-1] for parameter, values in candidate.space.items()})


@pytest.mark.parametrize("name", CANDIDATES)
def test_whatever_is_random_follows_the_seed(name: str, heart: Contract) -> None:
    parameters = CANDIDATES[name].pipeline(heart.features, seed=3).get_params()
    seeds = {key: value for key, value in parameters.items() if key.endswith("random_state")}
    deterministic = {"model__logistic__random_state"}  # lbfgs draws nothing
    assert {value for key, value in seeds.items() if key not in deterministic} == {3}


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_learns_the_heart_table(name: str, fitted: Callable[[str], Fitted], rows: Rows) -> None:
    found = fitted(name)
    measured = measure(rows.labels, found.out_of_fold, found.out_of_fold >= found.threshold)
    assert measured["roc_auc"][0] > (0.75 if name == "decision-tree" else 0.85)
    assert found.parameters.keys() == CANDIDATES[name].grid.keys()
    assert all(value in CANDIDATES[name].grid[parameter] for parameter, value in found.parameters.items())
