"""Intervals around what is measured of a candidate: bootstrap for a sample, corrected errors for cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from components.learning.evaluation import METRICS, MOST_DRAWN, Confusion, Estimate, Sample
from contract.decision import LOWER_IS_BETTER
from contract.quality import CONFIDENCE, SENSITIVITY, bootstrap, measure, percentiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]
    Classes = npt.NDArray[np.intp] | npt.NDArray[np.bool_]

LOWEST = {"gini": -1.0}
"""Of metrics that may be below 0."""
HIGHEST = {"log_loss": np.inf}
"""Of metrics that may be above 1."""

_MOST_DRAWS = 1_000_000
_FEWEST_RESAMPLES = 200


def sample(
    labels: Labels,
    probability: Floats,
    decided: Classes,
    *,
    resamples: int,
    classes: int = 2,
    sensitivity: float = SENSITIVITY,
) -> Sample:
    """Measure predictions on rows that the model never saw, with percentile bootstrap intervals.

    Stratified by class. A metric that these rows leave undefined is NaN, and so are the ends of its interval. There are
    as many resamples as are `affordable`.
    """
    values = measure(labels, probability, decided, sensitivity=sensitivity)
    drawn = bootstrap(labels, probability, decided, affordable(resamples, len(labels)), sensitivity)
    estimates = {}
    for metric in METRICS:
        if metric in values:
            low, high = percentiles(drawn[metric])
            estimates[metric] = Estimate(value=float(values[metric][0]), low=low, high=high)
    cells = np.bincount(labels * classes + decided, minlength=classes**2).reshape(classes, classes)
    kept = _drawable(len(labels))
    return Sample(
        rows=len(labels),
        class_counts=tuple(cells.sum(axis=1).tolist()),
        estimates=estimates,
        confusion=Confusion(counts=tuple(map(tuple, cells.tolist()))),
        labels=tuple(labels[kept].tolist()),
        probabilities=tuple(
            map(tuple, probability[kept].tolist()) if probability.ndim > 1 else probability[kept].tolist()
        ),
    )


def affordable(resamples: int, rows: int) -> int:
    """How many bootstrap resamples of so many rows to draw, at most the number wanted.

    Where rows times resamples would pass a million there are fewer, but at least 200: an interval of that many rows is
    short, and its ends are known well enough.
    """
    return min(resamples, max(_FEWEST_RESAMPLES, _MOST_DRAWS // max(rows, 1)))


def _drawable(rows: int) -> npt.NDArray[np.intp]:
    if rows <= MOST_DRAWN:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, MOST_DRAWN, replace=False))


def resampled_estimate(
    scores: Sequence[float], test_share: float, *, lowest: float = 0.0, highest: float = 1.0
) -> Estimate:
    """Mean and 95 % interval of repeated cross-validation with the corrected standard error.

    Folds share training rows, so the plain standard error is far too small. Nadeau & Bengio (2003), "Inference for the
    generalization error", Machine Learning 52: variance x (1/J + test rows / training rows), with J - 1 degrees of
    freedom. `test_share` is the second term, 1 / (folds - 1) for k-fold. The interval is cut off where no value of the
    metric can lie: below `lowest`, and above `highest`.
    """
    values = np.asarray(scores, dtype=np.float64)
    mean = float(values.mean())
    error = corrected_error(values, test_share)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return Estimate(value=mean, low=max(lowest, mean - reach), high=min(highest, mean + reach), standard_error=error)


def corrected_error(scores: npt.ArrayLike, test_share: float) -> float:
    """The Nadeau-Bengio standard error of the mean of fold scores, or of paired differences of them."""
    values = np.asarray(scores, dtype=np.float64)
    return float(np.sqrt(values.var(ddof=1) * (1 / len(values) + test_share)))


def better(metric: str, first: float, second: float) -> bool:
    """Whether `first` is strictly better than `second`."""
    return first < second if metric in LOWER_IS_BETTER else first > second
