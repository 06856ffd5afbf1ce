from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.base import clone

from components.errors import StageError
from components.learning.candidates import CANDIDATES, candidate_named
from contract.quality import measure
from contract.transform import Layout
from pipeline import CANDIDATES as COMPETING
from tests.components.tables import irises, made
from tests.conftest import PROJECT

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
    assert [name for name in CANDIDATES if name in COMPETING] == COMPETING
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


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CANDIDATES)
def test_every_parameter_of_a_grid_is_one_that_the_pipeline_has(name: str, classes: int, heart: Contract) -> None:
    candidate = CANDIDATES[name]
    pipeline = candidate.pipeline(heart.features, 3, classes)
    prepare = pipeline.named_steps["prepare"]
    assert list(pipeline.named_steps) == ["prepare", "model"]
    assert (prepare.scaled, prepare.native) == {
        "scaled": (True, False),
        "plain": (False, False),
        "native": (False, True),
    }[candidate.preparation]
    space = candidate.space(classes)
    assert set(space) <= set(pipeline.get_params())
    assert candidate.grid_size(classes) == np.prod([len(values) for values in space.values()])
    clone(pipeline).set_params(**{parameter: values[-1] for parameter, values in space.items()})


def test_what_tells_only_two_classes_apart_is_not_asked_for_more() -> None:
    assert "liblinear" in CANDIDATES["logistic-regression"].space(2)["model__solver"]
    assert "model__solver" not in CANDIDATES["logistic-regression"].space(3)
    assert set(CANDIDATES["svm"].space(3)) == {f"model__estimator__{name}" for name in ("C", "kernel", "gamma")}
    model = CANDIDATES["svm"].pipeline(irises().contract.features, 0, 3).named_steps["model"]
    assert type(model).__name__ == "OneVsRestClassifier"


@pytest.mark.parametrize("name", ["hist-gradient-boosting", "lightgbm"])
def test_what_splits_on_categories_is_told_which_columns_hold_them(name: str) -> None:
    table = made()
    pipeline = CANDIDATES[name].pipeline(table.contract.features, 0)
    named = transform_columns(pipeline)
    chosen = [named[column] for column in pipeline.named_steps["model"].categorical_features]
    assert chosen == ["ward", "blood", "side", "maker"], "town has too many"
    default = CANDIDATES[name].estimator(0).get_params()["categorical_features"]
    without = CANDIDATES[name].pipeline(irises().contract.features, 0)
    assert without.named_steps["model"].categorical_features is default


def transform_columns(pipeline: Any) -> tuple[str, ...]:
    return Layout.model_validate_json(pipeline.named_steps["prepare"].layout).columns


def test_a_candidate_whose_library_is_absent_says_how_to_install_it(heart: Contract) -> None:
    absent = replace(CANDIDATES["lightgbm"], requires="a_library_that_nobody_has")
    assert not absent.is_available
    with pytest.raises(StageError, match=r"lightgbm needs a_library_that_nobody_has, .*`make boosting` installs it"):
        absent.pipeline(heart.features, 0)
    assert all(candidate.is_available for candidate in CANDIDATES.values())


def test_nothing_but_fitting_imports_the_boosting_libraries() -> None:
    code = (
        "import sys; from components.learning import candidates, persistence;"
        " from components.packaging import conversion;"
        " assert not {'lightgbm', 'catboost'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_costs_that_grow_with_the_square_of_the_rows_have_an_end() -> None:
    squared = {name for name, candidate in CANDIDATES.items() if candidate.growth >= 2}
    assert squared == {"svm"}
    deeper = {name for name, candidate in CANDIDATES.items() if 1 < candidate.growth < 2}
    assert deeper == {"extra-trees", "random-forest", "gradient-boosting"}
    assert CANDIDATES["svm"].largest == 20_000


@pytest.mark.parametrize("name", CANDIDATES)
def test_whatever_is_random_follows_the_seed(name: str, heart: Contract) -> None:
    parameters = CANDIDATES[name].pipeline(heart.features, seed=3).get_params()
    seeds = {key: value for key, value in parameters.items() if key.endswith("random_state")}
    deterministic = {"model__logistic__random_state"}  # lbfgs draws nothing
    assert {value for key, value in seeds.items() if key not in deterministic} == {3}


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_learns_the_heart_table(name: str, fitted: Callable[[str], Fitted], rows: Rows) -> None:
    found = fitted(name)
    assert found.threshold is not None
    measured = measure(rows.labels, found.out_of_fold, (found.out_of_fold >= found.threshold).astype(np.intp))
    assert measured["roc_auc"][0] > (0.75 if name == "decision-tree" else 0.85)
    assert found.parameters.keys() == CANDIDATES[name].grid.keys()
    assert all(value in CANDIDATES[name].grid[parameter] for parameter, value in found.parameters.items())
