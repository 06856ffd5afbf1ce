"""How far live rows are from the training rows, over a window that slides by rows and by time.

Live rows are counted in the bins of the bundle's profile; a feature's missing values are a bin of their own. The window
is kept in slices of counts, so its memory doesn't depend on the traffic.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from itertools import repeat
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from predictor.errors import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from contract.profile import Profile

    Counts = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

SLICES = 20
"""Parts of the window: rows leave it that many at a time, a twentieth of its rows or of its seconds."""

_HALF = 0.5
_UNSEEN = 0.5
_CHANCE = NormalDist().inv_cdf(0.999)


@dataclass(frozen=True)
class Window:
    """The rows that drift is told from: the last `rows`, as far as they are at most `seconds` old.

    Below `minimum` rows nothing is told. Raises `InvalidSettings` if the window can't always hold that many.
    """

    rows: int = 2_000
    seconds: float = 3_600.0
    minimum: int = 200

    def __post_init__(self) -> None:
        held = self.rows - self.slice_rows + 1
        if self.minimum > held:
            raise InvalidSettings(
                f"drift is told from {self.minimum} rows on, but a window of {self.rows} rows holds only {held} at all"
                " times; lower the minimum or widen the window"
            )

    @property
    def slice_rows(self) -> int:
        """How many rows leave the window together."""
        return max(1, self.rows // SLICES)


class Drift(NamedTuple):
    """PSI, and what it stays below by chance in 999 of 1,000 windows without drift; NaN if there are too few rows."""

    psi: float
    chance: float


def psi(reference: Counts, live: Counts) -> Drift:
    """The population stability index of live counts against reference counts, both of shape (bins,) and not all 0.

    Σ (q - p) · ln(q / p) over the shares p and q of the bins: Siddiqi (2006), "Credit Risk Scorecards"; as a distance
    of distributions Jeffreys (1946). Bins empty on both sides say nothing and are left out. To the others half a row
    is added on either side (Krichevsky and Trofimov 1981), so that an empty one gives no infinity.

    Without drift PSI is about (1/n + 1/m) · χ² with bins - 1 degrees of freedom, n and m the numbers of rows: Yurdakul
    (2018), "Statistical Properties of Population Stability Index". So small samples have a PSI above 0 by chance. It is
    not subtracted, as everybody's rules of thumb (0.1, 0.2) are for plain PSI; `chance` is the 99.9 % quantile, by
    Wilson and Hilferty's (1931) approximation of that of χ².
    """
    used = (reference + live) > 0
    p, q = reference[used] + _UNSEEN, live[used] + _UNSEEN
    p, q = p / p.sum(), q / q.sum()
    value = float(np.sum((q - p) * np.log(q / p)))
    freedom = int(used.sum()) - 1
    if not freedom:
        return Drift(value, 0.0)
    spread = 2 / (9 * freedom)
    quantile = freedom * (1 - spread + _CHANCE * math.sqrt(spread)) ** 3
    return Drift(value, quantile * float(1 / reference.sum() + 1 / live.sum()))


@dataclass
class _Slice:
    started: float
    rows: int
    counts: Counts


class DriftWindow:
    """The live rows of one model, counted in the cells of its profile.

    The cells are the bins of each feature and then of each probability in the profile, each time with one for missing
    values at the end. `clock` gives seconds and never goes back. Not safe to share between threads without a lock.
    """

    def __init__(self, profile: Profile, window: Window, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = window
        self._clock = clock
        self._distributions = (*profile.features, *profile.probabilities)
        self._starts = np.cumsum([0, *(len(item.counts) + 1 for item in self._distributions)])
        self.size = int(self._starts[-1])
        self._reference = self.by_distribution(
            np.array([count for item in self._distributions for count in (*item.counts, item.missing)], dtype=np.int64)
        )
        edges = [np.array(item.edges) for item in self._distributions]
        # Categories are their positions, with an edge half way between two: no need to search.
        coded = [np.array_equal(item, np.arange(len(item)) + _HALF) for item in edges]
        self._coded = np.flatnonzero(coded)
        self._last = np.array([len(edges[position]) for position in self._coded], dtype=np.float64)
        tables = [(position, item.table()) for position, item in enumerate(self._distributions)]
        self._tables = [(position, table) for position, table in tables if len(table)]
        self._measured = [(position, edges[position]) for position in np.flatnonzero(~np.array(coded)).tolist()]
        self._slices: deque[_Slice] = deque()

    def cells(self, matrix: Floats, probability: Floats) -> npt.NDArray[np.intp]:
        """The cells, (rows, features + probabilities), of encoded rows (rows, features) and their probabilities.

        Both are float64, the probabilities (rows,) or (rows, probabilities).
        """
        values = np.column_stack((matrix, probability))
        cells = np.empty(values.shape, dtype=np.intp)
        missing = np.isnan(values)
        if missing.any():
            values[missing] = 0.0
        for position, table in self._tables:
            values[:, position] = table[np.minimum(values[:, position], len(table) - 1).astype(np.intp)]
        positions = np.floor(values[:, self._coded] + _HALF)
        cells[:, self._coded] = np.clip(positions, 0.0, self._last) + self._starts[self._coded]
        for position, edges in self._measured:
            cells[:, position] = edges.searchsorted(values[:, position], side="right") + self._starts[position]
        return np.where(missing, self._starts[1:] - 1, cells)

    def by_distribution(self, counts: Counts) -> list[Counts]:
        """Split counts by cell, of shape (size,): one array for each feature, then for each probability."""
        return np.split(counts, self._starts[1:-1])

    def add(self, cells: npt.NDArray[np.intp]) -> None:
        """Take rows into the window, as of now."""
        now = self._clock()
        waiting = cells[-self._window.rows :]
        current = self._slices[-1] if self._slices else None
        if current and not self._is_full(current, now):
            taken, waiting = np.split(waiting, [self._window.slice_rows - current.rows])
            current.counts += np.bincount(taken.ravel(), minlength=self.size)
            current.rows += len(taken)
        if len(waiting):
            slices = np.arange(len(waiting)) // self._window.slice_rows
            of_slices = np.bincount(
                (waiting + self.size * slices[:, None]).ravel(), minlength=self.size * (slices[-1] + 1)
            )
            rows = np.bincount(slices).tolist()
            self._slices += map(_Slice, repeat(now), rows, of_slices.reshape(-1, self.size))
        self._drop(now)

    def _is_full(self, current: _Slice, now: float) -> bool:
        old = now - current.started >= self._window.seconds / SLICES
        return old or current.rows >= self._window.slice_rows

    def _drop(self, now: float) -> None:
        slices = self._slices
        while slices and (now - slices[0].started > self._window.seconds or self._held() > self._window.rows):
            slices.popleft()

    def _held(self) -> int:
        return sum(item.rows for item in self._slices)

    @property
    def rows(self) -> int:
        """How many rows are in the window now."""
        self._drop(self._clock())
        return self._held()

    def drift(self) -> list[Drift]:
        """Each feature's drift in contract order, then that of each probability.

        Too few rows give NaN, not nothing and not 0: the series is there to be seen, and every comparison of a rule
        with NaN is false, so that no alert fires on it.
        """
        if self.rows < self._window.minimum:
            return [Drift(math.nan, math.nan)] * len(self._distributions)
        counts = np.sum([item.counts for item in self._slices], axis=0)
        return [psi(*pair) for pair in zip(self._reference, self.by_distribution(counts), strict=True)]
