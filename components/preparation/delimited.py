"""Delimited text as a frame of text cells, whose index is the line that each row stands on.

Every complaint names the file by its role, the line and the column, because a table that is made of several files has
no lines of its own by which *validate* could point at a cell.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from components.errors import UnreadableTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LONGEST_SHOWN = 40


def read(
    role: str, content: bytes, columns: Sequence[str], separator: str, aliases: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The wanted columns of a file, stripped; further columns are ignored, and `aliases` are read under their new name.

    Raises `UnreadableTable` for what isn't UTF-8, has another separator, lacks a column, names one twice, has a line of
    another length than its header, or has no rows.
    """
    lines = csv.reader(io.StringIO(_decoded(role, content), newline=""), delimiter=separator, strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        header = [(aliases or {}).get(name, name) for name in header]
        _check_header(role, header, columns, separator)
        numbers, rows = _rows(role, lines, len(header))
    except csv.Error as error:
        raise UnreadableTable(f"{role}: line {lines.line_num} is no sound CSV: {error}") from None
    if not rows:
        raise UnreadableTable(f"{role}: has a header but no rows; fetch the whole file")
    places = {name: header.index(name) for name in columns}
    cells = {name: [row[place].strip() for row in rows] for name, place in places.items()}
    return pd.DataFrame(cells, index=pd.Index(numbers, name="line"), dtype=object)


def _decoded(role: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"0x{content[error.start]:02x}"
        raise UnreadableTable(f"{role}: line {line} is not UTF-8 (byte {byte}); save the file as UTF-8") from None


def _check_header(role: str, header: list[str], columns: Sequence[str], separator: str) -> None:
    absent = [name for name in columns if name not in header]
    if absent:
        first = separator.join(header)
        for mark, name in _SEPARATORS.items():
            if mark != separator and set(columns) <= {part.strip(' "') for part in first.split(mark)}:
                expected = _SEPARATORS[separator]
                raise UnreadableTable(f"{role}: its cells are separated by {name}; save it with {expected}")
        raise UnreadableTable(
            f"{role}: line 1, its header, lacks {', '.join(absent)}; it reads {first[:_LONGEST_SHOWN]!r}. Is it the"
            " right file for this role, in the layout that the dataset's README describes?"
        )
    twice = [name for name in columns if header.count(name) > 1]
    if twice:
        raise UnreadableTable(f"{role}: line 1, its header, names {', '.join(twice)} more than once; keep one")


def _rows(role: str, lines: Any, width: int) -> tuple[list[int], list[list[str]]]:
    numbers: list[int] = []
    rows: list[list[str]] = []
    for cells in lines:
        if len(cells) == width:
            numbers.append(lines.line_num)
            rows.append(cells)
        elif cells:
            raise UnreadableTable(
                f"{role}: line {lines.line_num} has {len(cells)} cells, its header {width}; was the file cut off?"
            )
    return numbers, rows


def numbers(role: str, cells: pd.Series[Any]) -> pd.Series[float]:
    """A column's cells as float64, NaN where they are empty; a decimal comma is a decimal point.

    Raises `UnreadableTable` naming the first cell that is no number.
    """
    found = pd.to_numeric(cells.str.replace(",", "."), errors="coerce").astype(float)
    refuse(role, cells, ~(found.abs() < np.inf) & (cells != ""), "is no number; correct the cell, or empty it")
    return found


def refuse(role: str, cells: pd.Series[Any], wrong: pd.Series[bool], rule: str) -> None:
    """Raise `UnreadableTable` for the first of the `wrong` cells, and say how many more there are."""
    if not wrong.any():
        return
    found = cells[wrong]
    more = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
    raise UnreadableTable(
        f"{role}: line {found.index[0]}, {found.name}: {str(found.iloc[0])[:_LONGEST_SHOWN]!r}{more} {rule}"
    )


def texts(values: pd.Series[float]) -> pd.Series[str]:
    """Numbers as text, whole ones without a decimal point, `""` for NaN."""
    return values.map(lambda value: "" if np.isnan(value) else f"{value:.15g}")
