"""Where rows of a CSV file begin and end: the file in blocks of whole rows.

A line break inside quotation marks belongs to a cell. Quotation marks come in pairs (RFC 4180), so a line break ends a
row where the number of them before it is even; counting them is as fast as reading the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from components.errors import UnreadableTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

LARGEST_ROW = 64 * 2**20
"""Bytes. A longer row is none: the quotation mark that should end its cell is missing."""

_STEP = 2**20
_BOM = b"\xef\xbb\xbf"


class Records(NamedTuple):
    """A CSV file's header, and the offsets between which its rows stand, in bytes."""

    header: str
    begin: int
    end: int


def find_records(path: Path, file: BinaryIO, size: int) -> Records:
    """Look at the beginning of a file. Raises `UnreadableTable` if it is empty or no text."""
    first = next(blocks(path, file, 0, size, _STEP), b"")
    head, _, _ = first.partition(b"\n")
    length = len(head)
    while first[: length + 1].count(b'"') % 2:  # a name in the header may hold line breaks too
        length = first.index(b"\n", length + 1)
    header = first[:length].removeprefix(_BOM)
    if not first.removeprefix(_BOM).strip():
        raise UnreadableTable(f"{path}: is empty; a table is a CSV file with a header and at least one row")
    try:
        return Records(header.decode("utf-8"), min(length + 1, size), size)
    except UnicodeDecodeError:
        raise not_utf8(path, first, 1) from None


def blocks(path: Path, file: BinaryIO, begin: int, end: int, size: int) -> Iterator[bytes]:
    """The rows between two offsets, both of which begin rows, in blocks of whole rows of about `size` bytes.

    Raises `UnreadableTable` where a quotation mark is missing, and for what isn't text.
    """
    file.seek(begin)
    rest, position = b"", begin
    while position < end:
        read = _read(path, file, min(size, end - position))
        if b"\0" in read:
            raise UnreadableTable(f"{path}: holds NUL bytes, so it is no text file; save the table as CSV in UTF-8")
        position += len(read)
        data = rest + read
        cut = len(data) if position == end else _last_end(data)
        if (position == end and data.count(b'"') % 2) or (not cut and len(data) >= LARGEST_ROW):
            raise UnreadableTable(
                f"{path}: a quotation mark is missing somewhere after byte {position - len(data)}: a cell that begins"
                " with one ends with one, and a mark within a cell is written twice"
            )
        rest = data[cut:]
        if cut:
            yield data[:cut]


def shard_bounds(path: Path, file: BinaryIO, records: Records, index: int, count: int) -> tuple[int, int]:
    """Where the rows of a shard begin and end: those that begin in its equal part of the bytes."""
    length = records.end - records.begin
    begin, end = (records.begin + length * number // count for number in (index, index + 1))
    start = _next_begin(path, file, records.begin, begin, records.end)
    return start, _next_begin(path, file, start, max(end, start), records.end)


def lines_of_rows(data: bytes) -> list[int]:
    """The line where each row of the data begins, counted from 1; empty lines are no rows."""
    found: list[int] = []
    within_cell = False
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not within_cell and line.rstrip(b"\r"):
            found.append(number)
        within_cell ^= bool(line.count(b'"') % 2)
    return found


def not_utf8(path: Path, data: bytes, line: int) -> UnreadableTable:
    """The error for bytes that begin in this line and aren't UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        at, byte = line + data.count(b"\n", 0, error.start), data[error.start]
        return UnreadableTable(f"{path}: line {at} is not UTF-8 (byte 0x{byte:02x}); save the table as CSV in UTF-8")
    return UnreadableTable(f"{path}: is not sound CSV, near line {line}")


def _last_end(data: bytes) -> int:
    """The end of the last whole row in data that begins with a row; 0 if there is none."""
    quotes = data.count(b'"')
    end = len(data)
    while (at := data.rfind(b"\n", 0, end)) >= 0:
        quotes -= data.count(b'"', at, end)
        if quotes % 2 == 0:
            return at + 1
        end = at
    return 0


def _next_begin(path: Path, file: BinaryIO, known: int, offset: int, end: int) -> int:
    """The first row that begins at or after `offset`, given that one begins at `known`."""
    if offset <= known:
        return known
    file.seek(known)
    position, quotes = known, 0
    while position < offset - 1:
        read = _read(path, file, min(_STEP, offset - 1 - position))
        quotes += read.count(b'"')
        position += len(read)
    while position < end:
        read = _read(path, file, min(_STEP, end - position))
        start = 0
        while (at := read.find(b"\n", start)) >= 0:
            quotes += read.count(b'"', start, at)
            if quotes % 2 == 0:
                return position + at + 1
            start = at + 1
        quotes += read.count(b'"', start)
        position += len(read)
    return end


def _read(path: Path, file: BinaryIO, size: int) -> bytes:
    read = file.read(size)
    if not read:
        raise UnreadableTable(f"{path}: became shorter while it was read; wait until it is complete")
    return read
