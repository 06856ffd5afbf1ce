"""A CSV file, looked through before it is parsed: pandas would fill up, shift or cut a line of another length."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING

from components.errors import UnreadableTable
from components.ingestion import columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from contract.schema import Contract

_BLOCK = 2**20
_LONGEST_SHOWN = 60
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_ENCODING = "utf-8-sig"


class CsvFile:
    """A CSV in UTF-8 with a header. Raises `UnreadableTable` for anything else.

    Iterating gives frames of text cells, one column of type category for each column of the table. Each time it starts
    from the beginning, and no more than one frame is in memory.
    """

    def __init__(self, contract: Contract, path: Path, location: str) -> None:
        self._path = path
        self._location = location
        _check_text(path, location)
        try:
            header = self._header(contract)
        except csv.Error as error:
            raise self._unsound(error) from None
        self._width = len(header)
        self._positions = columns.positions(contract, header)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        import pandas as pd

        from components.table import ROWS

        try:
            with pd.read_csv(
                self._path,
                header=0,
                names=range(self._width),
                dtype="category",
                na_filter=False,
                encoding=_ENCODING,
                low_memory=False,
                chunksize=ROWS,
            ) as parts:
                for part in parts:
                    yield part[list(self._positions.values())].set_axis(list(self._positions), axis="columns")
        except ValueError as error:  # pandas' parser errors are ValueErrors
            raise self._unsound(error) from None

    def _unsound(self, error: Exception) -> UnreadableTable:
        return UnreadableTable(f"{self._location}: is not a sound CSV file: {error}")

    def _header(self, contract: Contract) -> list[str]:
        """The column names, after a look at every line."""
        with self._path.open(encoding=_ENCODING, newline="") as file:
            first = file.readline().splitlines()[0]
            file.seek(0)
            lines = csv.reader(file, strict=True)
            header = [name.strip() for name in next(lines)]
            self._check_separator(contract, header, first)
            columns.check(contract, header, self._location, "CSV", f"its first line reads {first[:_LONGEST_SHOWN]!r}")
            rows = blank = 0
            for cells in lines:
                if not cells:
                    blank = blank or lines.line_num  # the end of a file may be blank
                elif blank or len(cells) != len(header):
                    raise self._wrong_length(blank or lines.line_num, 0 if blank else len(cells), len(header))
                else:
                    rows += 1
        if not rows:
            raise UnreadableTable(f"{self._location}: has a header but no rows")
        return header

    def _check_separator(self, contract: Contract, header: list[str], first: str) -> None:
        if columns.is_of(contract, header):
            return
        for mark, name in _OTHER_SEPARATORS.items():
            if columns.is_of(contract, first.replace('"', "").split(mark)):
                raise UnreadableTable(f"{self._location}: its cells are separated by {name}; save it with commas")

    def _wrong_length(self, line: int, cells: int, expected: int) -> UnreadableTable:
        return UnreadableTable(
            f"{self._location}: line {line} has {cells} cells, the header has {expected}; is a comma missing or too"
            " many, or was the file cut off?"
        )


def _check_text(path: Path, location: str) -> None:
    """Raise `UnreadableTable` for a file that isn't text in UTF-8, or is blank."""
    decoder = codecs.getincrementaldecoder(_ENCODING)()
    lines, blank = 1, True
    wrong: tuple[int, int] | None = None
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if b"\0" in block:
                raise UnreadableTable(
                    f"{location}: holds NUL bytes, so it is no text file; save the table as CSV in UTF-8"
                )
            if not wrong:
                try:
                    blank = not decoder.decode(block).strip() and blank
                except UnicodeDecodeError as error:
                    wrong = _place(error, lines)
                lines += block.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        wrong = wrong or _place(error, lines)
    if wrong:
        raise UnreadableTable(
            f"{location}: line {wrong[0]} is not UTF-8 (byte 0x{wrong[1]:02x}); save the table as CSV in UTF-8"
        )
    if blank:
        raise UnreadableTable(f"{location}: is empty; a table is a CSV file with a header and at least one row")


def _place(error: UnicodeDecodeError, lines: int) -> tuple[int, int]:
    """Line and value of the first byte that is wrong, in a block that starts in line `lines`."""
    return lines + error.object.count(b"\n", 0, error.start), error.object[error.start]
