from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from components import table
from components.learning.rows import rows_of
from contract.decision import Split

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.schema import Contract


def test_a_validated_table_gives_all_its_rows(heart: Contract, cleveland: pd.DataFrame) -> None:
    rows = rows_of(heart, cleveland)
    np.testing.assert_array_equal(rows.matrix, table.encode(heart, cleveland).matrix)
    np.testing.assert_array_equal(rows.labels, table.target(heart, cleveland))
    assert (str(rows.matrix.dtype), str(rows.labels.dtype)) == ("float64", "int64")
    assert rows.groups is None


def test_groups_come_along_where_the_contract_has_them(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    grouped = parcels.model_copy(update={"split": Split(method="grouped", held_out=0.25)})
    frame = table.typed(parcels, sent(10))
    rows = rows_of(grouped, frame)
    assert rows.groups is not None
    assert rows.groups.tolist() == ["c0"] * 5 + ["c1"] * 5
    taken = rows.take(np.array([7, 0])).groups
    assert taken is not None
    assert taken.tolist() == ["c1", "c0"]
    assert rows_of(grouped, frame.drop(columns="customer")).groups is None
    assert rows_of(parcels, frame).groups is None


def test_rows_without_a_known_class_are_left_out(heart: Contract, cleveland: pd.DataFrame) -> None:
    head = cleveland.head(4).assign(num=[0.0, np.nan, 9.0, 2.0])
    rows = rows_of(heart, head)
    assert rows.labels.tolist() == [0, 1]
    np.testing.assert_array_equal(rows.matrix, table.encode(heart, cleveland).matrix[[0, 3]])
    assert len(rows_of(heart, head.drop(columns="num")).labels) == 0


def test_a_value_that_the_contract_refuses_is_missing(heart: Contract, cleveland: pd.DataFrame) -> None:
    rows = rows_of(heart, cleveland.head(2).assign(age=[700.0, 50.0]))
    assert np.isnan(rows.matrix[0, 0])
    assert rows.matrix[1, 0] == 50.0


def test_take_keeps_rows_and_labels_together(heart: Contract, cleveland: pd.DataFrame) -> None:
    rows = rows_of(heart, cleveland)
    taken = rows.take(np.array([5, 2]))
    np.testing.assert_array_equal(taken.matrix, rows.matrix[[5, 2]])
    np.testing.assert_array_equal(taken.labels, rows.labels[[5, 2]])
