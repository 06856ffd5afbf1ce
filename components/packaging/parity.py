"""Does the served form answer what the reference estimator answers? Measured, on rows where it would hurt.

Rows are drawn again *on the data's own grid*: each column from the values that really occur, since split points of
trees lie exactly on values there. Jittered rows would hide a wrong conversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from components.learning.fitting import probability_of
from contract.features import BooleanFeature, CategoricalFeature, Strict

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from components.learning.fitting import Estimator
    from contract.features import Feature
    from contract.scorer import Scorer

    Matrix = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""Largest difference of a probability that still counts as the same answer."""
RESAMPLED_ROWS = 20_000
MOST_KNOWN = 100_000
"""Rows of the table that are compared; of a larger one so many, drawn at random."""
_SEED = 0


class Parity(Strict):
    """How far the served form is from the reference, at most, over `rows` rows; `flipped` counts changed decisions."""

    candidate: str
    rows: int
    largest_difference: float
    flipped: int

    @property
    def holds(self) -> bool:
        """Whether it may be served."""
        return self.largest_difference <= TOLERANCE and self.flipped == 0


def measure_parity(name: str, estimator: Estimator, scorer: Scorer, rows: Matrix) -> Parity:
    """Compare on encoded rows, float64 (rows, features). An answer that is no number is as wrong as can be: 1 off."""
    reference = probability_of(estimator, rows)
    served = scorer(rows)
    return Parity(
        candidate=name,
        rows=len(rows),
        largest_difference=float(np.nan_to_num(np.abs(reference - served.probability), nan=1.0).max()),
        flipped=int((estimator.predict(rows) != served.decided).sum()),
    )


def testing_rows(features: Sequence[Feature], known: Matrix) -> Matrix:
    """What parity is measured on: known rows (encoded, every site), rows resampled on their grid, corner cases."""
    rng = np.random.default_rng(_SEED)
    resampled = np.column_stack([rng.choice(column, RESAMPLED_ROWS) for column in known.T])
    if len(known) > MOST_KNOWN:
        known = known[np.sort(rng.choice(len(known), MOST_KNOWN, replace=False))]
    return np.vstack([known, resampled, corner_cases(features, known)])


def corner_cases(features: Sequence[Feature], known: Matrix) -> Matrix:
    """Everything missing; each feature missing, and at either end of what it may hold, in an otherwise usual row.

    An unknown category is NaN once encoded, as a missing one is.
    """
    usual = np.nanmedian(known, axis=0)
    rows = [np.full_like(usual, np.nan), usual]
    for position, feature in enumerate(features):
        for value in (np.nan, *_extremes(feature)):
            row = usual.copy()
            row[position] = value
            rows.append(row)
    rows += [np.array(ends) for ends in zip(*map(_extremes, features), strict=True)]
    return np.vstack(rows)


def _extremes(feature: Feature) -> tuple[float, float]:
    match feature:
        case CategoricalFeature():
            return 0.0, float(len(feature.values) - 1)
        case BooleanFeature():
            return 0.0, 1.0
        case _:
            return feature.range.min, feature.range.max


class ParityReport(Strict):
    """The parity of every candidate."""

    candidates: tuple[Parity, ...]

    def of(self, name: str) -> Parity:
        """That of one candidate (`KeyError` if it wasn't measured)."""
        for item in self.candidates:
            if item.candidate == name:
                return item
        raise KeyError(name)
