"""Split: rows are held out once, before anything is fitted; the held-out rows are used once, by *evaluate*."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from kfp import dsl

from components.errors import UnsplittableTable
from components.image import component
from contract.schema import Contract

Rows = npt.NDArray[np.intp]


def split_rows(contract: Contract, frame: pd.DataFrame) -> tuple[Rows, Rows]:
    """Positions of the training and of the held-out rows, as the contract's `split` says.

    Each ascending, or, where the table is split by time, in order of time: the latest rows are held out.

    Raises `UnsplittableTable` if there are too few rows or groups to have all classes on both sides.
    """
    from components.table import target

    labels = target(contract, frame)
    method, share = contract.split.method, contract.split.held_out
    try:
        training, held_out = _positions(contract, frame, labels)
    except ValueError:
        raise UnsplittableTable(
            f"{_described(contract, frame, labels)} are too few to hold out {share:.0%} ({method});"
            " bring more rows, or change split in the contract"
        ) from None
    for name, rows in (("training", training), ("held-out", held_out)):
        if len(np.unique(labels[rows])) < len(contract.target.labels):
            classes = "both classes" if contract.target.is_binary else "all classes"
            raise UnsplittableTable(
                f"of {_described(contract, frame, labels)}, the {len(rows)} {name} rows ({method}, {share:.0%} held"
                f" out) don't have {classes} of {contract.target.column}; bring more rows, or change split in the"
                " contract"
            )
    return training, held_out


def _positions(contract: Contract, frame: pd.DataFrame, labels: npt.NDArray[np.int64]) -> tuple[Rows, Rows]:
    from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

    from components.table import sortable

    rule = contract.split
    if rule.method == "time":
        order = np.argsort(sortable(frame[contract.time_column]).to_numpy(), kind="stable")
        cut = len(order) - round(len(order) * rule.held_out)
        return order[:cut], order[cut:]
    if rule.method == "grouped":
        splitter = GroupShuffleSplit(n_splits=1, test_size=rule.held_out, random_state=rule.seed)
        training, held_out = next(splitter.split(labels, labels, frame[contract.group_column].to_numpy()))
    else:
        splitter = StratifiedShuffleSplit(n_splits=1, test_size=rule.held_out, random_state=rule.seed)
        training, held_out = next(splitter.split(labels, labels))
    return np.sort(training), np.sort(held_out)


def _described(contract: Contract, frame: pd.DataFrame, labels: npt.NDArray[np.int64]) -> str:
    counts = [f"{int((labels == value).sum())} {label}" for value, label in enumerate(contract.target.labels)]
    if contract.split.method == "grouped":
        counts.append(f"{frame[contract.group_column].nunique()} groups")
    return f"{len(frame)} rows ({', '.join(counts)})"


@component
def split(
    contract: dsl.Input[dsl.Artifact],
    table: dsl.Input[dsl.Dataset],
    training: dsl.Output[dsl.Dataset],
    held_out: dsl.Output[dsl.Dataset],
):
    """Holds rows out, once, before anything is fitted.

    Args:
        contract: The contract, which says how to split.
        table: The validated table.
        training: The rows that candidates are fitted, tuned and compared on.
        held_out: The rows that only the evaluation sees.
    """
    from components.split import run

    run(contract, table, training, held_out)


def run(contract: dsl.Artifact, table: dsl.Artifact, training: dsl.Artifact, held_out: dsl.Artifact) -> None:
    """What the component does. The table is in memory once; each side is written a part at a time."""
    from components import table as tables
    from contract.document import load_contract

    rules = load_contract(contract.path)
    frame = tables.read(table.path)
    labels = tables.target(rules, frame)
    for artifact, rows in zip((training, held_out), split_rows(rules, frame), strict=True):
        starts = range(0, len(rows), tables.ROWS)
        tables.write_parts((frame.iloc[rows[start : start + tables.ROWS]] for start in starts), artifact.path)
        counts = np.bincount(labels[rows], minlength=len(rules.target.labels))
        by_class = dict(zip(rules.target.labels, counts.tolist(), strict=True))
        artifact.metadata.update(rows=len(rows), classes=by_class)
