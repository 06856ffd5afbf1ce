"""Rows of a CSV file, read by Arrow: numbers as numbers, and what Arrow takes for none as the text that it is."""

from __future__ import annotations

import csv
import io
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from components.scoring.cells import Cells
from components.scoring.part import ROWS, Part
from components.scoring.places import Places
from components.scoring.records import blocks, find_records, lines_of_rows, not_utf8, shard_bounds
from contract.columns import Distinct
from contract.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from contract.columns import Column
    from contract.schema import Contract

BLOCK = 2 * 2**20
"""Bytes that are parsed at a time."""

_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
_ID = "the id"  # a name that no feature can have


class CsvFile:
    """A CSV file in UTF-8 with a header, or a shard of one.

    Raises `UnreadableTable` from the start if it has no such columns, and while it is read where it isn't sound CSV.
    """

    def __init__(self, path: Path, contract: Contract, shard: int = 0, shards: int = 1) -> None:
        self.path = path
        self.contract = contract
        self.lines = 0
        with path.open("rb") as file:
            records = find_records(path, file, path.stat().st_size)
            self._begin, self._end = shard_bounds(path, file, records, shard, shards)
            if shard == 0:
                file.seek(0)
                self.lines = file.read(records.begin).count(b"\n")
        header = next(csv.reader(io.StringIO(records.header, newline="")))
        self.cells = {feature.name: Cells(contract, feature) for feature in contract.features}
        self.header = [name.strip() for name in header]
        self.places = Places.of(contract, self.header, path)
        self.texts = {name for name, cells in self.cells.items() if cells.are_text}
        """Features whose columns aren't read as numbers; more join them where a cell is none."""

    @property
    def size(self) -> int:
        """Bytes of its rows."""
        return self._end - self._begin

    @property
    def id_type(self) -> pa.DataType | None:
        """The id column is text."""
        return None if self.places.id_column is None else pa.string()

    def parts(self) -> Iterator[Part]:
        """Read it, once."""
        first = done = 0
        with self.path.open("rb") as file:
            for data in blocks(self.path, file, self._begin, self._end, BLOCK):
                done += len(data)
                block = _Block(self, data, self.lines)
                yield from block.parts(first, done)
                first += block.rows
                self.lines += data.count(b"\n")


class _Block:
    """Whole rows of a file, parsed."""

    def __init__(self, file: CsvFile, data: bytes, lines_before: int) -> None:
        self._file = file
        self._data = data
        self._lines_before = lines_before
        self._broken: dict[int, int] = {}  # the number of cells, by row
        self._table = self._parsed_as_numbers()
        self.rows = self._table.num_rows + len(self._broken)

    def parts(self, first: int, done: int) -> Iterator[Part]:
        """Its rows, `ROWS` at a time; `first` is the number of the first one."""
        names = list(self._file.places.features)
        columns = {name: self._column(name) for name in names}
        ids = None if self._file.places.id_column is None else self._table.column(_ID).combine_chunks()
        numbers = np.delete(np.arange(self.rows), list(self._broken))
        for start in range(0, self.rows, ROWS):
            end = min(start + ROWS, self.rows)
            low, high = np.searchsorted(numbers, (start, end)).tolist()
            yield Part(
                first=first + start,
                rows=end - start,
                numbers=numbers[low:high] + first,
                columns={name: _sliced(column, low, high) for name, column in columns.items()},
                ids=None if ids is None else ids.slice(low, high - low),
                broken=tuple(self._violation(row, first) for row in self._broken if start <= row < end),
                values=partial(self._values, low),
                line=partial(self._line, first),
                done=done,
            )

    def _violation(self, row: int, first: int) -> Violation:
        expected = len(self._file.header)
        cells = f"{self._broken[row]} cells" if self._broken[row] != 1 else "1 cell"
        return Violation(row + first, "(row)", cells, "wrong-length", f"{expected} cells, as the header has")

    def _parsed_as_numbers(self) -> pa.Table:
        """The columns of numbers as float64; those where a cell is none join `texts`, for this block and all later."""
        file = self._file
        while True:
            numbers = [name for name in file.places.features if name not in file.texts]
            try:
                table = self._parsed(dict.fromkeys(numbers, pa.float64()))
            except pa.ArrowInvalid:
                if not numbers:
                    raise not_utf8(file.path, self._data, self._lines_before + 1) from None
                found = {name for name in numbers if not self._are_numbers(name)} or set(numbers)
            else:
                found = {name for name in numbers if _holds_nan_as_text(table.column(name))}
                if not found:
                    return table
            file.texts |= found

    def _are_numbers(self, name: str) -> bool:
        cells = pc.utf8_trim(self._texts.column(name), " \t")
        missing = pc.is_in(cells, value_set=pa.array(self._file.contract.missing_markers, pa.string()))
        try:
            pc.cast(pc.if_else(missing, pa.scalar(None, pa.string()), cells), pa.float64())
        except pa.ArrowInvalid:
            return False
        return True

    @cached_property
    def _texts(self) -> pa.Table:
        """All columns as text."""
        try:
            return self._parsed(dict.fromkeys(self._file.places.features, pa.string()))
        except pa.ArrowInvalid:
            raise not_utf8(self._file.path, self._data, self._lines_before + 1) from None

    def _parsed(self, types: Mapping[str, pa.DataType]) -> pa.Table:
        """The features' columns by name, dictionary-encoded text where no type is given, and the id column's."""
        file = self._file
        names = [f"unused {position}" for position in range(len(file.header))]
        for name, position in file.places.features.items():
            names[position] = name
        wanted = list(file.places.features)
        if file.places.id_column is not None:
            names[file.places.id_column] = _ID
            wanted.append(_ID)
        self._broken.clear()
        return arrow_csv.read_csv(
            pa.BufferReader(self._data),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(self._data) + 1, column_names=names),
            parse_options=arrow_csv.ParseOptions(
                newlines_in_values=b'"' in self._data, invalid_row_handler=self._remember_broken
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={**dict.fromkeys(wanted, _DICTIONARY), **types, _ID: pa.string()},
                include_columns=wanted,
                null_values=list(file.contract.missing_markers),
                strings_can_be_null=False,
            ),
        )

    def _remember_broken(self, row: arrow_csv.InvalidRow) -> str:
        self._broken[row.number - 1] = row.actual_columns
        return "skip"

    def _column(self, name: str) -> Column:
        column = self._table.column(name).combine_chunks()
        if pa.types.is_floating(column.type):
            return self._file.cells[name].numbers(column.to_numpy(zero_copy_only=False))
        return self._file.cells[name].distinct(column)

    def _values(self, low: int, rows: Sequence[int]) -> dict[str, list[Any]]:
        chosen = self._texts.take(pa.array([low + row for row in rows], pa.int64()))
        return {
            name: self._file.cells[name].values(chosen.column(name).to_pylist()) for name in self._file.places.features
        }

    def _line(self, first: int, row: int) -> int:
        return self._lines_before + self._line_of_row[row - first]

    @cached_property
    def _line_of_row(self) -> Sequence[int]:
        return lines_of_rows(self._data)


def _sliced(column: Column, low: int, high: int) -> Column:
    return Distinct(column.values, column.positions[low:high]) if isinstance(column, Distinct) else column[low:high]


def _holds_nan_as_text(column: pa.ChunkedArray) -> bool:
    """Whether Arrow has read `nan` as a number, which it isn't to a contract."""
    numbers = column.to_numpy()
    return bool(len(numbers)) and bool(np.isnan(numbers.min())) and int(np.isnan(numbers).sum()) > column.null_count
