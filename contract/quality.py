"""How good binary predictions are: one set of formulas for what training evaluated and for what serving sees later.

Many resamples are measured at once. A resample is a vector of weights over the rows (how often each was drawn), so one
sort serves all of them. The values equal scikit-learn's with `sample_weight`; tests hold them to it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BeforeValidator

from contract.features import Strict

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

CONFIDENCE = 0.95
SENSITIVITY = 0.9
"""At which specificity is read off the ROC curve, where the contract's rule names no other."""

WATCHED = ("roc_auc", "brier", "accuracy", "sensitivity", "specificity", "precision", "f1")
"""What serving compares with the evaluation once true labels are known; of `contract.decision.LOWER_IS_BETTER`, only
`brier`."""

_TINY = float(np.finfo(np.float64).eps)


Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""NaN where a measure is undefined, such as the ROC-AUC of rows of one class; JSON has `null` for it."""


class Interval(Strict):
    """A measure with its 95 % interval."""

    value: Number
    low: Number
    high: Number


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


def percentiles(drawn: Floats) -> tuple[float, float]:
    """The ends of the percentile bootstrap's interval of one metric, from its value in each resample.

    Efron & Tibshirani (1993), "An introduction to the bootstrap", chapter 13.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
