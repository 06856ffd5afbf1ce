from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from components.learning.evaluation import METRICS
from components.learning.metrics import better, bootstrap_weights, corrected_error, measure, resampled_estimate, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from components.learning.fitting import Fitted
    from components.learning.rows import Rows

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

# Few different values, so that ties are the rule; both ends included.
PROBABILITIES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.75, 1.0]) | st.floats(0, 1)
CASES = st.lists(st.tuples(st.integers(0, 1), PROBABILITIES, st.integers(0, 3).map(float)), min_size=2, max_size=40)


def specificity_at(labels: Labels, probability: Floats, weights: Floats, sensitivity: float) -> float:
    """By trying every threshold."""
    found = []
    for threshold in [np.inf, *np.unique(probability)]:
        positive = probability >= threshold
        recall = peer.recall_score(labels, positive, sample_weight=weights, zero_division=0)
        if recall >= sensitivity - 1e-12:
            found.append(peer.recall_score(labels, positive, pos_label=0, sample_weight=weights))
    return float(max(found))


@given(cases=CASES, threshold=st.floats(0, 1), sensitivity=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=60, deadline=None)
def test_every_metric_equals_scikit_learn(
    cases: list[tuple[int, float, float]], threshold: float, sensitivity: float
) -> None:
    labels, probability, weights = (np.array(values) for values in zip(*cases, strict=True))
    assume(all(weights[labels == value].sum() > 0 for value in (0, 1)))
    positive = probability >= threshold
    drawn = np.vstack([np.ones_like(weights), weights])
    assume(len(np.unique(labels)) == 2)
    ours = measure(labels, probability, positive, drawn, sensitivity)
    assert set(ours) == set(METRICS)
    for row, weight in enumerate(drawn):
        expected = {
            "roc_auc": peer.roc_auc_score(labels, probability, sample_weight=weight),
            "pr_auc": peer.average_precision_score(labels, probability, sample_weight=weight),
            "brier": peer.brier_score_loss(labels, probability, sample_weight=weight),
            "log_loss": peer.log_loss(labels, probability, sample_weight=weight),
            "accuracy": peer.accuracy_score(labels, positive, sample_weight=weight),
            "sensitivity": peer.recall_score(labels, positive, sample_weight=weight),
            "specificity": peer.recall_score(labels, positive, pos_label=0, sample_weight=weight),
            "precision": peer.precision_score(labels, positive, sample_weight=weight, zero_division=0),
            "f1": peer.f1_score(labels, positive, sample_weight=weight),
            "specificity_at_sensitivity": specificity_at(labels, probability, weight, sensitivity),
        }
        assert {name: values[row] for name, values in ours.items()} == pytest.approx(expected, abs=1e-9)


def test_without_weights_each_row_counts_once() -> None:
    labels, probability = np.array([0, 1, 1, 0]), np.array([0.2, 0.9, 0.4, 0.6])
    positive = probability >= 0.5
    plain = measure(labels, probability, positive)
    once = measure(labels, probability, positive, np.ones((3, 4)))
    for name, values in once.items():
        assert values == pytest.approx(np.repeat(plain[name], 3))


@pytest.mark.parametrize(
    ("value", "undefined"),
    [
        (0, {"roc_auc", "pr_auc", "sensitivity", "specificity_at_sensitivity"}),
        (1, {"roc_auc", "specificity", "specificity_at_sensitivity"}),
    ],
)
def test_what_one_class_leaves_undefined_is_nan(value: int, undefined: set[str]) -> None:
    labels, probability = np.full(4, value), np.array([0.1, 0.4, 0.6, 0.9])
    found = measure(labels, probability, probability >= 0.5)
    assert {name for name, values in found.items() if np.isnan(values[0])} == undefined
    assert all(0 <= values[0] <= 1 for name, values in found.items() if name not in undefined | {"log_loss"})


def test_a_sample_of_one_class_is_measured_as_far_as_it_goes() -> None:
    found = sample(np.ones(5, dtype=np.int64), np.linspace(0.1, 0.9, 5), np.linspace(0.1, 0.9, 5) >= 0.5, resamples=20)
    auc = found.estimates["roc_auc"]
    assert all(math.isnan(number) for number in (auc.value, auc.low, auc.high))
    assert str(auc) == "undefined"
    assert found.estimates["sensitivity"].value == pytest.approx(0.6)
    assert (found.confusion.true_positive, found.confusion.false_negative) == (3, 2)


def test_each_class_is_drawn_to_its_own_size() -> None:
    labels = np.array([0] * 7 + [1] * 3)
    weights = bootstrap_weights(labels, 50, seed=1)
    assert weights.shape == (50, 10)
    assert (weights[:, labels == 0].sum(axis=1) == 7).all()
    assert (weights[:, labels == 1].sum(axis=1) == 3).all()
    assert weights.max() > 1
    np.testing.assert_array_equal(weights, bootstrap_weights(labels, 50, seed=1))
    assert not np.array_equal(weights, bootstrap_weights(labels, 50, seed=2))


def test_a_sample_counts_what_it_was_given(fitted: Callable[[str], Fitted], rows: Rows) -> None:
    probability = fitted("logistic-regression").out_of_fold
    positive = probability >= 0.3
    found = sample(rows.labels, probability, positive, resamples=100)
    assert (found.rows, found.positives) == (303, 139)
    assert found.labels == tuple(rows.labels)
    assert found.probabilities == tuple(probability)
    counts = found.confusion
    assert [
        [counts.true_negative, counts.false_positive],
        [counts.false_negative, counts.true_positive],
    ] == peer.confusion_matrix(rows.labels, positive).tolist()


def test_intervals_hold_their_value_and_are_narrower_with_more_rows(
    fitted: Callable[[str], Fitted], rows: Rows
) -> None:
    probability = fitted("logistic-regression").out_of_fold
    few = sample(rows.labels[::4], probability[::4], probability[::4] >= 0.4, resamples=400)
    many = sample(rows.labels, probability, probability >= 0.4, resamples=400)
    for metric in METRICS:
        narrow, wide = many.estimates[metric], few.estimates[metric]
        assert narrow.low <= narrow.value <= narrow.high
        assert narrow.high - narrow.low < wide.high - wide.low
        assert narrow.standard_error is None


def test_the_sensitivity_to_compare_at_reaches_the_intervals() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    probability = np.clip(rng.normal(0.35 + 0.3 * labels, 0.2), 0, 1)
    loose, strict = (
        sample(labels, probability, probability >= 0.5, resamples=50, sensitivity=wanted).estimates
        for wanted in (0.5, 0.99)
    )
    name = "specificity_at_sensitivity"
    assert loose[name].low > strict[name].high
    assert {key: value for key, value in loose.items() if key != name} == {
        key: value for key, value in strict.items() if key != name
    }


def test_the_corrected_error_is_that_of_nadeau_and_bengio() -> None:
    # Four folds of two repetitions of 2-fold cross-validation: variance .01/3·…, test rows / training rows = 1.
    scores = [0.8, 0.9, 0.7, 0.8]
    variance = (0 + 0.01 + 0.01 + 0) / 3
    expected = math.sqrt((1 / 4 + 1) * variance)
    assert corrected_error(scores, 1.0) == pytest.approx(expected)
    found = resampled_estimate(scores, 1.0, highest=math.inf)
    assert found.standard_error == pytest.approx(expected)
    assert found.value == pytest.approx(0.8)
    assert found.high - found.value == pytest.approx(3.182446305 * expected)  # t(3), 97.5 %


def test_intervals_end_where_no_value_can_lie() -> None:
    high = resampled_estimate([0.99, 0.9, 1.0], 0.5)
    assert high.high == 1.0
    assert high.low < 0.96
    low = resampled_estimate([0.0, 0.1, 0.0], 0.5)
    assert low.low == 0.0
    loss = resampled_estimate([0.9, 1.4, 1.0], 0.5, highest=math.inf)
    assert loss.value > 1
    assert loss.high > loss.value


def test_smaller_is_better_for_losses_only() -> None:
    assert better("roc_auc", 0.9, 0.8)
    assert not better("roc_auc", 0.8, 0.8)
    assert better("brier", 0.1, 0.2)
    assert better("log_loss", 0.1, 0.2)
    assert not better("log_loss", 0.2, 0.2)
