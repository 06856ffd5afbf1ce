"""How good predictions are: one set of formulas for what training evaluated and for what serving sees later.

Many resamples are measured at once. A resample is a vector of weights over the rows (how often each was drawn), so one
sort serves all of them. The values equal scikit-learn's with `sample_weight`; tests hold them to it.

With more than two classes, what is asked of one class against the rest is averaged over the classes, each counting the
same (scikit-learn's `average="macro"`, `multi_class="ovr"`); Brier score and log-loss have definitions of their own.
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
    Classes = npt.NDArray[np.intp] | npt.NDArray[np.bool_]
    Flags = npt.NDArray[np.bool_]

CONFIDENCE = 0.95
SENSITIVITY = 0.9
"""At which specificity is read off the ROC curve, where the contract's rule names no other."""

WATCHED = ("roc_auc", "brier", "accuracy", "sensitivity", "specificity", "precision", "f1")
"""What serving compares with the evaluation once true labels are known; of `contract.decision.LOWER_IS_BETTER`, only
`brier`."""

_TINY = float(np.finfo(np.float64).eps)
_BLOCK = 2**24  # weights that are drawn at once: 128 MiB
_CACHED = 2**17  # and measured at once, so that they stay in the cache: twice as fast


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
    decided: Classes,
    weights: Floats | None = None,
    sensitivity: float = SENSITIVITY,
) -> dict[str, Floats]:
    """Every metric of `components.learning.evaluation.METRICS`, one value a resample: float64 of shape (resamples,).

    `labels` and `decided` (the class answered) are positions of classes, of shape (rows,). `probability` is that of
    class 1 (rows,), or with more than two classes that of each (rows, classes). `weights` is (resamples, rows).
    A metric that a resample leaves undefined, such as the AUC of one class, is NaN; `specificity_at_sensitivity` is
    there for two classes alone.
    """
    if weights is None:
        weights = np.ones((1, len(labels)))
    with np.errstate(invalid="ignore", divide="ignore"):
        if probability.ndim == 1:
            found = {
                **_of_decisions(labels == 1, decided == 1, weights),
                **_of_ranking(labels == 1, probability, weights, sensitivity),
                **_of_probabilities(labels, np.column_stack([1 - probability, probability]), weights),
            }
        else:
            each = [
                {
                    **_of_decisions(labels == index, decided == index, weights),
                    **_of_ranking(labels == index, column, weights, sensitivity),
                }
                for index, column in enumerate(probability.T)
            ]
            found = {name: np.mean([one[name] for one in each], axis=0) for name in each[0]}
            del found["specificity_at_sensitivity"]
            found |= _of_probabilities(labels, probability, weights)
        found["accuracy"] = weights @ (labels == decided) / weights.sum(axis=1)
        found["gini"] = 2 * found["roc_auc"] - 1
        return found


def _of_decisions(truth: Flags, answered: Flags, weights: Floats) -> dict[str, Floats]:
    tp = weights @ (truth & answered)
    fn = weights @ (truth & ~answered)
    fp = weights @ (~truth & answered)
    tn = weights @ (~truth & ~answered)
    return {
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "precision": np.where(tp + fp > 0, tp / (tp + fp), 0.0),
        "f1": 2 * tp / (2 * tp + fp + fn),
    }


def _of_ranking(truth: Flags, probability: Floats, weights: Floats, sensitivity: float) -> dict[str, Floats]:
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True))
    tps = np.cumsum(weights[:, order] * truth[order], axis=1)[:, ends]
    fps = np.cumsum(weights[:, order] * ~truth[order], axis=1)[:, ends]
    zero = np.zeros((len(weights), 1))
    tpr = np.hstack([zero, tps / tps[:, -1:]])
    fpr = np.hstack([zero, fps / fps[:, -1:]])
    precision = np.where(tps + fps > 0, tps / (tps + fps), 0.0)
    cost = np.where(tpr >= sensitivity - _TINY, fpr, np.inf).min(axis=1)
    return {
        "roc_auc": np.trapezoid(tpr, fpr, axis=1),
        "pr_auc": (np.diff(tpr, axis=1) * precision).sum(axis=1),
        "specificity_at_sensitivity": np.where(np.isfinite(cost), 1 - cost, np.nan),
    }


def _of_probabilities(labels: Labels, probability: Floats, weights: Floats) -> dict[str, Floats]:
    """Of probabilities (rows, classes). The Brier score is halved, so that it is that of two classes, and at most 1."""
    total = weights.sum(axis=1)
    own = probability[np.arange(len(labels)), labels]
    squares = (probability**2).sum(axis=1) - own**2 + (1 - own) ** 2
    return {
        "brier": weights @ squares / 2 / total,
        "log_loss": weights @ -np.log(np.clip(own, _TINY, 1 - _TINY)) / total,
    }


def bootstrap_weights(labels: Labels, resamples: int, seed: int) -> Floats:
    """How often each row is drawn: float64 (resamples, rows), each class drawn to its own size."""
    return _drawn(np.random.default_rng(seed), labels, resamples)


def _drawn(rng: np.random.Generator, labels: Labels, resamples: int) -> Floats:
    weights = np.zeros((resamples, len(labels)))
    for value in np.unique(labels):
        rows = np.flatnonzero(labels == value)
        weights[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=resamples)
    return weights


def bootstrap(
    labels: Labels,
    probability: Floats,
    decided: Classes,
    resamples: int,
    sensitivity: float = SENSITIVITY,
) -> dict[str, Floats]:
    """`measure` of bootstrap resamples, (resamples,) each, a block at a time: its memory doesn't grow with the rows."""
    rng = np.random.default_rng(0)
    rows = max(len(labels), 1)
    at_once, cached = max(1, _BLOCK // rows), max(1, _CACHED // rows)
    blocks = []
    for start in range(0, resamples, at_once):
        weights = _drawn(rng, labels, min(at_once, resamples - start))
        for first in range(0, len(weights), cached):
            part = weights[first : first + cached]
            blocks.append(measure(labels, probability, decided, part, sensitivity))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def percentiles(drawn: Floats) -> tuple[float, float]:
    """The ends of the percentile bootstrap's interval of one metric, from its value in each resample.

    Efron & Tibshirani (1993), "An introduction to the bootstrap", chapter 13.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
