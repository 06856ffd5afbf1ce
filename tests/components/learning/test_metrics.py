from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as peer

from components.learning.evaluation import METRICS
from components.learning.metrics import better, corrected_error, resampled_estimate, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from components.learning.fitting import Fitted
    from components.learning.rows import Rows

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]


def test_a_sample_of_one_class_is_measured_as_far_as_it_goes() -> None:
    found = sample(np.ones(5, dtype=np.int64), np.linspace(0.1, 0.9, 5), np.linspace(0.1, 0.9, 5) >= 0.5, resamples=20)
    auc = found.estimates["roc_auc"]
    assert all(math.isnan(number) for number in (auc.value, auc.low, auc.high))
    assert str(auc) == "undefined"
    assert found.estimates["sensitivity"].value == pytest.approx(0.6)
    assert (found.confusion.true_positive, found.confusion.false_negative) == (3, 2)


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
