"""A whole file scored: read in parts, answered, written; and the shards of one, joined again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from components.errors import UnreadableTable, UnwritableFile
from components.scoring.answers import REFUSED, Answers, Writer, check_suffix, refusals
from components.scoring.batch import BatchScorer
from components.scoring.counts import COUNTS, Counts
from components.scoring.reading import open_table
from components.scoring.replacement import replacement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from components.scoring.part import Table
    from contract.bundle import Bundle

    Progress = Callable[[float, Counts], None]

_ANSWERS, _REFUSED, _COUNTS = "answers.parquet", "refused.parquet", "counts.json"


def refused_beside(output: Path) -> Path:
    """Where refused rows go unless somebody says otherwise."""
    return output.with_suffix(".refused.csv")


def score_file(
    bundle: Bundle, source: Path, output: Path, refused: Path | None = None, progress: Progress | None = None
) -> Counts:
    """Answer every row of a file that a request might hold, in its order, and list the others in `refused`.

    The memory that it takes doesn't depend on the size of the file. `progress` is told how much is done, from 0 to 1.

    Raises `UnreadableTable` for a file that isn't one of this table, and `UnwritableFile`; neither `output` nor
    `refused` has changed then.
    """
    refused = refused or refused_beside(output)
    for path in (output, refused):
        check_suffix(path)
    if len({path.resolve() for path in (source, output, refused)}) < len((source, output, refused)):
        raise UnwritableFile(f"{output}: input, output and the file of refused rows must be three files")
    table = open_table(source, bundle.contract)
    return _score(bundle, table, source, output, refused, progress)


def score_shard(
    bundle: Bundle, source: Path, directory: Path, shard: int, shards: int, progress: Progress | None = None
) -> Counts:
    """Answer one of equal shards of a file, into a new directory that `join_shards` reads."""
    directory.mkdir(parents=True)
    table = open_table(source, bundle.contract, shard, shards)
    counts = _score(bundle, table, None, directory / _ANSWERS, directory / _REFUSED, progress)
    (directory / _COUNTS).write_bytes(COUNTS.dump_json(counts))
    return counts


def join_shards(directories: Sequence[Path], output: Path, refused: Path, suffix: str = ".csv") -> Counts:
    """Join what `score_shard` wrote, in order, into the two files that `score_file` would have written.

    Raises `UnreadableTable` if there is no row in any of them.
    """
    total = Counts()
    schema = parquet.read_schema(directories[0] / _ANSWERS)
    for path in (output, refused):
        check_suffix(path.with_suffix(suffix))
    with _writers(output, refused, schema, suffix, suffix) as (answers, refusals_of):
        for directory in directories:
            moved = {"row": total.rows}
            for batch in parquet.ParquetFile(directory / _ANSWERS).iter_batches():
                answers.write(_moved(batch, moved))
            moved["line"] = total.lines
            for batch in parquet.ParquetFile(directory / _REFUSED).iter_batches():
                refusals_of.write(_moved(batch, moved))
            total.join(COUNTS.validate_json((directory / _COUNTS).read_bytes()))
        if not total.rows:
            raise UnreadableTable("the file has a header but no rows")
    return total


def _score(
    bundle: Bundle, table: Table, whole: Path | None, output: Path, refused: Path, progress: Progress | None
) -> Counts:
    scorer, counts = BatchScorer(bundle), Counts()
    answers = Answers(bundle.contract, table.id_type)
    with _writers(output, refused, answers.schema, output.suffix, refused.suffix) as (answered, refusals_of):
        for part in table.parts():
            scored = scorer(part)
            answered.write(answers.batch(part, scored))
            if scored.refused:
                refusals_of.write(refusals(scored.refused, part))
            counts.add(part, scored, bundle.contract.target.labels)
            if progress:
                progress(part.done / table.size, counts)
        if whole and not counts.rows:
            raise UnreadableTable(f"{whole}: has a header but no rows")
    counts.lines = table.lines
    return counts


@contextlib.contextmanager
def _writers(
    output: Path, refused: Path, schema: pa.Schema, output_suffix: str, refused_suffix: str
) -> Iterator[tuple[Writer, Writer]]:
    """Writers of both files, of which neither appears if there is an error; the answers appear last."""
    with (
        replacement(output) as answers,
        replacement(refused) as others,
        Writer(answers, schema, output_suffix) as first,
        Writer(others, REFUSED, refused_suffix) as second,
    ):
        yield first, second


def _moved(batch: pa.RecordBatch, by: dict[str, int]) -> pa.RecordBatch:
    """A batch of a shard, with its rows and lines counted from the beginning of the file."""
    for name, offset in by.items():
        at = batch.schema.get_field_index(name)
        batch = batch.set_column(at, batch.schema.field(at), pc.add(batch.column(at), offset))
    return batch
