"""A contract's table in memory: typed columns, the encoded matrix, the target.

Frames hold the contract's own codes. A column is float64 with NaN where every cell present is a number, otherwise text
(`object`) with `None`; which of the two it should be is for *validate* to say.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from contract.columns import Distinct
from contract.encoding import Encoded, Encoder
from contract.features import BooleanFeature, CategoricalFeature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from contract.columns import Column
    from contract.errors import Violation
    from contract.features import Code
    from contract.schema import Contract

    Instance = dict[str, int | float | str | bool | None]

ROWS = 50_000
"""Rows that are worked on at once, where a table may be too large to be held whole: 24 MB with 60 columns."""

_BOOLEANS = {"true": "1", "True": "1", "TRUE": "1", "false": "0", "False": "0", "FALSE": "0"}


def typed(contract: Contract, cells: pd.DataFrame) -> pd.DataFrame:
    """Turn cells as a file has them into typed columns; the contract's missing markers become missing values.

    Cells are text, of type `object` or category, or already numbers or booleans; null is missing too.
    """
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, column in cells.items():
        typing = ColumnTyping(contract, str(name))
        numbers = typing.numbers(column)
        columns[str(name)] = typing.text(column) if numbers is None else numbers
    return pd.DataFrame(columns, index=cells.index)


class ColumnTyping:
    """Makes numbers or text of the cells of one column, or of a part of it.

    Cells repeat, so each different one is looked at once.
    """

    def __init__(self, contract: Contract, name: str) -> None:
        feature = next((feature for feature in contract.features if feature.name == name), None)
        own = feature.missing.markers if feature else ()
        self._markers = frozenset([*contract.missing_markers, *map(str, own)])
        numbers = pd.to_numeric(pd.Series(list(self._markers), dtype=object), errors="coerce").dropna()
        self._missing_numbers = numbers.to_numpy(np.float64)
        self._is_text = name in text_columns(contract)
        self._is_boolean = isinstance(feature, BooleanFeature)

    def numbers(self, column: pd.Series[Any]) -> npt.NDArray[np.float64] | None:
        """The cells as float64 (rows,), NaN for missing; None if one of them is no number, or the codes are text."""
        if self._is_text:
            return None
        if column.dtype.kind in ("iufb" if self._is_boolean else "iuf"):
            return self._known(column.to_numpy(np.float64))
        positions, texts = self._distinct(column)
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, copy=True)
        # pandas is off in the last bit of one decimal in three; a request's number is read exactly.
        present = ~np.isnan(numbers)
        numbers[present] = [float(text) for text in texts[present]]
        if (np.isnan(numbers) & texts.notna().to_numpy()).any():
            return None
        known: npt.NDArray[np.float64] = self._known(numbers)[positions]
        return known

    def _known(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(np.isin(numbers, self._missing_numbers), np.nan, numbers)

    def text(self, column: pd.Series[Any]) -> npt.NDArray[np.object_]:
        """The cells as text without blanks around it, `object` (rows,), None for missing."""
        positions, texts = self._distinct(column)
        cells: npt.NDArray[np.object_] = texts.to_numpy()[positions]
        return cells

    def _distinct(self, column: pd.Series[Any]) -> tuple[npt.NDArray[np.integer[Any]], pd.Series[Any]]:
        """Where each different text stands; a null's position is -1, where the last text, None, is found."""
        if isinstance(column.dtype, pd.CategoricalDtype):
            used = column.cat.remove_unused_categories().cat
            positions, values = used.codes.to_numpy(), used.categories
        else:
            positions, values = pd.factorize(column)
        texts = [self._text(value) for value in values]
        return positions, pd.Series([*texts, None], dtype=object)

    def _text(self, value: object) -> str | None:
        text = (value if isinstance(value, str) else str(code(value))).strip()
        if text in self._markers:
            return None
        return _BOOLEANS.get(text, text) if self._is_boolean else text


def text_columns(contract: Contract) -> set[str]:
    """Columns whose codes are text even where they look like numbers, such as postcodes."""
    names = {
        feature.name
        for feature in contract.features
        if isinstance(feature, CategoricalFeature) and isinstance(feature.values[0], str)
    }
    if any(isinstance(value, str) for item in contract.target.classes for value in item.values):
        names.add(contract.target.column)
    return names


def with_numbers(contract: Contract, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with floats wherever a cell of a numeric column is a number.

    One stray word makes text of a whole column (Parquet holds one type a column). Here only that word stays text, so
    that it alone is refused, not its column.
    """
    mixed = frame.copy(deep=False)
    for name in {*contract.feature_names, contract.target.column} - text_columns(contract):
        if name in frame:
            mixed[name] = _numbers_where_possible(frame[name])
    return mixed


def _numbers_where_possible(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype != object:
        return column
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    return column.where(numbers.isna(), numbers)


def encode(contract: Contract, frame: pd.DataFrame) -> Encoded:
    """Encode a frame as the predictor encodes a request: float64 (rows, features) and what the contract objects to.

    A column that the frame lacks (external sites only) is missing in every row.
    """
    encoder = Encoder(contract.features)
    matrix = np.empty((len(frame), len(contract.features)))
    unusual = np.empty(matrix.shape, dtype=np.bool_)
    violations: list[Violation] = []
    for start in range(0, len(frame), ROWS):
        part = with_numbers(contract, frame.iloc[start : start + ROWS])
        absent = np.full(len(part), np.nan)
        found = encoder.from_columns(
            {name: _values(part[name]) if name in part else absent for name in contract.feature_names}
        )
        matrix[start : start + ROWS], unusual[start : start + ROWS] = found.matrix, found.unusual
        violations += [replace(violation, row=violation.row + start) for violation in found.violations]
    return Encoded(matrix, unusual, tuple(violations))


def _values(column: pd.Series[Any]) -> Column:
    if column.dtype != object:
        return column.to_numpy()
    positions, values = pd.factorize(column)
    return Distinct([*values, None], np.where(positions < 0, len(values), positions))


def classes(contract: Contract, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Each row's encoded class (position in `Target.labels`), float64 of shape (rows,).

    NaN where the contract has no class for it.
    """
    if contract.target.column not in frame:
        return np.full(len(frame), np.nan)
    cells = frame[contract.target.column]
    if contract.target.column not in text_columns(contract):
        cells = _numbers_where_possible(cells)
    positions, values = pd.factorize(cells)
    found = [contract.class_of(code(value)) for value in values]
    return np.array([*found, None], dtype=np.float64)[positions]


def target(contract: Contract, frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """The encoded classes, int64 of shape (rows,), of a validated table: each row has one."""
    return classes(contract, frame).astype(np.int64)


def code(value: object) -> Code:
    """A cell as the contract writes it: 3.0 is 3, text stays text."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else str(value)


def sortable(cells: pd.Series[Any]) -> pd.Series[Any]:
    """A time column as values that sort: numbers as they are, ISO 8601 dates as times; all else is missing."""
    return cells if cells.dtype.kind == "f" else pd.to_datetime(cells, format="ISO8601", errors="coerce", utc=True)


def write(frame: pd.DataFrame, path: str | Path) -> None:
    """Keep a frame as Parquet, types included."""
    write_parts((frame.iloc[start : start + ROWS] for start in range(0, max(len(frame), 1), ROWS)), path)


def write_parts(parts: Iterable[pd.DataFrame], path: str | Path) -> None:
    """Keep a table that comes in parts, at least one, as Parquet; all of them have the types of the first."""
    import pyarrow
    from pyarrow import parquet

    rest = iter(parts)
    first = next(rest)
    schema = pyarrow.Schema.from_pandas(first, preserve_index=False)
    for position, kind in enumerate(first.dtypes):
        if kind.kind == "O":  # whatever this part lets one guess: another may be without any value
            schema = schema.set(position, pyarrow.field(schema.names[position], pyarrow.string()))
    with parquet.ParquetWriter(path, schema) as writer:
        for part in chain([first], rest):
            writer.write_table(pyarrow.Table.from_pandas(part, schema, preserve_index=False))


def read(path: str | Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A frame that `write` wrote, or these columns of it; little more is in memory than the frame itself."""
    import pyarrow
    from pyarrow import parquet

    with parquet.ParquetFile(path, pre_buffer=False) as file:
        names = list(file.schema_arrow.names if columns is None else columns)
        numbers = {
            name: np.empty(file.metadata.num_rows)
            for name in names
            if file.schema_arrow.field(name).type == pyarrow.float64()
        }
        others: dict[str, list[pd.Series[Any]]] = {name: [] for name in names if name not in numbers}
        first = 0
        for batch in file.iter_batches(ROWS, columns=names, use_threads=False):
            for name, cells in numbers.items():
                cells[first : first + len(batch)] = batch.column(name).to_numpy(zero_copy_only=False)
            for name, parts in others.items():
                parts.append(batch.column(name).to_pandas())
            first += len(batch)
    nothing = pd.Series(dtype=object)
    texts = {name: pd.concat(parts or [nothing], ignore_index=True) for name, parts in others.items()}
    return pd.DataFrame({name: numbers[name] if name in numbers else texts[name] for name in names}, copy=False)


def chunks(path: str | Path, rows: int = ROWS) -> Iterator[pd.DataFrame]:
    """The frame that `write` wrote in parts of so many rows, the last one shorter; the index goes on through them.

    Never more than one part is in memory. Each has the types that `read` gives.
    """
    from pyarrow import parquet

    first = 0
    with parquet.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(rows, use_threads=False):
            part = batch.to_pandas()
            part.index = pd.RangeIndex(first, first + len(part))
            first += len(part)
            yield part


def requests_of(contract: Contract, frame: pd.DataFrame) -> list[Instance]:
    """Rows as v1 instances, in the contract's codes: what a client would send for them."""
    names = contract.feature_names
    whole = {feature.name for feature in contract.features if feature.kind != "numeric"}
    mixed = with_numbers(contract, frame[names])
    columns = [[_sent(value, whole=name in whole) for value in mixed[name].tolist()] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _sent(value: Any, *, whole: bool) -> int | float | str | bool | None:
    if value is None or value != value:  # noqa: PLR0124  (only NaN differs from itself)
        return None
    if isinstance(value, np.generic):
        value = value.item()
    sent: int | float | str | bool = int(value) if whole and isinstance(value, float) and value.is_integer() else value
    return sent
