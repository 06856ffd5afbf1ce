"""From a table's values to the one numeric matrix that training and serving share.

A row becomes float64 of shape (features,), in contract order: numbers as they are, booleans as 0 or 1, categories as
their position in the contract, NaN for missing. Requests and training tables come through the same code, so a code
that one of them refuses is refused by the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from contract.errors import Violation
from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature, NumericFeature, allowed_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from contract.features import Feature

RULES = (
    "missing-feature",
    "unknown-feature",
    "wrong-length",
    "wrong-type",
    "not-finite",
    "not-whole",
    "out-of-range",
    "unknown-category",
    "missing-value",
)
"""Everything that a value can be refused for; a bounded set, fit to label metrics."""

_PLAIN = frozenset({int, float, NoneType})
_LONGEST_SHOWN = 40
_LARGEST_TABLE = 10_000


@dataclass(frozen=True)
class Encoded:
    """Rows in numbers, and what is to be said about them.

    `matrix` is float64 of shape (rows, features); a refused value is NaN in it. `unusual`, bool of the same shape,
    marks values outside the usual range. `violations` are in row order, then contract order.
    """

    matrix: npt.NDArray[np.float64]
    unusual: npt.NDArray[np.bool_]
    violations: tuple[Violation, ...]


class Encoder:
    """Encodes rows of one table: records, arrays in contract order, or whole columns."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._columns = [_ColumnEncoder(feature) for feature in features]
        self._names = [feature.name for feature in features]
        self._allowed_names = ", ".join(self._names)
        self._allowed = {encoder.feature.name: encoder.allowed for encoder in self._columns}

    def from_records(self, records: Sequence[Mapping[str, Any]]) -> Encoded:
        """Encode mappings from feature name to value; absent and unknown names are violations."""
        names = self._names
        expected = len(names)
        try:
            columns = [[record[name] for record in records] for name in names]
        except KeyError:
            columns = [[record.get(name) for record in records] for name in names]
        else:
            if all(len(record) == expected for record in records):
                return self._encode(columns, ())
        known = set(names)
        violations = []
        absent: set[tuple[int, str]] = set()
        for row, record in enumerate(records):
            for name in names:
                if name not in record:
                    absent.add((row, name))
                    violations.append(Violation(row, name, "(absent)", "missing-feature", self._allowed[name]))
            violations += [
                Violation(
                    row, _shortened(repr(name)[1:-1]), shown(record[name]), "unknown-feature", self._allowed_names
                )
                for name in record
                if name not in known
            ]
        return self._encode(columns, violations, absent)

    def from_arrays(self, rows: Sequence[Sequence[Any]]) -> Encoded:
        """Encode rows whose values stand in contract order; a row of another length is a violation."""
        expected = len(self._names)
        allowed = f"{expected} values: {self._allowed_names}"
        violations = [
            Violation(row, "(row)", f"{len(values)} values", "wrong-length", allowed)
            for row, values in enumerate(rows)
            if len(values) != expected
        ]
        whole = [values if len(values) == expected else [None] * expected for values in rows]
        skipped = {(violation.row, name) for violation in violations for name in self._names}
        columns = list(zip(*whole, strict=True)) or [()] * expected
        return self._encode(columns, violations, skipped)

    def from_columns(self, columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]) -> Encoded:
        """Encode whole columns, as lists or one-dimensional numpy arrays.

        Raises `KeyError` if a feature isn't there and `ValueError` if one is longer than another.
        """
        ordered = [columns[name] for name in self._names]
        if len(set(map(len, ordered))) > 1:
            lengths = ", ".join(f"{name} {len(column)}" for name, column in zip(self._names, ordered, strict=True))
            raise ValueError(f"columns must be equally long, not {lengths}")
        return self._encode(ordered, ())

    def from_matrix(self, matrix: npt.NDArray[Any]) -> Encoded:
        """Encode a matrix of shape (rows, features) whose columns stand in contract order."""
        return self._encode(list(matrix.T), ())

    def _encode(
        self,
        columns: Sequence[Sequence[Any] | npt.NDArray[Any]],
        violations: Iterable[Violation],
        skipped: set[tuple[int, str]] | None = None,
    ) -> Encoded:
        # Column by column in memory while they are worked on, row by row for what comes after.
        by_column = np.empty((len(columns), len(columns[0])), dtype=np.float64)
        unusual = np.zeros((len(columns[0]), len(columns)), dtype=np.bool_)
        found: list[list[Violation]] = []
        for position, (encoder, column) in enumerate(zip(self._columns, columns, strict=True)):
            refused = encoder.encode(column, by_column[position], unusual[:, position])
            if refused:
                found.append(refused)
        matrix = np.ascontiguousarray(by_column.T)
        if not found and not violations:
            return Encoded(matrix, unusual, ())
        every = chain(violations, chain.from_iterable(found))
        skipped = skipped or set()
        kept = [v for v in every if (v.row, v.column) not in skipped or v.rule in RULES[:3]]
        order = {name: position for position, name in enumerate(self._names)}
        kept.sort(key=lambda v: (v.row, order.get(v.column, len(order))))
        return Encoded(matrix, unusual, tuple(kept))


class _ColumnEncoder:
    def __init__(self, feature: Feature) -> None:
        self.feature = feature
        self.allowed = allowed_values(feature)
        self.markers = [marker for marker in feature.missing.markers if isinstance(marker, int)]
        self.text_markers = {marker for marker in feature.missing.markers if isinstance(marker, str)}
        self.is_boolean = isinstance(feature, BooleanFeature)
        self.plain = _PLAIN | {bool} if self.is_boolean else _PLAIN
        self.is_text = False
        self.low, self.high, self.whole = -np.inf, np.inf, not isinstance(feature, NumericFeature)
        self.table: npt.NDArray[np.float64] | None = None
        match feature:
            case NumericFeature() | IntegerFeature():
                silent = feature.usual or feature.range
                self.low, self.high = silent.min, silent.max
            case BooleanFeature():
                self.low, self.high = 0, 1
            case CategoricalFeature():
                self.is_text = isinstance(feature.values[0], str)
                self.position = {value: float(index) for index, value in enumerate(feature.values)}
                self._tabulate([value for value in feature.values if isinstance(value, int)])

    def _tabulate(self, codes: list[int]) -> None:
        """Prepare a table from codes to positions, -1 where there is none, if they lie close together."""
        self.low, self.high = np.inf, -np.inf
        if codes and max(codes) - min(codes) < _LARGEST_TABLE:
            self.low, self.high = min(codes), max(codes)
            self.table = np.full(max(codes) - min(codes) + 1, -1.0)
            self.table[np.array(codes) - min(codes)] = range(len(codes))

    def encode(
        self, column: Sequence[Any] | npt.NDArray[Any], out: npt.NDArray[np.float64], unusual: npt.NDArray[np.bool_]
    ) -> list[Violation]:
        """Fill `out` and `unusual` (both of shape (rows,)) and return what is wrong, in row order."""
        wrong: dict[int, str] = {}
        if self.is_text:
            self._texts(column, out, wrong)
        else:
            self._numbers(column, out, wrong)
            if not wrong and self._in_silence(out):
                return []
            self._checked(out, unusual, wrong)
        if not self.feature.missing.allowed:
            for row in np.flatnonzero(np.isnan(out)):
                wrong.setdefault(int(row), "missing-value")
        name = self.feature.name
        return [Violation(row, name, shown(column[row]), rule, self.allowed) for row, rule in sorted(wrong.items())]

    def _numbers(
        self, column: Sequence[Any] | npt.NDArray[Any], out: npt.NDArray[np.float64], wrong: dict[int, str]
    ) -> None:
        if isinstance(column, np.ndarray) and column.dtype.kind in ("biuf" if self.is_boolean else "iuf"):
            out[:] = column
        elif not isinstance(column, np.ndarray) and self.plain.issuperset(map(type, column)):
            try:
                out[:] = np.array(column, dtype=np.float64)
            except OverflowError:
                self._one_by_one(column, out, wrong)
        else:
            self._one_by_one(column, out, wrong)
        for marker in self.markers:
            out[out == marker] = np.nan

    def _in_silence(self, out: npt.NDArray[np.float64]) -> bool:
        """Whether nothing is to be said about these numbers, none of them missing; categories become positions then.

        Two looks at the extremes settle what `_checked` needs a dozen for, and NaN is in no range.
        """
        if not len(out) or not (self.low <= out.min() and out.max() <= self.high):
            return False
        if self.whole and not (out == np.rint(out)).all():
            return False
        if self.table is not None:
            positions = self.table[(out - self.low).astype(np.intp)]
            if positions.min() < 0:
                return False
            out[:] = positions
        return True

    def _one_by_one(
        self, column: Sequence[Any] | npt.NDArray[Any], out: npt.NDArray[np.float64], wrong: dict[int, str]
    ) -> None:
        for row, value in enumerate(column):
            out[row] = np.nan
            if value is None or (isinstance(value, str) and value in self.text_markers):
                continue
            if isinstance(value, bool | np.bool_):
                fits = self.is_boolean
            else:
                fits = isinstance(value, int | float | np.integer | np.floating)
            if not fits:
                wrong[row] = "wrong-type"
                continue
            try:
                out[row] = value
            except OverflowError:
                wrong[row] = "not-finite"

    def _texts(
        self, column: Sequence[Any] | npt.NDArray[Any], out: npt.NDArray[np.float64], wrong: dict[int, str]
    ) -> None:
        for row, value in enumerate(column):
            out[row] = np.nan
            if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
                continue
            if not isinstance(value, str):
                wrong[row] = "wrong-type"
            elif value in self.text_markers:
                continue
            elif value in self.position:
                out[row] = self.position[value]
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
        match self.feature:
            case NumericFeature() | IntegerFeature():
                if isinstance(self.feature, IntegerFeature):
                    refuse(~np.isnan(out) & (out != np.rint(out)), "not-whole")
                limits = self.feature.range
                refuse((out < limits.min) | (out > limits.max), "out-of-range")
                if self.feature.usual:
                    np.logical_or(out < self.feature.usual.min, out > self.feature.usual.max, out=unusual)
            case BooleanFeature():
                refuse(~np.isnan(out) & (out != 0) & (out != 1), "wrong-type")
            case CategoricalFeature():
                codes = np.array(self.feature.values, dtype=np.float64)
                matches = out[:, None] == codes
                refuse(~np.isnan(out) & ~matches.any(axis=1), "unknown-category")
                known = ~np.isnan(out)
                out[known] = matches[known].argmax(axis=1)


def shown(value: object) -> str:
    """A value as an error may show it: one line of at most 40 characters."""
    try:
        text = "null" if value is None else repr(value.item() if isinstance(value, np.generic) else value)
    except (ValueError, RecursionError):
        text = f"({type(value).__name__} too large to show)"  # Python writes no number of more than 4300 digits
    return _shortened(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
