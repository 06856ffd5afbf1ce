from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from components.errors import UnsplittableTable
from components.learning.folds import folds_of
from components.learning.rows import Rows, rows_of
from components.table import typed
from contract.decision import Split

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from contract.schema import Contract

    Method = Literal["stratified", "grouped", "time"]


def by(contract: Contract, method: Method) -> Contract:
    return contract.model_copy(update={"split": Split(method=method, held_out=0.25)})


def labelled(labels: list[int], method: Method) -> Rows:
    groups = np.arange(len(labels)) // 2 if method == "grouped" else None
    return Rows(np.zeros((len(labels), 4)), np.array(labels), groups)


def test_folds_keep_the_share_of_each_class(heart: Contract, rows: Rows) -> None:
    folds = folds_of(heart, rows, 5, seed=0)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(303))
    for training, test in folds:
        assert set(training).isdisjoint(test)
        assert rows.labels[test].mean() == pytest.approx(139 / 303, abs=0.01)
    assert not np.array_equal(folds[0][1], folds_of(heart, rows, 5, seed=1)[0][1])


def test_folds_keep_groups_together(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    contract = by(parcels, "grouped")
    rows = rows_of(contract, typed(contract, sent(100)))
    assert rows.groups is not None
    for training, test in folds_of(contract, rows, 4, seed=0):
        assert set(rows.groups[training]).isdisjoint(rows.groups[test])


def test_folds_of_time_are_blocks(parcels: Contract) -> None:
    rows = labelled([0, 1] * 10, "time")
    first = folds_of(by(parcels, "time"), rows, 4, seed=0)
    assert [test.tolist() for _, test in first] == [list(range(start, start + 5)) for start in (0, 5, 10, 15)]
    second = folds_of(by(parcels, "time"), rows, 4, seed=1)
    assert [test.tolist() for _, test in second] == [test.tolist() for _, test in first]


@pytest.mark.parametrize(
    ("method", "labels"),
    [
        ("stratified", [0] * 9 + [1]),
        ("stratified", [0] * 9),
        ("grouped", [0, 1]),
        ("grouped", [0, 0, 0, 0, 0, 0, 1, 1]),
        ("time", [0] * 5 + [1] * 5),
    ],
)
def test_folds_without_both_classes_are_refused(parcels: Contract, method: Method, labels: list[int]) -> None:
    with pytest.raises(UnsplittableTable) as caught:
        folds_of(by(parcels, method), labelled(labels, method), 2, seed=0)
    assert str(caught.value) == (
        f"{len(labels)} rows ({labels.count(0)} in time, {labels.count(1)} late) can't be cut into 2 folds ({method})"
        " that each have both classes; bring more rows, or choose an effort with fewer folds"
    )
