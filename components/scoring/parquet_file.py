"""Rows of a Parquet file: numbers as they are, text as the cells of a CSV file are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from components.errors import UnreadableTable
from components.scoring.cells import Cells
from components.scoring.part import ROWS, Part
from components.scoring.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from contract.columns import Column
    from contract.schema import Contract

MAGIC = b"PAR1"
"""What every Parquet file begins with."""

_BUFFER = 2**20


class ParquetFile:
    """A Parquet file, or a shard of one: some of its row groups.

    Raises `UnreadableTable` from the start if it has no such columns, and while it is read where it is damaged.
    """

    lines = 0

    def __init__(self, path: Path, contract: Contract, shard: int = 0, shards: int = 1) -> None:
        self._path = path
        try:
            # Read page by page: a whole row group could be larger than the memory.
            self._file = parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
        except (OSError, pa.ArrowException) as error:
            raise UnreadableTable(f"{path}: is no sound Parquet file: {error}") from None
        self._schema = self._file.schema_arrow
        self._places = Places.of(contract, self._schema.names, path)
        self._cells = {feature.name: Cells(contract, feature) for feature in contract.features}
        groups = self._file.num_row_groups
        self._groups = list(range(groups * shard // shards, groups * (shard + 1) // shards))
        self.size = sum(self._file.metadata.row_group(group).num_rows for group in self._groups)

    @property
    def id_type(self) -> pa.DataType | None:
        """The type of the id column, None if the file hasn't any."""
        return None if self._places.id_column is None else self._schema.field(self._places.id_column).type

    def parts(self) -> Iterator[Part]:
        """Read it."""
        names = [self._schema.names[position] for position in self._positions]
        first = 0
        try:
            batches = self._file.iter_batches(ROWS, row_groups=self._groups, columns=names, use_threads=False)
            for batch in batches:
                yield self._part(batch, first)
                first += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            raise UnreadableTable(f"{self._path}: is damaged after row {first}: {error}") from None

    @property
    def _positions(self) -> list[int]:
        own = [] if self._places.id_column is None else [self._places.id_column]
        return [*self._places.features.values(), *own]

    def _part(self, batch: pa.RecordBatch, first: int) -> Part:
        of = {name: batch.column(self._schema.names[at]) for name, at in self._places.features.items()}
        decimals = {name: column.cast(pa.float64()) for name, column in of.items() if pa.types.is_decimal(column.type)}
        of |= decimals

        def values(rows: Sequence[int]) -> dict[str, list[Any]]:
            chosen = pa.array(rows, pa.int64())
            return {name: self._cells[name].values(column.take(chosen).to_pylist()) for name, column in of.items()}

        own = self._places.id_column
        return Part(
            first=first,
            rows=batch.num_rows,
            numbers=np.arange(first, first + batch.num_rows),
            columns={name: self._column(name, column) for name, column in of.items()},
            ids=None if own is None else batch.column(self._schema.names[own]),
            broken=(),
            values=values,
            line=lambda _: None,
            done=first + batch.num_rows,
        )

    def _column(self, name: str, column: pa.Array) -> Column:
        kind = column.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return self._cells[name].numbers(column.to_numpy(zero_copy_only=False))
        if pa.types.is_boolean(kind) and not column.null_count:
            booleans: npt.NDArray[np.bool_] = column.to_numpy(zero_copy_only=False)
            return booleans
        text = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_string(text) or pa.types.is_large_string(text) or pa.types.is_string_view(text):
            return self._cells[name].distinct(column)
        items: list[Any] = column.to_pylist()
        return items
