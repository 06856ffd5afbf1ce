"""Metrics of binary predictions, for many resamples at once, and the intervals around them.

A resample is a vector of weights over the rows (how often each was drawn), so one sort serves all of them. The values
equal scikit-learn's with `sample_weight`; tests hold them to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from components.learning.evaluation import METRICS, Confusion, Estimate, Sample
from contract.decision import LOWER_IS_BETTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

CONFIDENCE = 0.95
SENSITIVITY = 0.9
"""At which specificity is read off the ROC curve, where the contract's rule names no other."""

_TINY = float(np.finfo(np.float64).eps)


def measure(
    labels: Labels,
    probability: Floats,
    positive: Flags,
    weights: Floats | None = None,
    sensitivity: float = SENSITIVITY,
) -> dict[str, Floats]:
    """Every metric of `components.learning.evaluation.METRICS`, one value a resample: float64 of shape (resamples,).

    `labels` (0 or 1), `probability` and `positive` (the decision) have shape (rows,), `weights` (resamples, rows). A
    metric that a resample leaves undefined, such as the AUC of one class, is NaN.
    """
    if weights is None:
        weights = np.ones((1, len(labels)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            **_of_decisions(labels, positive, weights),
            **_of_probabilities(labels, probability, weights, sensitivity),
        }


def _of_decisions(labels: Labels, positive: Flags, weights: Floats) -> dict[str, Floats]:
    truth = labels == 1
    tp = weights @ (truth & positive)
    fn = weights @ (truth & ~positive)
    fp = weights @ (~truth & positive)
    tn = weights @ (~truth & ~positive)
    return {
        "accuracy": (tp + tn) / (tp + tn + fp + fn),
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "precision": np.where(tp + fp > 0, tp / (tp + fp), 0.0),
        "f1": 2 * tp / (2 * tp + fp + fn),
    }


def _of_probabilities(labels: Labels, probability: Floats, weights: Floats, sensitivity: float) -> dict[str, Floats]:
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True))
    tps = np.cumsum(weights[:, order] * labels[order], axis=1)[:, ends]
    fps = np.cumsum(weights[:, order] * (1 - labels[order]), axis=1)[:, ends]
    zero = np.zeros((len(weights), 1))
    tpr = np.hstack([zero, tps / tps[:, -1:]])
    fpr = np.hstack([zero, fps / fps[:, -1:]])
    precision = np.where(tps + fps > 0, tps / (tps + fps), 0.0)
    clipped = np.clip(probability, _TINY, 1 - _TINY)
    losses = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped))
    total = weights.sum(axis=1)
    cost = np.where(tpr >= sensitivity - _TINY, fpr, np.inf).min(axis=1)
    return {
        "roc_auc": np.trapezoid(tpr, fpr, axis=1),
        "pr_auc": (np.diff(tpr, axis=1) * precision).sum(axis=1),
        "brier": weights @ (probability - labels) ** 2 / total,
        "log_loss": weights @ losses / total,
        "specificity_at_sensitivity": np.where(np.isfinite(cost), 1 - cost, np.nan),
    }


def bootstrap_weights(labels: Labels, resamples: int, seed: int) -> Floats:
    """How often each row is drawn: float64 (resamples, rows), each class drawn to its own size."""
    rng = np.random.default_rng(seed)
    weights = np.zeros((resamples, len(labels)))
    for value in np.unique(labels):
        rows = np.flatnonzero(labels == value)
        weights[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=resamples)
    return weights


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

    Efron & Tibshirani (1993), "An introduction to the bootstrap", chapter 13; stratified by class. A metric that these
    rows leave undefined is NaN, and so are the ends of its interval.
    """
    values = measure(labels, probability, positive, sensitivity=sensitivity)
    drawn = measure(labels, probability, positive, bootstrap_weights(labels, resamples, seed), sensitivity)
    tail = (1 - CONFIDENCE) / 2
    estimates = {}
    for metric in METRICS:
        low, high = np.quantile(drawn[metric], [tail, 1 - tail])
        estimates[metric] = Estimate(value=float(values[metric][0]), low=float(low), high=float(high))
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
