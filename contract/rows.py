"""Rows that nothing is to be said about, read fast.

`contract.encoding` finds everything that may be wrong or unusual in a table, in whole columns; for the one healthy row
of a typical request that costs more than scoring it. A reader here takes only what `Encoder` would encode in silence,
to the very same numbers, and passes on the rest, so that there is one judge of what is wrong.
"""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from contract.features import Feature

_NUMBERS = frozenset({int, float})


class _Column(NamedTuple):
    """What one feature takes in silence: a code that has a number, or a number between two bounds (inclusive)."""

    types: frozenset[type]
    codes: dict[Any, float] | None
    low: float
    high: float
    whole: bool
    markers: frozenset[Any]
    missing: bool


class RowReader:
    """Turns JSON values of one row into numbers in contract order; `None` where `Encoder` has something to say."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._columns = [_column(feature) for feature in features]
        names = [feature.name for feature in features]
        # itemgetter gives a tuple for two names or more only.
        self._values: Callable[[dict[str, Any]], Sequence[Any]] = (
            itemgetter(*names) if len(names) > 1 else lambda record: (record[names[0]],)
        )

    def records(self, records: Iterable[dict[str, Any]]) -> list[list[float]] | None:
        """Read mappings from feature name to value, one a row."""
        values, expected = self._values, len(self._columns)
        rows = []
        for record in records:
            if len(record) != expected:
                return None
            try:
                row = self.row(values(record))
            except KeyError:
                return None
            if row is None:
                return None
            rows.append(row)
        return rows

    def arrays(self, arrays: Iterable[Sequence[Any]]) -> list[list[float]] | None:
        """Read values in contract order, one array a row."""
        expected = len(self._columns)
        rows = []
        for values in arrays:
            row = self.row(values) if len(values) == expected else None
            if row is None:
                return None
            rows.append(row)
        return rows

    def row(self, values: Sequence[Any]) -> list[float] | None:
        """Read as many values as there are features."""
        row: list[float] = []
        append = row.append
        for value, (types, codes, low, high, whole, markers, missing) in zip(values, self._columns, strict=True):
            if type(value) not in types:
                if value is not None or not missing:
                    return None
                append(math.nan)
            elif codes is not None:
                code = codes.get(value)
                if code is None:
                    return None
                append(code)
            elif low <= value <= high and not (whole and value % 1) and value not in markers:
                append(value)
            else:
                return None
        return row


def _column(feature: Feature) -> _Column:
    markers = frozenset(feature.missing.markers)
    codes: dict[Any, float] | None = None
    low, high = -math.inf, math.inf
    types = _NUMBERS
    if isinstance(feature, CategoricalFeature):
        codes = {value: float(position) for position, value in enumerate(feature.values) if value not in markers}
        if isinstance(feature.values[0], str):
            types = frozenset({str})
    elif isinstance(feature, BooleanFeature):
        codes = {value: float(value) for value in (False, True) if value not in markers}
        types = _NUMBERS | {bool}
    else:
        silent = feature.usual or feature.range
        low, high = silent.min, silent.max
    whole = isinstance(feature, IntegerFeature)
    return _Column(types, codes, low, high, whole, markers, feature.missing.allowed)
