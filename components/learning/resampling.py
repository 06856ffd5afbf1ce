"""Repeated nested cross-validation: a candidate's whole procedure, search included, judged on rows it never saw."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from components.learning.evaluation import METRICS, Resampled
from components.learning.fitting import fit, folds_of
from components.learning.metrics import resampled_estimate
from contract.quality import SENSITIVITY, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from components.learning.candidates import Candidate
    from components.learning.effort import Effort
    from components.learning.rows import Rows
    from contract.schema import Contract


@dataclass(frozen=True)
class OutOfFold:
    """Each training row, predicted in the first repetition by a model fitted without it.

    `probability` is float64, `positive` (at that model's own threshold) bool, both of shape (rows,).
    """

    probability: npt.NDArray[np.float64]
    positive: npt.NDArray[np.bool_]


def cross_validate(
    candidate: Candidate,
    contract: Contract,
    rows: Rows,
    effort: Effort,
    seed: int,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Resampled, OutOfFold]:
    """Fit the candidate anew on each outer fold and measure it on the rest; folds are the same for every candidate.

    `progress` is told in words how far it has come. Raises `UnsplittableTable` if a fold would lack a class.
    """
    repeats = 1 if contract.split.method == "time" else effort.repeats
    scores: dict[str, list[float]] = {metric: [] for metric in METRICS}
    probability = np.full(len(rows.labels), np.nan)
    positive = np.zeros(len(rows.labels), dtype=np.bool_)
    for repeat in range(repeats):
        for training, test in folds_of(contract, rows, effort.folds, seed + 1000 * (repeat + 1)):
            fitted = fit(candidate, contract, rows.take(training), effort, seed)
            found = fitted.probability(rows.matrix[test])
            decided = found >= fitted.threshold
            measured = measure(rows.labels[test], found, decided, sensitivity=wanted_sensitivity(contract))
            for metric in METRICS:
                scores[metric].append(float(measured[metric][0]))
            if repeat == 0:
                probability[test], positive[test] = found, decided
            progress(f"{len(scores[METRICS[0]])} of {repeats * effort.folds} folds")
    share = 1 / (effort.folds - 1)
    resampled = Resampled(
        repeats=repeats,
        folds=effort.folds,
        estimates={
            metric: resampled_estimate(values, share, highest=math.inf if metric == "log_loss" else 1.0)
            for metric, values in scores.items()
        },
        scores={metric: tuple(values) for metric, values in scores.items()},
    )
    return resampled, OutOfFold(probability, positive)


def wanted_sensitivity(contract: Contract) -> float:
    """The sensitivity that the contract's threshold rule asks for, at which specificity is compared."""
    rule = contract.decision.threshold
    return rule.value if rule.rule == "sensitivity_at_least" else SENSITIVITY
