"""Cross-validation folds: each row is unseen once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedGroupKFold, StratifiedKFold

from components.errors import UnsplittableTable

if TYPE_CHECKING:
    import numpy.typing as npt

    from components.learning.rows import Rows
    from contract.schema import Contract

    Fold = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


def folds_of(contract: Contract, rows: Rows, folds: int, seed: int) -> list[Fold]:
    """Cross-validation folds that respect the contract's split: by class, by group, or by blocks of time.

    Blocks of time aren't shuffled, so a row's neighbours in time are in its own fold; `seed` changes nothing there.

    Raises `UnsplittableTable` unless all classes are on both sides of each fold: a metric of one class says nothing.
    """
    splitter: Any
    match contract.split.method:
        case "time":
            splitter = KFold(n_splits=folds)
        case "grouped":
            splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
        case _:
            splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    names = contract.target.labels
    counts = np.bincount(rows.labels, minlength=len(names))
    if counts.min() >= folds:
        found = list(splitter.split(rows.matrix, rows.labels, rows.groups))
        if all(len(np.unique(rows.labels[side])) == len(counts) for fold in found for side in fold):
            return found
    counted = ", ".join(f"{count} {name}" for count, name in zip(counts, names, strict=True))
    raise UnsplittableTable(
        f"{len(rows.labels)} rows ({counted}) can't be cut into {folds} folds ({contract.split.method}) that each have"
        f" {'both' if contract.target.is_binary else 'all'} classes; bring more rows, or choose an effort with fewer"
        " folds"
    )
