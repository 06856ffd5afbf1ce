"""Repeated nested cross-validation: a candidate's whole procedure, search included, judged on rows it never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from components.learning.budget import LARGE
from components.learning.evaluation import METRICS, Resampled
from components.learning.fitting import fit
from components.learning.folds import folds_of
from components.learning.metrics import HIGHEST, LOWEST, resampled_estimate
from contract.quality import SENSITIVITY, measure
from contract.scorer import decided

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

    `probability` is float64 (rows,) of the positive class, or (rows, classes) of more than two; `decided`, intp
    (rows,), is the position of the class answered, at that model's own threshold if there is one.
    """

    probability: npt.NDArray[np.float64]
    decided: npt.NDArray[np.intp]

    def take(self, rows: npt.NDArray[Any]) -> OutOfFold:
        """The given rows alone, by position or by a flag each."""
        return OutOfFold(self.probability[rows], self.decided[rows])


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

    A large table is resampled once: with so many rows other folds change little. Each of its folds has the effort's
    seconds for a fold.

    `progress` is told in words how far it has come. Raises `UnsplittableTable` if a fold would lack a class.
    """
    count, classes = len(rows.labels), len(contract.target.labels)
    repeats = 1 if contract.split.method == "time" or count > LARGE else effort.repeats
    scores: dict[str, list[float]] = {}
    probability = np.full(count if contract.target.is_binary else (count, classes), np.nan)
    answered = np.zeros(count, dtype=np.intp)
    for repeat in range(repeats):
        for training, test in folds_of(contract, rows, effort.folds, seed + 1000 * (repeat + 1)):
            fitted = fit(candidate, contract, rows.take(training), effort, seed, effort.fold_seconds)
            found = fitted.probability(rows.matrix[test])
            classified = decided(found, fitted.threshold)
            measured = measure(rows.labels[test], found, classified, sensitivity=wanted_sensitivity(contract))
            for metric in METRICS:
                if metric in measured:
                    scores.setdefault(metric, []).append(float(measured[metric][0]))
            if repeat == 0:
                probability[test], answered[test] = found, classified
            progress(f"{len(scores[METRICS[0]])} of {repeats * effort.folds} folds")
    share = 1 / (effort.folds - 1)
    resampled = Resampled(
        repeats=repeats,
        folds=effort.folds,
        estimates={
            metric: resampled_estimate(values, share, lowest=LOWEST.get(metric, 0.0), highest=HIGHEST.get(metric, 1.0))
            for metric, values in scores.items()
        },
        scores={metric: tuple(values) for metric, values in scores.items()},
    )
    return resampled, OutOfFold(probability, answered)


def wanted_sensitivity(contract: Contract) -> float:
    """The sensitivity that the contract's threshold rule asks for, at which specificity is compared."""
    rule = contract.decision.threshold
    return rule.value if rule and rule.value and rule.rule == "sensitivity_at_least" else SENSITIVITY
