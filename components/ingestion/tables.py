"""From the files of a table to one typed Parquet file, a part at a time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from components.errors import UnreadableTable
from components.ingestion.fetching import fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from contract.schema import Contract, Files

_PARQUET = ".parquet"


def fetch_all(source: Files, beside: Path, scratch: Path) -> tuple[dict[str, Path], str]:
    """Every file of a table under its name, and the SHA-256 of the one, or of the names and digests of several.

    Raises `UnreadableTable` if one can't be had, or isn't that which the contract's checksum promises.
    """
    paths = {name: fetch(location, beside, scratch) for name, location in source.locations.items()}
    digests = {name: _digest(path) for name, path in paths.items()}
    if source.files:
        lines = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
        return paths, hashlib.sha256(lines.encode()).hexdigest()
    (digest,) = digests.values()
    if source.sha256 and digest != source.sha256:
        raise UnreadableTable(
            f"{source.location}: is not the file that the contract names: its SHA-256 is {digest},"
            f" the contract says {source.sha256}. Restore the file, or, if the change is meant, correct sha256."
        )
    return paths, digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cells_of(contract: Contract, source: Files, paths: Mapping[str, Path]) -> Iterable[pd.DataFrame]:
    """The cells of a table in frames, as often as they are iterated. Raises `UnreadableTable` for what is no table."""
    if source.files:
        return _Prepared(contract, source, paths)
    from components.ingestion.csv_file import CsvFile
    from components.ingestion.parquet_file import ParquetFile

    (name,) = paths
    location = source.locations[name]
    kind = ParquetFile if location.partition("?")[0].lower().endswith(_PARQUET) else CsvFile
    return kind(contract, paths[name], location)


class _Prepared:
    """The one table that a preparation makes of several files. It is in memory as a whole."""

    def __init__(self, contract: Contract, source: Files, paths: Mapping[str, Path]) -> None:
        from components.ingestion import columns
        from components.preparation import PREPARATIONS

        prepare = PREPARATIONS.get(source.preparation or "")
        if prepare is None:
            known = ", ".join(sorted(PREPARATIONS))
            raise UnreadableTable(
                f"{source.shown}: there is no preparation {source.preparation!r}; those that there are: {known}"
            )
        frame = prepare({name: path.read_bytes() for name, path in paths.items()})
        header = [str(name) for name in frame.columns]
        beginning = f"the columns that {source.preparation} makes are {', '.join(header)}"
        columns.check(contract, header, source.shown, "files", beginning)
        if frame.empty:
            raise UnreadableTable(f"{source.shown}: {source.preparation} makes no rows of them")
        found = columns.positions(contract, header)
        cells = frame.iloc[:, list(found.values())].set_axis(list(found), axis="columns")
        self._frame = cells.mask(cells == "")  # whatever markers the contract has

    def __iter__(self) -> Iterator[pd.DataFrame]:
        from components.table import ROWS

        return (self._frame.iloc[start : start + ROWS] for start in range(0, len(self._frame), ROWS))


def write_typed(contract: Contract, cells: Iterable[pd.DataFrame], path: Path) -> None:
    """Keep cells as Parquet, as `components.table.typed` would type them all at once.

    A column with a word among its numbers is text from its first row on. Only where the first word comes late, all is
    read again.
    """
    words: set[str] = set()
    while not _written(contract, cells, path, words):
        pass


def _written(contract: Contract, cells: Iterable[pd.DataFrame], path: Path, words: set[str]) -> bool:
    """Write the columns in `words` as text, and add to them those where a word is found.

    Returns whether the file may be used: all words were known of, or stood in the first part.
    """
    import pandas as pd

    from components.table import ColumnTyping, write_parts

    typings: dict[str, ColumnTyping] = {}
    known: set[str] | None = None

    def parts() -> Iterator[pd.DataFrame]:
        nonlocal known
        for part in cells:
            typed: dict[str, npt.NDArray[Any]] = {}
            for name, column in part.items():
                typing = typings.setdefault(str(name), ColumnTyping(contract, str(name)))
                numbers = None if name in words else typing.numbers(column)
                if numbers is None:
                    words.add(str(name))
                typed[str(name)] = typing.text(column) if numbers is None else numbers
            known = set(words) if known is None else known
            if known == words:
                yield pd.DataFrame(typed)

    write_parts(parts(), path)
    return known == words
