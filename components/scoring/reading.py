"""A file to score, of either kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UnreadableTable
from components.scoring.csv_file import CsvFile
from components.scoring.parquet_file import MAGIC, ParquetFile

if TYPE_CHECKING:
    from components.scoring.part import Table
    from contract.schema import Contract


def open_table(path: Path | str, contract: Contract, shard: int = 0, shards: int = 1) -> Table:
    """A CSV or Parquet file, told apart by how it begins, or one of equal shards of it.

    Raises `UnreadableTable` if it can't be read or hasn't the model's columns.
    """
    path = Path(path)
    kind = ParquetFile if _is_parquet(path) else CsvFile
    return kind(path, contract, shard, shards)


def shards_of(path: Path | str, shard_bytes: int) -> int:
    """In how many shards of about so many bytes a file is read: at least one, and no more than it has row groups."""
    path = Path(path)
    is_parquet = _is_parquet(path)
    wanted = max(1, -(-path.stat().st_size // shard_bytes))
    if not is_parquet:
        return wanted
    from pyarrow import ArrowException, parquet

    try:
        groups: int = parquet.read_metadata(path).num_row_groups
    except (OSError, ArrowException) as error:
        raise UnreadableTable(f"{path}: is no sound Parquet file: {error}") from None
    return max(1, min(wanted, groups))


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise UnreadableTable(f"{path}: can't be read: {error.strerror}") from None
