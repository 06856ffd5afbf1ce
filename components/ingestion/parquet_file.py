"""A Parquet file of a table, whose cells mean what the same cells would mean in a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from components.errors import UnreadableTable
from components.ingestion import columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from contract.schema import Contract

_LONGEST_SHOWN = 60


class ParquetFile:
    """A Parquet file whose cells are single values. Raises `UnreadableTable` for anything else.

    Iterating gives frames with a column for each of the table's: numbers, booleans, or text of type category, in which
    dates are written as in ISO 8601. Each time it starts from the beginning, and no more than one frame is in memory.
    """

    def __init__(self, contract: Contract, path: Path, location: str) -> None:
        self._path = path
        self._location = location
        try:
            schema, rows = parquet.read_schema(path), parquet.read_metadata(path).num_rows
        except (OSError, pa.ArrowException) as error:
            raise self._unsound(error) from None
        shown = ", ".join(schema.names)[:_LONGEST_SHOWN]
        columns.check(contract, schema.names, location, "Parquet file", f"its columns are {shown}")
        if not rows:
            raise UnreadableTable(f"{location}: has columns but no rows")
        self._positions = columns.positions(contract, schema.names)
        for name, position in list(self._positions.items()):
            field = schema.field(position)
            if _is_single(field.type):
                continue
            if name in contract.required_columns:
                raise UnreadableTable(
                    f"{location}: column {field.name} holds {field.type}; a cell must be a number, a boolean, text or a"
                    " date"
                )
            del self._positions[name]

    def __iter__(self) -> Iterator[pd.DataFrame]:
        import pandas as pd

        from components.table import ROWS

        try:
            with parquet.ParquetFile(self._path, pre_buffer=False) as file:
                for batch in file.iter_batches(ROWS, use_threads=False):
                    yield pd.DataFrame({name: _cells(batch.column(at)) for name, at in self._positions.items()})
        except (OSError, pa.ArrowException) as error:
            raise self._unsound(error) from None

    def _unsound(self, error: Exception) -> UnreadableTable:
        return UnreadableTable(f"{self._location}: is not a sound Parquet file: {error}")


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def _is_number(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal))


def _is_single(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    others = (pa.types.is_boolean, pa.types.is_temporal, pa.types.is_null)
    return _is_text(plain) or _is_number(plain) or any(test(plain) for test in others)


def _cells(column: pa.Array) -> pd.Series[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if _is_number(column.type):
        column = column.cast(pa.float64(), safe=False)
    elif not pa.types.is_boolean(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    cells: pd.Series[Any] = column.to_pandas()
    return cells
