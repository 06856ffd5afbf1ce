"""Seconds that a fit may take, and what they are spent on where a table is large.

On tables of up to `LARGE` rows nothing is timed, so that a run depends on its seed alone. On larger ones settings are
tried on a sample of rows until a share of the seconds is gone, and the best is fitted on all rows, or on as many as the
rest of the seconds allows: how many is told by what the fits on the sample took.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

LARGE = 20_000
"""Rows up to which there is time for everything."""

SEARCHING = 0.4
"""Of the seconds go to the search, at most; the rest is for the fits that follow."""

_CAUTION = 0.75  # of the time that is left is planned for: fits on more rows than measured take a little longer each


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
    def left(self) -> float:
        """Seconds that remain."""
        return self.seconds - (time.monotonic() - self.started)

    @property
    def searched(self) -> bool:
        """Whether the search has had its share."""
        return self.left < (1 - SEARCHING) * self.seconds

    def rows_for(self, fits: float, *, rows: int, measured: tuple[int, float], growth: float) -> int:
        """How many of `rows` that many fits can have in what is left.

        `measured` are the rows and the seconds of one fit, whose time grows with the rows to the power of `growth`.
        """
        known, seconds = measured
        if math.isinf(self.seconds) or seconds <= 0:
            return rows
        reach = known * (max(self.left, 0.0) * _CAUTION / (fits * seconds)) ** (1 / growth)
        return min(rows, max(known, int(reach)))
