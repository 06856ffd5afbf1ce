"""Rows that stood before, found in a table that comes in parts, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

_COMPARED = 200_000
"""Rows that are compared at once."""


class RepeatedRows:
    """First each part is told; then those rows are compared whose hashes occur more than once.

    A row takes 8 bytes until then. Rows are equal as `pandas.DataFrame.duplicated` has it: missing cells are equal.
    """

    def __init__(self) -> None:
        self._hashes: list[npt.NDArray[np.uint64]] = []

    def add(self, part: pd.DataFrame) -> None:
        """Tell the next part, its compared columns alone."""
        self._hashes.append(_hashes(part))

    def found(self, parts: Callable[[], Iterable[pd.DataFrame]]) -> npt.NDArray[np.intp]:
        """Positions of all rows that are equal to an earlier one, ascending; `parts` gives the same parts again."""
        hashes = np.concatenate(self._hashes)
        candidates = np.flatnonzero(pd.Series(hashes).duplicated(keep=False))
        turns = -(-len(candidates) // _COMPARED)  # equal rows have the same hash, hence the same turn
        turn = hashes[candidates] % np.uint64(max(turns, 1))
        rows = [_repeated(parts(), candidates[turn == number]) for number in range(turns)]
        return np.sort(np.concatenate([np.empty(0, dtype=np.intp), *rows]))


def _repeated(parts: Iterable[pd.DataFrame], rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Those of the given rows that are equal to an earlier one of them."""
    chosen, first = [], 0
    for part in parts:
        low, high = np.searchsorted(rows, [first, first + len(part)])
        chosen.append(part.iloc[rows[low:high] - first])
        first += len(part)
    repeated: npt.NDArray[np.intp] = rows[pd.concat(chosen, ignore_index=True).duplicated().to_numpy()]
    return repeated


def _hashes(part: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """A hash for each row. Equal rows have the same one, also where a zero has a sign."""
    plain = {name: column + 0.0 if column.dtype.kind == "f" else column for name, column in part.items()}
    hashes: npt.NDArray[np.uint64] = pd.util.hash_pandas_object(pd.DataFrame(plain), index=False).to_numpy()  # type: ignore[assignment]
    return hashes
