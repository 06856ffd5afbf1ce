"""What a cell of text means: the value that a client would send for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from contract.columns import Distinct
from contract.features import BooleanFeature, CategoricalFeature

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from contract.features import Feature
    from contract.schema import Contract

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"[+-]?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity))")


class Cells:
    """Reads the cells of one feature as `components.table.typed` does.

    Spaces around a value don't count; the markers of the table's files and of the feature are missing values. Numbers
    are rounded as JSON's are, to the nearest float64: a cell and the same digits in a request are one number.
    """

    def __init__(self, contract: Contract, feature: Feature) -> None:
        self._missing = {*contract.missing_markers, *map(str, feature.missing.markers)}
        self._missing_numbers = [float(marker) for marker in self._missing if _NUMBER.fullmatch(marker)]
        self._is_boolean = isinstance(feature, BooleanFeature)
        self.are_text = isinstance(feature, CategoricalFeature) and isinstance(feature.values[0], str)

    def value(self, text: str) -> bool | int | float | str | None:
        """The value in a cell; text that doesn't fit the feature stays text, for the encoder to refuse."""
        cell = text.strip()
        if cell in self._missing:
            return None
        if self.are_text:
            return cell
        if self._is_boolean and cell in _BOOLEANS:
            return _BOOLEANS[cell]
        if not _NUMBER.fullmatch(cell):
            return cell
        number = int(cell) if _WHOLE.fullmatch(cell) else float(cell)
        return None if number in self._missing_numbers else number

    def values(self, cells: Iterable[Any]) -> list[Any]:
        """The values in cells of text, or in those that are numbers or booleans already."""
        values: list[Any] = []
        for cell in cells:
            if isinstance(cell, str):
                values.append(self.value(cell))
            else:
                is_marker = isinstance(cell, int | float) and cell in self._missing_numbers
                values.append(None if is_marker and not isinstance(cell, bool) else cell)
        return values

    def numbers(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A column of numbers, (rows,), with NaN for those that mean missing."""
        for number in self._missing_numbers:
            is_missing = column == number
            if is_missing.any():
                column = np.where(is_missing, np.nan, column)
        return column

    def distinct(self, column: pa.Array) -> Distinct:
        """The values of an Arrow column of text, or of dictionary-encoded text."""
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        values = self.values(encoded.dictionary.to_pylist())
        positions = encoded.indices
        if positions.null_count:
            positions = positions.fill_null(len(values))
            values.append(None)
        return Distinct(values, positions.to_numpy(zero_copy_only=False).astype(np.intp, copy=False))
