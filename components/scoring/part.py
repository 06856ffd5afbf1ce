"""A few thousand rows of a file, as both kinds of file hand them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from contract.columns import Column
    from contract.errors import Violation

ROWS = 8192
"""Rows that are judged and answered together: few enough to stay in the cache from one step to the next."""


@dataclass(frozen=True)
class Part:
    """Rows that stand one after the other in a file.

    Attributes:
        first: the number of its first row; rows count from 0.
        rows: how many rows it has, those included that are no rows of this table.
        numbers: of each row in `columns`, its number; ascending integers of shape (readable rows,).
        columns: every feature's values, by name.
        ids: the id column's, an Arrow array, if the file has it.
        broken: the rows that aren't in `columns`, since they have another number of cells.
        values: gives rows (positions in `columns`) as a client would send them, by feature.
        line: gives the line of the file where a row of this number begins; None if the file has no lines.
        done: how much of the file has been read when this part has, in the unit of `Table.size`.
    """

    first: int
    rows: int
    numbers: npt.NDArray[np.int64]
    columns: Mapping[str, Column]
    ids: pa.Array | None
    broken: tuple[Violation, ...]
    values: Callable[[Sequence[int]], Mapping[str, list[Any]]]
    line: Callable[[int], int | None]
    done: int


class Table(Protocol):
    """A file of rows, or one of the shards that it can be read in; rows and lines count from where that begins."""

    @property
    def size(self) -> int:
        """What there is to read, for progress."""

    @property
    def lines(self) -> int:
        """The lines that have been read so far, 0 for a file without lines."""

    @property
    def id_type(self) -> pa.DataType | None:
        """The type of the id column, None if the file hasn't any."""

    def parts(self) -> Iterator[Part]:
        """Read it, once, from its beginning to its end."""
