"""Rows that candidates learn from, taken from a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from components.table import classes, encode

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from contract.schema import Contract


@dataclass(frozen=True)
class Rows:
    """Encoded rows (float64), labels (int64, positions of classes), and groups where the contract has them.

    Rows of a table that is split by time stand in order of time.
    """

    matrix: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[Any] | None = None

    def take(self, rows: npt.NDArray[np.intp]) -> Rows:
        """The given rows alone."""
        return Rows(self.matrix[rows], self.labels[rows], None if self.groups is None else self.groups[rows])

    def sample(self, rows: int, seed: int) -> Rows:
        """So many rows, drawn at random in their order and by class; all of them if there aren't more."""
        if rows >= len(self.labels):
            return self
        rng = np.random.default_rng(seed)
        share = rows / len(self.labels)
        chosen = [
            rng.choice(found, max(1, round(share * len(found))), replace=False)
            for found in (np.flatnonzero(self.labels == label) for label in np.unique(self.labels))
        ]
        return self.take(np.sort(np.concatenate(chosen)))


def rows_of(contract: Contract, frame: pd.DataFrame) -> Rows:
    """The rows of a table whose class is known: of a validated table, all.

    External sites are allowed more: there a value that the contract refuses is missing, and so is an absent column.
    """
    labels = classes(contract, frame)
    known = ~np.isnan(labels)
    frame, labels = frame[known], labels[known]
    grouped = contract.split.method == "grouped" and contract.group_column in frame
    groups = frame[contract.group_column].to_numpy() if grouped else None
    return Rows(encode(contract, frame).matrix, labels.astype(np.int64), groups)
