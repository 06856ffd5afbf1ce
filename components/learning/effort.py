"""How much time a run may spend: the same procedure, with more or fewer repetitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = 0
"""Of everything random in training; the split has its own, in the contract."""


@dataclass(frozen=True)
class Effort:
    """One level of effort. Intervals widen with less of it; nothing else changes."""

    name: str
    repeats: int
    """Repetitions of the outer cross-validation, each with other folds."""
    folds: int
    """Outer folds: each row is predicted once a repetition."""
    inner_folds: int
    """Folds of the search for hyper-parameters."""
    trials: int
    """Settings that a search may try, times the candidate's cost; never more than its grid has."""
    calibration_folds: int
    """Folds of the out-of-fold predictions that calibration and threshold are fitted on."""
    resamples: int
    """Bootstrap resamples behind each percentile interval."""
    seconds: float = 150
    """What the fit of one candidate may take on a large table (`components.learning.budget`)."""
    fold_seconds: float = 60
    """The same of its fit on each fold of the cross-validation."""
    sample: int = 40_000
    """Rows that settings are tried on first where a table is large."""

    def trials_of(self, cost: int, grid_size: int) -> int:
        """How many settings a candidate of that cost may try: at least two, at most its whole grid."""
        return min(grid_size, max(2, self.trials // cost))

    def settings_of(self, cost: int, grid_size: int, *, timed: bool) -> int:
        """The same; with a budget of seconds, which ends the search by itself, a candidate's cost doesn't count."""
        return min(grid_size, 2 * self.trials) if timed else self.trials_of(cost, grid_size)


EFFORTS: Mapping[str, Effort] = {
    effort.name: effort
    for effort in (
        Effort(
            "quick",
            repeats=1,
            folds=3,
            inner_folds=3,
            trials=16,
            calibration_folds=3,
            resamples=500,
            seconds=20,
            fold_seconds=13,
            sample=10_000,
        ),
        Effort(
            "standard",
            repeats=2,
            folds=5,
            inner_folds=3,
            trials=20,
            calibration_folds=3,
            resamples=2000,
            seconds=150,
            fold_seconds=60,
            sample=40_000,
        ),
        Effort(
            "thorough",
            repeats=10,
            folds=5,
            inner_folds=4,
            trials=48,
            calibration_folds=5,
            resamples=5000,
            seconds=1200,
            fold_seconds=600,
            sample=60_000,
        ),
    )
}


def effort_named(name: str) -> Effort:
    """The effort of that name. Raises `StageError` naming those that exist."""
    try:
        return EFFORTS[name]
    except KeyError:
        raise StageError(f"there is no effort {name!r}; choose one of {', '.join(EFFORTS)}") from None
