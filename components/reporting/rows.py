"""What is counted of a table while its rows go by, and the rows that are kept to draw from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

MOST_DRAWN = 100_000
"""Rows that are kept to draw from: no picture shows more."""

_SEED = 0


@dataclass
class Moments:
    """Count, mean, spread and extremes of each column of what was added, NaN left out: all of shape (columns,).

    Blocks are merged after Chan, Golub & LeVeque (1979), "Updating formulae and a pairwise algorithm for computing
    sample variances": nothing cancels, however large the mean is beside the deviation.
    """

    counts: Floats
    means: Floats
    squares: Floats
    lowest: Floats
    highest: Floats

    @classmethod
    def of(cls, columns: int) -> Moments:
        """Those of no rows yet."""
        nothing = np.zeros(columns)
        return cls(nothing, nothing, nothing, np.full(columns, np.inf), np.full(columns, -np.inf))

    def add(self, block: Floats) -> None:
        """Count more rows, float64 of shape (rows, columns)."""
        known = ~np.isnan(block)
        counts = known.sum(axis=0)
        total = self.counts + counts
        means = np.where(known, block, 0).sum(axis=0) / np.maximum(counts, 1)
        squares = (np.where(known, block - means, 0) ** 2).sum(axis=0)
        apart = means - self.means
        self.squares = self.squares + squares + apart**2 * self.counts * counts / np.maximum(total, 1)
        self.means = self.means + apart * counts / np.maximum(total, 1)
        self.lowest = np.minimum(self.lowest, np.where(known, block, np.inf).min(axis=0, initial=np.inf))
        self.highest = np.maximum(self.highest, np.where(known, block, -np.inf).max(axis=0, initial=-np.inf))
        self.counts = total

    @property
    def deviations(self) -> Floats:
        """The sample standard deviation of each column; NaN where there are fewer than two values."""
        with np.errstate(invalid="ignore", divide="ignore"):
            deviations: Floats = np.sqrt(self.squares / (self.counts - 1))
        return np.where(self.counts > 1, deviations, np.nan)


@dataclass
class Drawn:
    """A random sample of the rows that went by, each as likely as any other, in the order in which they came.

    Every row draws a random number, and those with the smallest stay. So the sample is the same however the table is
    cut into pieces, and of a table of at most `most` rows it is the table.
    """

    most: int = field(default_factory=lambda: MOST_DRAWN)
    _keys: Floats = field(default_factory=lambda: np.empty(0))
    _rows: list[Floats] = field(default_factory=list)
    _target: list[Labels] = field(default_factory=list)
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(_SEED))

    def add(self, matrix: Floats, target: Labels) -> None:
        """Offer more rows: float64 (rows, columns) with their classes, int64 (rows,)."""
        keys = self._rng.random(len(target))
        if len(self._keys) == self.most:
            near = keys < self._keys.max()
            keys, matrix, target = keys[near], matrix[near], target[near]
        self._keys = np.append(self._keys, keys)
        self._rows.append(matrix)
        self._target.append(target)
        if len(self._keys) > self.most:
            kept = np.sort(np.argpartition(self._keys, self.most)[: self.most])
            rows, classes = self.rows
            self._keys, self._rows, self._target = self._keys[kept], [rows[kept]], [classes[kept]]

    @property
    def rows(self) -> tuple[Floats, Labels]:
        """The rows kept, and their classes. Something must have been added."""
        return np.concatenate(self._rows), np.concatenate(self._target)
