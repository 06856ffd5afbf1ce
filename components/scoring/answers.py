"""What is written about rows: their answers, and what is wrong with those that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from components.errors import UnwritableFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO, Self

    from components.scoring.batch import Scored
    from components.scoring.part import Part
    from contract.errors import Violation
    from contract.schema import Contract

SUFFIXES = (".csv", ".parquet")
GROUP = 2**17
"""Rows of a row group: small ones make a Parquet file slow to read."""

REFUSED = pa.schema(
    {
        "row": pa.int64(),
        "line": pa.int64(),
        "column": pa.string(),
        "value": pa.string(),
        "rule": pa.string(),
        "allowed": pa.string(),
    }
)
"""One entry for each value that breaks the contract. `row` counts from 0 as in the answers, `line` is that of a CSV."""


class Answers:
    """The table of answers: the id column if the file has it, the row's number (from 0), and what the model says.

    Between two classes that is `label`, `probability` (of the positive class) and `decision`; of more, `label` and a
    column `probability_<label>` for each class.
    """

    def __init__(self, contract: Contract, id_type: pa.DataType | None) -> None:
        labels = contract.target.labels
        self._labels = pa.array(labels, pa.string())
        self._is_binary = contract.target.is_binary
        own = ["probability"] if self._is_binary else [f"probability_{label}" for label in labels]
        fields = [("row", pa.int64()), ("label", pa.string()), *((name, pa.float64()) for name in own)]
        fields += [("decision", pa.bool_())] if self._is_binary else []
        if id_type is not None:
            name = contract.id_column or "id"
            fields.insert(0, ("id" if name in dict(fields) else name, id_type))
        self.schema = pa.schema(fields)

    def batch(self, part: Part, scored: Scored) -> pa.RecordBatch:
        """The answers to a part's rows."""
        answer, chosen = scored.answer, scored.answered
        columns = [part.numbers[chosen], self._labels.take(pa.array(answer.decided))]
        columns += [answer.probability] if self._is_binary else list(answer.probability.T)
        columns += [answer.decided == 1] if self._is_binary else []
        if part.ids is not None:
            columns.insert(0, part.ids if len(chosen) == len(part.ids) else part.ids.take(pa.array(chosen)))
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
        return pa.record_batch(arrays, schema=self.schema)


def refusals(violations: Iterable[Violation], part: Part) -> pa.RecordBatch:
    """What is wrong with a part's rows, as `REFUSED` has it."""
    rows = [(item.row, part.line(item.row), item.column, item.value, item.rule, item.allowed) for item in violations]
    columns = list(zip(*rows, strict=True)) or [()] * len(REFUSED)
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, REFUSED, strict=True)], schema=REFUSED
    )


def check_suffix(path: Path) -> None:
    """Raise `UnwritableFile` unless the name says which kind of file it is to be."""
    if path.suffix not in SUFFIXES:
        raise UnwritableFile(f"{path}: ends with neither {' nor '.join(SUFFIXES)}; name a file of one of these kinds")


class Writer:
    """Writes batches of one schema as CSV or as Parquet."""

    def __init__(self, file: BinaryIO, schema: pa.Schema, suffix: str) -> None:
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._is_parquet = suffix == ".parquet"
        self._schema = schema
        if self._is_parquet:
            self._writer: _ArrowWriter = parquet.ParquetWriter(file, schema)
        else:
            self._writer = arrow_csv.CSVWriter(
                file, schema, write_options=arrow_csv.WriteOptions(quoting_style="needed")
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch, sooner or later."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._rows = [], 0


class _ArrowWriter(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...
