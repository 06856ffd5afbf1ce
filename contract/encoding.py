"""From a table's values to the one numeric matrix that training and serving share.

A row becomes float64 of shape (features,), in contract order: numbers as they are, booleans as 0 or 1, categories as
their position in the contract, NaN for missing. Requests and training tables come through the same code, so a code
that one of them refuses is refused by the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from contract.columns import ColumnEncoder, length, value_at
from contract.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from contract.columns import Column
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

_LONGEST_SHOWN = 40


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
        self._columns = [ColumnEncoder(feature) for feature in features]
        self._names = [feature.name for feature in features]
        self._allowed_names = ", ".join(self._names)
        self._allowed = {encoder.name: encoder.allowed for encoder in self._columns}

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

    def from_columns(self, columns: Mapping[str, Column]) -> Encoded:
        """Encode whole columns, as lists, one-dimensional numpy arrays or `Distinct`.

        Raises `KeyError` if a feature isn't there and `ValueError` if one is longer than another.
        """
        ordered = [columns[name] for name in self._names]
        if len(set(map(length, ordered))) > 1:
            lengths = ", ".join(f"{name} {length(column)}" for name, column in zip(self._names, ordered, strict=True))
            raise ValueError(f"columns must be equally long, not {lengths}")
        return self._encode(ordered, ())

    def from_matrix(self, matrix: npt.NDArray[Any]) -> Encoded:
        """Encode a matrix of shape (rows, features) whose columns stand in contract order."""
        return self._encode(list(matrix.T), ())

    def _encode(
        self,
        columns: Sequence[Column],
        violations: Iterable[Violation],
        skipped: set[tuple[int, str]] | None = None,
    ) -> Encoded:
        # Column by column in memory while they are worked on, row by row for what comes after.
        rows = length(columns[0])
        by_column = np.empty((len(columns), rows), dtype=np.float64)
        unusual = np.zeros((rows, len(columns)), dtype=np.bool_)
        found: list[list[Violation]] = []
        for position, (encoder, column) in enumerate(zip(self._columns, columns, strict=True)):
            wrong = encoder.encode(column, by_column[position], unusual[:, position])
            if wrong:
                found.append(
                    [
                        Violation(row, encoder.name, shown(value_at(column, row)), rule, encoder.allowed)
                        for row, rule in wrong.items()
                    ]
                )
        matrix = np.ascontiguousarray(by_column.T)
        if not found and not violations:
            return Encoded(matrix, unusual, ())
        every = chain(violations, chain.from_iterable(found))
        skipped = skipped or set()
        kept = [v for v in every if (v.row, v.column) not in skipped or v.rule in RULES[:3]]
        order = {name: position for position, name in enumerate(self._names)}
        kept.sort(key=lambda v: (v.row, order.get(v.column, len(order))))
        return Encoded(matrix, unusual, tuple(kept))


def shown(value: object) -> str:
    """A value as an error may show it: one line of at most 40 characters."""
    try:
        text = "null" if value is None else repr(value.item() if isinstance(value, np.generic) else value)
    except (ValueError, RecursionError):
        text = f"({type(value).__name__} too large to show)"  # Python writes no number of more than 4300 digits
    return _shortened(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
