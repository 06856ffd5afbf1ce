"""That every candidate is served as it was evaluated, and that a form that isn't would be found out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from components.learning.candidates import CANDIDATES
from components.packaging.conversion import decision_rule_of, to_onnx, transform_of
from components.packaging.parity import (
    RESAMPLED_ROWS,
    TOLERANCE,
    Parity,
    ParityReport,
    corner_cases,
    measure_parity,
)
from components.packaging.parity import testing_rows as rows_to_test
from contract.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from sklearn.model_selection import FixedThresholdClassifier

    from components.learning.fitting import Fitted
    from contract.schema import Contract
    from contract.scorer import DecisionRule

    Matrix = npt.NDArray[np.float64]
    Serve = Callable[[FixedThresholdClassifier], Scorer]

MARGIN = TOLERANCE / 10_000
"""What is left to chance, such as another order of summation in another build."""

EXTREMES: dict[str, tuple[Any, bool]] = {
    "logistic, C=100": (LogisticRegression(C=100.0, max_iter=5000), True),
    "logistic, C=0.001": (LogisticRegression(C=0.001, max_iter=5000), True),
    "tree, pure leaves": (DecisionTreeClassifier(random_state=1, class_weight="balanced"), False),
    "svm, rbf, C=100": (SVC(C=100.0), True),
    "svm, linear, C=100": (SVC(C=100.0, kernel="linear"), True),
    "svm, flat kernel, C=100": (SVC(C=100.0, gamma=0.001), True),
    "svm, hardly fitted": (SVC(C=0.1, gamma=0.001), True),
    "300 extra trees, pure leaves": (ExtraTreesClassifier(300, random_state=1), False),
    "300 extra trees, balanced": (ExtraTreesClassifier(300, random_state=2, class_weight="balanced"), False),
    "300 trees, pure leaves": (RandomForestClassifier(300, random_state=1), False),
    "300 trees, balanced": (
        RandomForestClassifier(300, random_state=2, class_weight="balanced_subsample", max_features=None),
        False,
    ),
    "boosting, steep": (
        GradientBoostingClassifier(n_estimators=200, learning_rate=0.2, max_depth=7, subsample=0.5, random_state=1),
        False,
    ),
    "boosting, slow": (GradientBoostingClassifier(n_estimators=200, learning_rate=0.01, random_state=2), False),
    "histograms, steep": (
        HistGradientBoostingClassifier(
            max_iter=200, learning_rate=0.2, min_samples_leaf=5, early_stopping=False, random_state=1
        ),
        False,
    ),
    "histograms, slow": (
        HistGradientBoostingClassifier(
            max_iter=200, learning_rate=0.01, l2_regularization=10.0, early_stopping=False, random_state=2
        ),
        False,
    ),
}
"""The corners of the candidates' grids where numbers are largest, steepest or most."""


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_is_served_as_it_was_evaluated(
    fitted: Callable[[str], Fitted], serve: Serve, tested: Matrix, name: str
) -> None:
    estimator = fitted(name).estimator
    found = measure_parity(name, estimator, serve(estimator), tested)
    print(f"{name}: largest difference {found.largest_difference:.1e}")
    assert found.rows == 920 + 20_000 + 43
    assert found.holds
    assert found.largest_difference <= MARGIN


@pytest.mark.parametrize("title", EXTREMES)
def test_the_corners_of_the_grids_are_too(
    reference: Callable[..., FixedThresholdClassifier], serve: Serve, tested: Matrix, title: str
) -> None:
    model, scaled = EXTREMES[title]
    estimator = reference(model, scaled=scaled)
    found = measure_parity(title, estimator, serve(estimator), tested)
    print(f"{title}: largest difference {found.largest_difference:.1e}")
    assert found.holds
    assert found.largest_difference <= MARGIN


class InFloat32:
    """The served form as a converter of whole pipelines makes it: scaled in float32."""

    def __init__(self, scorer: Scorer, estimator: FixedThresholdClassifier) -> None:
        self._scorer = scorer
        fitted = transform_of(estimator)
        self._layout = fitted.layout
        standardize = fitted.standardize_numbers
        self._mean, self._scale = (np.array(item, np.float32) for item in (standardize.mean, standardize.scale))
        self._run = scorer._session.run  # noqa: SLF001
        self._rule: DecisionRule = scorer.rule

    def probability(self, complete: Matrix) -> npt.NDArray[np.float64]:
        columns = self._layout.expand(complete).astype(np.float32)
        numbers = slice(0, len(self._mean))
        columns[:, numbers] = (columns[:, numbers] - self._mean) / self._scale
        return self._rule.calibration(self._run(["score"], {"columns": columns})[0][:, 0])


@pytest.fixture(scope="module")
def forest(reference: Callable[..., FixedThresholdClassifier]) -> FixedThresholdClassifier:
    return reference(RandomForestClassifier(100, random_state=0))


def test_scaling_in_float32_is_found_out_on_the_grid_and_hidden_by_jitter(
    forest: FixedThresholdClassifier, serve: Serve, heart: Contract, tested: Matrix
) -> None:
    broken = InFloat32(serve(forest), forest)
    complete = tested[~np.isnan(tested).any(axis=1)]

    def difference(rows: Matrix) -> float:
        return float(np.abs(forest.predict_proba(rows)[:, 1] - broken.probability(rows)).max())

    jittered = complete.copy()
    numbers = [position for position, feature in enumerate(heart.features) if feature.kind in {"integer", "numeric"}]
    jittered[:, numbers] += np.random.default_rng(0).normal(0, 0.1, (len(complete), len(numbers)))
    assert difference(complete) > 1000 * TOLERANCE
    assert difference(jittered) <= TOLERANCE


def _with_calibration(rule: DecisionRule, **change: float) -> DecisionRule:
    return rule.model_copy(update={"calibration": rule.calibration.model_copy(update=change)})


@pytest.mark.parametrize(
    ("mistake", "differs"),
    [
        (lambda rule: rule.model_copy(update={"threshold": 0.9}), False),
        (lambda rule: _with_calibration(rule, slope=-1.0), True),
        (lambda rule: _with_calibration(rule, intercept=float("nan")), True),
    ],
    ids=["threshold", "calibration", "no number at all"],
)
def test_a_wrong_decision_rule_is_found_out(
    forest: FixedThresholdClassifier,
    heart: Contract,
    known: Matrix,
    mistake: Callable[[DecisionRule], DecisionRule],
    differs: bool,
) -> None:
    scorer = Scorer(transform_of(forest), to_onnx(forest), mistake(decision_rule_of(forest, heart)))
    found = measure_parity("forest", forest, scorer, known)
    assert not found.holds
    assert (found.largest_difference > TOLERANCE) is differs
    assert found.flipped > 0
    assert ParityReport.model_validate_json(ParityReport(candidates=(found,)).model_dump_json()).of("forest") == found


def test_another_model_is_found_out(fitted: Callable[[str], Fitted], serve: Serve, known: Matrix) -> None:
    found = measure_parity("svm", fitted("svm").estimator, serve(fitted("decision-tree").estimator), known)
    assert not found.holds
    assert found.largest_difference > 0.1
    assert found.flipped > 10


@pytest.mark.parametrize(
    ("difference", "flipped", "holds"), [(TOLERANCE, 0, True), (1.01 * TOLERANCE, 0, False), (0.0, 1, False)]
)
def test_what_still_counts_as_the_same_answer(difference: float, flipped: int, holds: bool) -> None:
    assert Parity(candidate="any", rows=1, largest_difference=difference, flipped=flipped).holds is holds


def test_rows_are_the_known_ones_then_the_grid_then_the_corners(heart: Contract, known: Matrix, tested: Matrix) -> None:
    corners = corner_cases(heart.features, known)
    assert len(tested) == len(known) + RESAMPLED_ROWS + len(corners)
    np.testing.assert_array_equal(tested[: len(known)], known)
    np.testing.assert_array_equal(tested[-len(corners) :], corners)
    drawn = tested[len(known) : -len(corners)]
    for position in range(len(heart.features)):
        assert set(np.nan_to_num(drawn[:, position], nan=-1)) <= set(np.nan_to_num(known[:, position], nan=-1))
    assert len(np.unique(np.nan_to_num(drawn, nan=-1), axis=0)) > 0.99 * RESAMPLED_ROWS
    np.testing.assert_array_equal(rows_to_test(heart.features, known), tested)


def test_corners_hold_everything_missing_and_both_ends_of_each_feature(heart: Contract, known: Matrix) -> None:
    corners = corner_cases(heart.features, known)
    assert np.isnan(corners[0]).all()
    ends = {
        "age": (18, 120),
        "trestbps": (50, 300),
        "oldpeak": (-5, 10),
        "exang": (0, 1),
        "cp": (0, 3),
        "thal": (0, 2),
    }
    for name, values in ends.items():
        column = corners[:, heart.feature_names.index(name)]
        assert {*values} <= {*column[~np.isnan(column)]}
        assert np.isnan(column).sum() == 2


def test_a_report_knows_each_candidate() -> None:
    items = tuple(Parity(candidate=name, rows=1, largest_difference=0.0, flipped=0) for name in ("a", "b"))
    assert ParityReport(candidates=items).of("b") is items[1]
    with pytest.raises(KeyError, match="c"):
        ParityReport(candidates=items).of("c")
