"""Counting what stands in a table's columns, in one pass and without holding the table.

A table of any length takes the same memory, but for a hash of each row, which finds rows that stand twice. What is
counted of a column is exact; how its numbers are spread comes from a sample where more than `MOST_COUNTED` differ.
"""

from __future__ import annotations

import csv
import hashlib
import math
import random
import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from contract.encoding import shown
from contract.errors import UnusableTable, UnusableTarget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST_COUNTED = 1_000
"""Different values of one column that are counted one by one."""
MARKERS = frozenset({"", "?", "NA", "N/A", "NaN", "nan", "null", "NULL", "-"})
"""Cells that mean a missing value in any column."""
SENTINELS = (-9999, -999, -99, -9, -8, -1, 99, 999, 9999, 99999)
"""Numbers that people write where a value is missing: -8 and -9 are those of questionnaires."""

_TRACKED = frozenset({0, *SENTINELS})
_BLOCK = 5_000
_SAMPLE = 10_000
_MOST_COMPARED = 100_000
_MOST_WORDS = 20
_MOST_FIRST = 100
_MOST_NAMED = 30
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PADDED = re.compile(r"0\d+")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass
class Column:
    """What stands in one column. Cells are counted as they are written, without the blanks around them.

    `counts` has every cell that isn't missing, or is `None` where more than `MOST_COUNTED` differ. `words` are cells
    that are no number, at most twenty of them. `low` and `high` leave `tracked` numbers (0 and sentinels) out; they are
    `inf` and `-inf` where there is no other.
    """

    name: str
    position: int
    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] | None = field(default_factory=Counter)
    numbers: int = 0
    words: Counter[str] = field(default_factory=Counter)
    whole: bool = True
    padded: bool = False
    low: float = math.inf
    high: float = -math.inf
    tracked: Counter[float] = field(default_factory=Counter)
    sample: tuple[float, ...] = ()
    _seen: set[int] | None = field(default_factory=set)

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing.total()

    @property
    def unique(self) -> bool:
        """Whether no value stands twice; on very long tables, in as many rows as are compared."""
        return self._seen is not None and self.present > 1

    @property
    def distinct(self) -> str:
        """How many different values there are, in words."""
        return f"{len(self.counts):,}" if self.counts is not None else f"more than {MOST_COUNTED:,}"

    def numbers_counted(self) -> Counter[float] | None:
        """Rows by number, where they are counted one by one."""
        if self.counts is None:
            return None
        found: Counter[float] = Counter()
        for text, rows in self.counts.items():
            value = number(text)
            if value is not None:
                found[value] += rows
        return found

    def add(self, cells: Sequence[str]) -> None:
        """Count the cells of further rows."""
        self.rows += len(cells)
        found: Counter[str] = Counter()
        for cell, rows in Counter(cells).items():
            text = cell.strip()
            (self.missing if text in MARKERS else found)[text] += rows
        for text, rows in found.items():
            self._classify(text, rows)
        if self.counts is not None:
            self.counts.update(found)
            if len(self.counts) > MOST_COUNTED:
                self.counts = None
        self._look_for_repeats(found)

    def _classify(self, text: str, rows: int) -> None:
        value = number(text)
        if value is None:
            if text in self.words or len(self.words) < _MOST_WORDS:
                self.words[text] += rows
            return
        self.numbers += rows
        self.whole = self.whole and value.is_integer()
        self.padded = self.padded or _PADDED.fullmatch(text) is not None
        if value in _TRACKED:
            self.tracked[value] += rows
        else:
            self.low, self.high = min(self.low, value), max(self.high, value)

    def _look_for_repeats(self, found: Counter[str]) -> None:
        if self._seen is None or len(self._seen) > _MOST_COMPARED:
            return
        hashes = set(map(hash, found))
        if (self.numbers and not self.whole) or found.total() > len(hashes) or not self._seen.isdisjoint(hashes):
            self._seen = None
        else:
            self._seen |= hashes


@dataclass(frozen=True)
class Row:
    """One row as it is written; `line` is that of the file, where the header is line 1."""

    line: int
    cells: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether no cell is missing."""
        return not any(cell.strip() in MARKERS for cell in self.cells)


@dataclass(frozen=True)
class Table:
    """What one pass over a table finds.

    `firsts` has a row for each value of the target (the first hundred), one without a missing cell if there is one.
    `repeated` counts the rows that are written exactly as one before.
    """

    path: Path
    sha256: str
    rows: int
    columns: tuple[Column, ...]
    target: Column
    firsts: dict[str, Row]
    repeated: int


def number(text: str) -> float | None:
    """The number that a cell is, `None` if it is none; `nan`, `inf` and `1_000` are words."""
    return float(text) if _NUMBER.fullmatch(text) and math.isfinite(float(text)) else None


def tally(path: Path, target: str) -> Table:
    """Count a CSV table in UTF-8 with a header whose column `target` is to be predicted.

    Raises `UnusableTable` if the file can't be read as that, and `UnusableTarget` if it has no such column.
    """
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _Reading(path, target, csv.reader(_lines(path, file), strict=True)).table(sha256)
    except OSError as error:
        raise UnusableTable(f"{path}: can't be read: {error.strerror}; name the CSV file of the table") from None
    except UnicodeDecodeError as error:
        raise UnusableTable(
            f"{path}: is not UTF-8 (byte 0x{error.object[error.start]:02x}), so it is no CSV file in UTF-8; save the"
            " table as that"
        ) from None


def _lines(path: Path, file: Iterator[str]) -> Iterator[str]:
    for line in file:
        if "\0" in line:
            raise UnusableTable(f"{path}: holds NUL bytes, so it is no text file; save the table as CSV in UTF-8")
        yield line


class _Reading:
    """One pass over the rows of a file."""

    def __init__(self, path: Path, target: str, lines: Iterator[list[str]]) -> None:
        self.path = path
        self.lines = lines
        header = self._header(target)
        self.columns = tuple(Column(name, position) for position, name in enumerate(header))
        self.at = header.index(target)
        self.firsts: dict[str, Row] = {}
        self.random = random.Random(0)  # noqa: S311  # draws a sample, guards no secret
        self.sample: list[tuple[str, ...]] = []
        self.hashes = array("q")

    def _header(self, target: str) -> list[str]:
        try:
            header = [name.strip() for name in next(self.lines, [])]
        except csv.Error as error:
            raise UnusableTable(f"{self.path}: is no sound CSV file: {error}") from None
        if not header:
            raise UnusableTable(f"{self.path}: is empty; a table is a CSV file with a header and at least one row")
        first = ",".join(header)
        for mark, name in _SEPARATORS.items():
            parts = first.split(mark)
            if target not in header and (target in parts or len(parts) > len(header) == 1):
                raise UnusableTable(f"{self.path}: its cells are separated by {name}; save it with commas")
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise UnusableTable(f"{self.path}: its header names {', '.join(map(repr, twice))} more than once; keep one")
        if target not in header:
            raise UnusableTarget(_no_such_column(self.path, target, header))
        return header

    def table(self, sha256: str) -> Table:
        while block := list(islice(self._rows(), _BLOCK)):
            for column, cells in zip(self.columns, zip(*block, strict=True), strict=True):
                column.add(cells)
        if not self.hashes:
            raise UnusableTable(f"{self.path}: has a header but no rows")
        for column in self.columns:
            if column.counts is None and column.numbers:
                found = (number(cells[column.position].strip()) for cells in self.sample)
                column.sample = tuple(value for value in found if value is not None)
        return Table(
            path=self.path,
            sha256=sha256,
            rows=len(self.hashes),
            columns=self.columns,
            target=self.columns[self.at],
            firsts=self.firsts,
            repeated=len(self.hashes) - len(np.unique(np.frombuffer(self.hashes, dtype=np.int64))),
        )

    def _rows(self) -> Iterator[tuple[str, ...]]:
        """Yield rows, each as wide as the header; empty lines at the end are no rows."""
        try:
            for cells in self.lines:
                line: int = self.lines.line_num  # type: ignore[attr-defined]
                if not cells:
                    if any(self.lines):
                        raise UnusableTable(f"{self.path}: line {line} is empty; remove it")
                    return
                if len(cells) != len(self.columns):
                    raise UnusableTable(
                        f"{self.path}: line {line} has {len(cells)} cells, the header has {len(self.columns)}; is a"
                        " comma missing or too many, or was the file cut off?"
                    )
                row = tuple(cells)
                self._keep(row, line)
                yield row
        except csv.Error as error:
            raise UnusableTable(f"{self.path}: is no sound CSV file: {error}") from None

    def _keep(self, row: tuple[str, ...], line: int) -> None:
        """Remember the row's hash, and the row itself if it is drawn for the sample or the first of its class."""
        self.hashes.append(hash(row))
        rows = len(self.hashes)
        if rows <= _SAMPLE:
            self.sample.append(row)
        elif (place := self.random.randrange(rows)) < _SAMPLE:
            self.sample[place] = row
        value = row[self.at].strip()
        first = self.firsts.get(value)
        if first is None:
            if len(self.firsts) < _MOST_FIRST and value not in MARKERS:
                self.firsts[value] = Row(line, row)
        elif rows <= _SAMPLE and not first.complete and Row(line, row).complete:
            self.firsts[value] = Row(line, row)


def _no_such_column(path: Path, target: str, header: Sequence[str]) -> str:
    named = [name for name in header if name]
    lower = {name.lower(): name for name in named}
    near = get_close_matches(target.lower(), lower, n=1)
    columns = ", ".join(named[:_MOST_NAMED])
    if len(named) > _MOST_NAMED:
        columns += f" and {len(named) - _MOST_NAMED} more"
    hint = f" Did you mean {lower[near[0]]!r}?" if near else ""
    return f"{path}: has no column {shown(target)}.{hint} Its first line names: {columns}"
