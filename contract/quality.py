"""How good predictions are: one set of formulas for what training evaluated and for what serving sees later.

Many resamples are measured at once. A resample is a vector of weights over the rows (how often each was drawn), so one
sort serves all of them. The values equal scikit-learn's with `sample_weight`; tests hold them to it.

With more than two classes, what is asked of one class against the rest is averaged over the classes, each counting the
same (scikit-learn's `average="macro"`, `multi_class="ovr"`); Brier score and log-loss have definitions of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import BeforeValidator

from contract.features import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_FEW = 1_000  # rows; of more, each is drawn by itself, which is the same distribution in a tenth of the time


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
    return _Predictions.of(labels, probability, decided, sensitivity).measured(weights)


@dataclass(frozen=True)
class _Predictions:
    """Predictions as every resample needs them: one class against the rest for each that is asked about.

    `correct`, `squares` (of the Brier score) and `losses` (of the log-loss) are float64 (rows,).
    """

    each: tuple[_OneAgainstRest, ...]
    correct: Floats
    squares: Floats
    losses: Floats

    @classmethod
    def of(cls, labels: Labels, probability: Floats, decided: Classes, sensitivity: float) -> Self:
        """The Brier score is halved, so that it is that of two classes, and at most 1."""
        if probability.ndim == 1:
            each = [_OneAgainstRest.of(labels == 1, decided == 1, probability, sensitivity)]
            probability = np.column_stack([1 - probability, probability])
        else:
            each = [
                _OneAgainstRest.of(labels == index, decided == index, column, sensitivity)
                for index, column in enumerate(probability.T)
            ]
        own = probability[np.arange(len(labels)), labels]
        return cls(
            each=tuple(each),
            correct=(labels == decided).astype(np.float64),
            squares=(probability**2).sum(axis=1) - own**2 + (1 - own) ** 2,
            losses=-np.log(np.clip(own, _TINY, 1 - _TINY)),
        )

    def measured(self, weights: Floats) -> dict[str, Floats]:
        with np.errstate(invalid="ignore", divide="ignore"):
            each = [one.measured(weights) for one in self.each]
            found = each[0]
            if len(each) > 1:
                found = {name: np.mean([one[name] for one in each], axis=0) for name in found}
                del found["specificity_at_sensitivity"]
            total = weights.sum(axis=1)
            found["brier"] = weights @ self.squares / 2 / total
            found["log_loss"] = weights @ self.losses / total
            found["accuracy"] = weights @ self.correct / total
            found["gini"] = 2 * found["roc_auc"] - 1
        return found


@dataclass(frozen=True)
class _OneAgainstRest:
    """What is asked of one class against the rest.

    `cells`, float64 (rows, 4), says which of true and false positives, false and true negatives a row is. `order` has
    the rows from the most probable on, `truth` whether each of these is of the class, and `ends` the last of those of
    one probability.
    """

    cells: Floats
    order: npt.NDArray[np.intp]
    truth: Flags
    ends: npt.NDArray[np.intp]
    sensitivity: float

    @classmethod
    def of(cls, truth: Flags, answered: Flags, probability: Floats, sensitivity: float) -> Self:
        order = np.argsort(-probability, kind="stable")
        return cls(
            cells=np.column_stack([truth & answered, ~truth & answered, truth & ~answered, ~truth & ~answered]).astype(
                np.float64
            ),
            order=order,
            truth=truth[order],
            ends=np.flatnonzero(np.append(np.diff(probability[order]) != 0, True)),
            sensitivity=sensitivity,
        )

    def measured(self, weights: Floats) -> dict[str, Floats]:
        tp, fp, fn, tn = (weights @ self.cells).T
        return {
            "sensitivity": tp / (tp + fn),
            "specificity": tn / (tn + fp),
            "precision": np.where(tp + fp > 0, tp / (tp + fp), 0.0),
            "f1": 2 * tp / (2 * tp + fp + fn),
            **self._ranked(weights.take(self.order, axis=1)),
        }

    def _ranked(self, weights: Floats) -> dict[str, Floats]:
        positives = np.cumsum(weights, axis=1)[:, self.ends]
        tps = np.cumsum(weights * self.truth, axis=1)[:, self.ends]
        fps = positives - tps
        zero = np.zeros((len(weights), 1))
        tpr = np.hstack([zero, tps / tps[:, -1:]])
        fpr = np.hstack([zero, fps / fps[:, -1:]])
        precision = np.where(positives > 0, tps / positives, 0.0)
        cost = np.where(tpr >= self.sensitivity - _TINY, fpr, np.inf).min(axis=1)
        return {
            "roc_auc": np.trapezoid(tpr, fpr, axis=1),
            "pr_auc": (np.diff(tpr, axis=1) * precision).sum(axis=1),
            "specificity_at_sensitivity": np.where(np.isfinite(cost), 1 - cost, np.nan),
        }


def bootstrap_weights(labels: Labels, resamples: int) -> Iterator[Floats]:
    """How often each row is drawn, each class to its own size: float64 (resamples, rows) in blocks, always the same."""
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(labels == value) for value in np.unique(labels)]
    at_once = max(1, _BLOCK // max(len(labels), 1))
    for start in range(0, resamples, at_once):
        weights = np.zeros((min(at_once, resamples - start), len(labels)))
        for rows in classes:
            count = len(rows)
            if len(labels) <= _FEW:
                weights[:, rows] = rng.multinomial(count, np.full(count, 1 / count), size=len(weights))
            else:
                for drawn in weights:
                    drawn[rows] = np.bincount(rng.integers(count, size=count), minlength=count)
        yield weights


def bootstrap(
    labels: Labels,
    probability: Floats,
    decided: Classes,
    resamples: int,
    sensitivity: float = SENSITIVITY,
) -> dict[str, Floats]:
    """`measure` of bootstrap resamples, (resamples,) each, a block at a time: its memory doesn't grow with the rows."""
    predictions = _Predictions.of(labels, probability, decided, sensitivity)
    cached = max(1, _CACHED // max(len(labels), 1))
    blocks = [
        predictions.measured(weights[first : first + cached])
        for weights in bootstrap_weights(labels, resamples)
        for first in range(0, len(weights), cached)
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def percentiles(drawn: Floats) -> tuple[float, float]:
    """The ends of the percentile bootstrap's interval of one metric, from its value in each resample.

    Efron & Tibshirani (1993), "An introduction to the bootstrap", chapter 13.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
