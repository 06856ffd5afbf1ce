"""One column of a table, from its values to numbers.

A column is looked at as a whole: its extremes settle most of them, and only one that something is to be said about is
taken apart.
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature, NumericFeature, allowed_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from contract.features import Feature

_PLAIN = frozenset({int, float, NoneType})
_LARGEST_TABLE = 10_000


class Distinct(NamedTuple):
    """A column as the values that stand in it, each once, and where: row i has `values[positions[i]]`.

    Text repeats: a hundred different words in 8,192 rows are encoded a hundred times faster than word by word.
    `positions` is whole numbers of shape (rows,).
    """

    values: Sequence[Any]
    positions: npt.NDArray[np.integer[Any]]


Values: TypeAlias = "Sequence[Any] | npt.NDArray[Any]"
Column: TypeAlias = "Values | Distinct"


def length(column: Column) -> int:
    """The rows of a column."""
    return len(column.positions if isinstance(column, Distinct) else column)


def value_at(column: Column, row: int) -> object:
    """A row's value."""
    return column.values[column.positions[row]] if isinstance(column, Distinct) else column[row]


class ColumnEncoder:
    """Encodes the values of one feature; `allowed` says in words what it may be."""

    def __init__(self, feature: Feature) -> None:
        self._feature = feature
        self.name = feature.name
        self.allowed = allowed_values(feature)
        self._markers = [marker for marker in feature.missing.markers if isinstance(marker, int)]
        self._text_markers = {marker for marker in feature.missing.markers if isinstance(marker, str)}
        self._is_boolean = isinstance(feature, BooleanFeature)
        self._plain = _PLAIN | {bool} if self._is_boolean else _PLAIN
        self._is_text = False
        self._low, self._high, self._whole = -np.inf, np.inf, not isinstance(feature, NumericFeature)
        self._table: npt.NDArray[np.float64] | None = None
        match feature:
            case NumericFeature() | IntegerFeature():
                silent = feature.usual or feature.range
                self._low, self._high = silent.min, silent.max
            case BooleanFeature():
                self._low, self._high = 0, 1
            case CategoricalFeature():
                self._is_text = isinstance(feature.values[0], str)
                self._position = {value: float(index) for index, value in enumerate(feature.values)}
                codes = [value for value in feature.values if isinstance(value, int)]
                self._order = np.argsort(codes)
                self._codes = np.array(codes, dtype=np.float64)[self._order]
                self._tabulate(codes)

    def _tabulate(self, codes: list[int]) -> None:
        """Prepare a table from codes to positions, -1 where there is none, if they lie close together."""
        self._low, self._high = np.inf, -np.inf
        if codes and max(codes) - min(codes) < _LARGEST_TABLE:
            self._low, self._high = min(codes), max(codes)
            self._table = np.full(max(codes) - min(codes) + 1, -1.0)
            self._table[np.array(codes) - min(codes)] = range(len(codes))

    def encode(self, column: Column, out: npt.NDArray[np.float64], unusual: npt.NDArray[np.bool_]) -> dict[int, str]:
        """Fill `out` and `unusual` (both of shape (rows,)); returns the rule that each refused row breaks, by row."""
        if isinstance(column, Distinct):
            return self._distinct(column, out, unusual)
        wrong: dict[int, str] = {}
        if self._is_text:
            self._texts(column, out, wrong)
        else:
            self._numbers(column, out, wrong)
            if not wrong and self._in_silence(out):
                return {}
            self._checked(out, unusual, wrong)
        if not self._feature.missing.allowed:
            for row in np.flatnonzero(np.isnan(out)):
                wrong.setdefault(int(row), "missing-value")
        return dict(sorted(wrong.items()))

    def _distinct(
        self, column: Distinct, out: npt.NDArray[np.float64], unusual: npt.NDArray[np.bool_]
    ) -> dict[int, str]:
        numbers, are_unusual = np.empty(len(column.values)), np.zeros(len(column.values), dtype=np.bool_)
        wrong = self.encode(column.values, numbers, are_unusual)
        out[:] = numbers.take(column.positions)
        unusual[:] = are_unusual.take(column.positions)
        if not wrong:
            return {}
        refused = np.isin(column.positions, list(wrong))
        return {int(row): wrong[int(column.positions[row])] for row in np.flatnonzero(refused)}

    def _numbers(self, column: Values, out: npt.NDArray[np.float64], wrong: dict[int, str]) -> None:
        if isinstance(column, np.ndarray) and column.dtype.kind in ("biuf" if self._is_boolean else "iuf"):
            out[:] = column
        elif not isinstance(column, np.ndarray) and self._plain.issuperset(map(type, column)):
            try:
                out[:] = np.array(column, dtype=np.float64)
            except OverflowError:
                self._one_by_one(column, out, wrong)
        else:
            self._one_by_one(column, out, wrong)
        for marker in self._markers:
            out[out == marker] = np.nan

    def _in_silence(self, out: npt.NDArray[np.float64]) -> bool:
        """Whether nothing is to be said about these numbers; categories become positions then.

        Two looks at the extremes settle what `_checked` needs a dozen for.
        """
        if not len(out):
            return False
        if not np.isnan(out.min()):
            return self._numbers_in_silence(out)
        if not self._feature.missing.allowed:
            return False
        present = ~np.isnan(out)
        numbers = out[present]
        if len(numbers) and not self._numbers_in_silence(numbers):
            return False
        out[present] = numbers
        return True

    def _numbers_in_silence(self, out: npt.NDArray[np.float64]) -> bool:
        if not (self._low <= out.min() and out.max() <= self._high):
            return False
        if self._whole and not (out == np.rint(out)).all():
            return False
        if self._table is not None:
            positions = self._table[(out - self._low).astype(np.intp)]
            if positions.min() < 0:
                return False
            out[:] = positions
        return True

    def _one_by_one(self, column: Values, out: npt.NDArray[np.float64], wrong: dict[int, str]) -> None:
        for row, value in enumerate(column):
            out[row] = np.nan
            if value is None or (isinstance(value, str) and value in self._text_markers):
                continue
            if isinstance(value, bool | np.bool_):
                fits = self._is_boolean
            else:
                fits = isinstance(value, int | float | np.integer | np.floating)
            if not fits:
                wrong[row] = "wrong-type"
                continue
            try:
                out[row] = value
            except OverflowError:
                wrong[row] = "not-finite"

    def _texts(self, column: Values, out: npt.NDArray[np.float64], wrong: dict[int, str]) -> None:
        for row, value in enumerate(column):
            out[row] = np.nan
            if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
                continue
            if not isinstance(value, str):
                wrong[row] = "wrong-type"
            elif value in self._text_markers:
                continue
            elif value in self._position:
                out[row] = self._position[value]
            else:
                wrong[row] = "unknown-category"

    def _checked(self, out: npt.NDArray[np.float64], unusual: npt.NDArray[np.bool_], wrong: dict[int, str]) -> None:
        """Apply the kind's rules to the numbers in `out`; what breaks one becomes NaN there."""

        def refuse(where: npt.NDArray[np.bool_], rule: str) -> None:
            if where.any():
                for row in np.flatnonzero(where):
                    wrong.setdefault(int(row), rule)
                out[where] = np.nan

        refuse(np.isinf(out), "not-finite")
        match self._feature:
            case NumericFeature() | IntegerFeature():
                if isinstance(self._feature, IntegerFeature):
                    refuse(~np.isnan(out) & (out != np.rint(out)), "not-whole")
                limits = self._feature.range
                refuse((out < limits.min) | (out > limits.max), "out-of-range")
                if self._feature.usual:
                    np.logical_or(out < self._feature.usual.min, out > self._feature.usual.max, out=unusual)
            case BooleanFeature():
                refuse(~np.isnan(out) & (out != 0) & (out != 1), "wrong-type")
            case CategoricalFeature():
                places = np.minimum(self._codes.searchsorted(out), len(self._codes) - 1)
                refuse(~np.isnan(out) & (self._codes[places] != out), "unknown-category")
                known = ~np.isnan(out)
                out[known] = self._order[places[known]]
