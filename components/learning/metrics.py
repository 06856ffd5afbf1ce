"""Intervals around what is measured of a candidate: bootstrap for a sample, corrected errors for cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from components.learning.evaluation import METRICS, Confusion, Estimate, Sample
from contract.decision import LOWER_IS_BETTER
from contract.quality import CONFIDENCE, SENSITIVITY, bootstrap_weights, measure, percentiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]


def sample(
    labels: Labels,
    probability: Floats,
    positive: Flags,
    *,
    resamples: int,
    seed: int = 0,
    sensitivity: float = SENSITIVITY,
) -> Sample:
    """Measure predictions on rows that the model never saw, with percentile bootstrap intervals.

    Stratified by class. A metric that these rows leave undefined is NaN, and so are the ends of its interval.
    """
    values = measure(labels, probability, positive, sensitivity=sensitivity)
    drawn = measure(labels, probability, positive, bootstrap_weights(labels, resamples, seed), sensitivity)
    estimates = {}
    for metric in METRICS:
        low, high = percentiles(drawn[metric])
        estimates[metric] = Estimate(value=float(values[metric][0]), low=low, high=high)
    truth = labels == 1
    return Sample(
        rows=len(labels),
        positives=int(truth.sum()),
        estimates=estimates,
        confusion=Confusion(
            true_negative=int((~truth & ~positive).sum()),
            false_positive=int((~truth & positive).sum()),
            false_negative=int((truth & ~positive).sum()),
            true_positive=int((truth & positive).sum()),
        ),
        labels=tuple(labels.tolist()),
        probabilities=tuple(probability.tolist()),
    )


def resampled_estimate(scores: Sequence[float], test_share: float, *, highest: float = 1.0) -> Estimate:
    """Mean and 95 % interval of repeated cross-validation with the corrected standard error.

    Folds share training rows, so the plain standard error is far too small. Nadeau & Bengio (2003), "Inference for the
    generalization error", Machine Learning 52: variance x (1/J + test rows / training rows), with J - 1 degrees of
    freedom. `test_share` is the second term, 1 / (folds - 1) for k-fold. The interval is cut off where no value of the
    metric can lie: below 0, and above `highest`.
    """
    values = np.asarray(scores, dtype=np.float64)
    mean = float(values.mean())
    error = corrected_error(values, test_share)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return Estimate(value=mean, low=max(0.0, mean - reach), high=min(highest, mean + reach), standard_error=error)


def corrected_error(scores: npt.ArrayLike, test_share: float) -> float:
    """The Nadeau-Bengio standard error of the mean of fold scores, or of paired differences of them."""
    values = np.asarray(scores, dtype=np.float64)
    return float(np.sqrt(values.var(ddof=1) * (1 / len(values) + test_share)))


def better(metric: str, first: float, second: float) -> bool:
    """Whether `first` is strictly better than `second`."""
    return first < second if metric in LOWER_IS_BETTER else first > second
