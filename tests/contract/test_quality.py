"""The measures equal scikit-learn's, weights included, and say so where they are undefined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from components.learning.evaluation import METRICS
from contract.decision import LOWER_IS_BETTER
from contract.quality import WATCHED, bootstrap, bootstrap_weights, measure, percentiles

if TYPE_CHECKING:
    import numpy.typing as npt

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
            "gini": 2 * peer.roc_auc_score(labels, probability, sample_weight=weight) - 1,
        }
        assert {name: values[row] for name, values in ours.items()} == pytest.approx(expected, abs=1e-9)


ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(1, 9), min_size=3, max_size=3)), min_size=6, max_size=30
)


@given(cases=ROWS, seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_of_three_classes_every_metric_is_scikit_learns_mean_over_the_classes(
    cases: list[tuple[int, list[int]]], seed: int
) -> None:
    labels = np.array([label for label, _ in cases])
    assume(len(np.unique(labels)) == 3)
    shares = np.array([parts for _, parts in cases], dtype=np.float64)
    shares /= shares.sum(axis=1, keepdims=True)
    answered = shares.argmax(axis=1)
    weight = np.random.default_rng(seed).integers(1, 4, len(labels)).astype(np.float64)
    ours = measure(labels, shares, answered, weight[None])
    assert set(ours) == set(METRICS) - {"specificity_at_sensitivity"}
    one_hot = np.eye(3)[labels]
    each = [(labels == value, answered == value) for value in range(3)]
    auc = peer.roc_auc_score(labels, shares, multi_class="ovr", sample_weight=weight)
    expected = {
        "roc_auc": auc,
        "gini": 2 * auc - 1,
        "pr_auc": peer.average_precision_score(one_hot, shares, sample_weight=weight),
        "brier": peer.brier_score_loss(labels, shares, sample_weight=weight, labels=[0, 1, 2], scale_by_half=True),
        "log_loss": peer.log_loss(labels, shares, sample_weight=weight, labels=[0, 1, 2]),
        "accuracy": peer.accuracy_score(labels, answered, sample_weight=weight),
        "sensitivity": peer.recall_score(labels, answered, average="macro", sample_weight=weight),
        "specificity": np.mean([peer.recall_score(t, d, pos_label=0, sample_weight=weight) for t, d in each]),
        "precision": peer.precision_score(labels, answered, average="macro", sample_weight=weight, zero_division=0),
        "f1": peer.f1_score(labels, answered, average="macro", sample_weight=weight),
    }
    assert {name: values[0] for name, values in ours.items()} == pytest.approx(expected, abs=1e-9)


def test_resamples_are_measured_in_blocks_to_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    labels, probability = rng.integers(0, 2, 60), rng.random(60)
    whole = bootstrap(labels, probability, probability > 0.5, 25)
    (weights,) = bootstrap_weights(labels, 25)
    drawn = measure(labels, probability, probability > 0.5, weights)
    monkeypatch.setattr("contract.quality._BLOCK", 600)
    assert [len(block) for block in bootstrap_weights(labels, 25)] == [10, 10, 5]
    in_blocks = bootstrap(labels, probability, probability > 0.5, 25)
    for name, values in whole.items():
        np.testing.assert_array_equal(values, drawn[name])
        assert values.shape == in_blocks[name].shape == (25,)
        assert abs(values.mean() - in_blocks[name].mean()) < 0.2


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
        (0, {"roc_auc", "gini", "pr_auc", "sensitivity", "specificity_at_sensitivity"}),
        (1, {"roc_auc", "gini", "specificity", "specificity_at_sensitivity"}),
    ],
)
def test_what_one_class_leaves_undefined_is_nan(value: int, undefined: set[str]) -> None:
    labels, probability = np.full(4, value), np.array([0.1, 0.4, 0.6, 0.9])
    found = measure(labels, probability, probability >= 0.5)
    assert {name for name, values in found.items() if np.isnan(values[0])} == undefined
    assert all(0 <= values[0] <= 1 for name, values in found.items() if name not in undefined | {"log_loss"})


@pytest.mark.parametrize("few", [1_000, 5])
def test_each_class_is_drawn_to_its_own_size(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr("contract.quality._FEW", few)
    labels = np.array([0] * 7 + [1] * 3)
    (weights,) = bootstrap_weights(labels, 50)
    assert weights.shape == (50, 10)
    assert (weights[:, labels == 0].sum(axis=1) == 7).all()
    assert (weights[:, labels == 1].sum(axis=1) == 3).all()
    assert weights.max() > 1
    assert len(np.unique(weights, axis=0)) > 40
    np.testing.assert_array_equal(weights, next(bootstrap_weights(labels, 50)))


def test_large_classes_are_drawn_from_the_same_distribution_as_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often a row is drawn has mean 1 and variance 1 - 1/n, and so has every row."""
    labels = np.repeat([0, 1], 200)
    for few in (1_000, 100):
        monkeypatch.setattr("contract.quality._FEW", few)
        (weights,) = bootstrap_weights(labels, 2_000)
        assert weights.mean(axis=0) == pytest.approx(np.ones(400), abs=5 / np.sqrt(2_000))
        assert weights.var() == pytest.approx(1 - 1 / 200, abs=0.02)
        assert np.bincount(weights.astype(np.intp).ravel())[:4] / weights.size == pytest.approx(
            [0.367, 0.369, 0.184, 0.061], abs=0.005
        )


def test_an_interval_leaves_a_fortieth_out_at_either_end() -> None:
    drawn = np.random.default_rng(3).permutation(np.linspace(0, 1, 1001))
    assert percentiles(drawn) == pytest.approx((0.025, 0.975))
    assert all(np.isnan(percentiles(np.array([0.1, np.nan, 0.3]))))


def test_what_is_watched_is_measured_and_only_the_brier_score_is_better_when_lower() -> None:
    assert set(WATCHED) <= set(METRICS)
    assert LOWER_IS_BETTER.intersection(WATCHED) == {"brier"}
