"""Seconds that a fit may take, and what they are spent on where a table is large.

On tables of up to `LARGE` rows nothing is timed, so that a run depends on its seed alone. On larger ones many settings
are tried on few rows and the best of them on more (successive halving, Jamieson and Talwalkar 2016), until a share of
the seconds is gone; then the best is fitted on all rows, or on as many as the rest of the seconds allows: how many is
told by what the fits of the search took.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGE = 20_000
"""Rows up to which there is time for everything."""

SEARCHING = 0.5
"""Of the seconds go to the search, at most; the rest is for the fits that follow."""

ROUNDS = 2
"""Of the search: each has an equal part of its seconds."""

FURTHER = 4
"""Times as many rows has a round of the search as the one before, and one in so many settings."""

_CAUTION = 0.75  # of the time that is left is planned for: fits on more rows than measured take a little longer each


class Fit(NamedTuple):
    """What one fit had and took."""

    rows: int
    seconds: float


def seconds_of(rows: int, fits: Sequence[Fit], growth: float) -> float:
    """What a fit of so many rows would take: `fixed + by_row * rows ** growth`, told by the last two fits.

    After a single fit, nothing of it is taken as fixed.
    """
    fixed, by_row = _cost(fits, growth)
    return fixed + by_row * math.pow(rows, growth)


def _cost(fits: Sequence[Fit], growth: float) -> tuple[float, float]:
    few, many = (Fit(0, 0.0), *fits)[-2:]
    by_row = max(many.seconds - few.seconds, 0.0) / (many.rows**growth - few.rows**growth)
    return max(many.seconds - by_row * many.rows**growth, 0.0), by_row


@dataclass(frozen=True)
class Budget:
    """Seconds from now on; without a limit for small tables."""

    seconds: float = math.inf
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, rows: int, seconds: float) -> Budget:
        """For a table of so many rows."""
        return cls(seconds if rows > LARGE else math.inf)

    @property
    def timed(self) -> bool:
        """Whether there is a limit."""
        return math.isfinite(self.seconds)

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return self.seconds - (time.monotonic() - self.started)

    def left_to_search(self, rounds: int) -> float:
        """Seconds that remain to the end of so many rounds of the search."""
        return self.left - self.seconds * (1 - SEARCHING * rounds / ROUNDS) if self.timed else math.inf

    def bears(self, fit: Fit, count: int) -> bool:
        """Whether after the search that many further fits of as many rows would keep to the seconds."""
        return fit.seconds * count <= self.seconds * (1 - SEARCHING) * _CAUTION

    def rows_for(self, count: int, *, rows: int, fits: Sequence[Fit], growth: float) -> int:
        """How many of `rows` that many further fits can have in what is left, after `fits` of the same setting.

        Never fewer than the first of these had.
        """
        fixed, by_row = _cost(fits, growth)
        if not self.timed or by_row <= 0:
            return rows
        affordable = max(self.left * _CAUTION / count - fixed, 0.0)
        return min(rows, max(fits[0].rows, int((affordable / by_row) ** (1 / growth))))
