from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from kfp import dsl

from components import PROJECT, split, table
from components.errors import UnsplittableTable
from components.split import split_rows
from contract.decision import Split

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contract.schema import Contract

METHODS = ("stratified", "grouped", "time")


def by(contract: Contract, method: str, held_out: float = 0.25, seed: int = 0) -> Contract:
    return contract.model_copy(update={"split": Split(method=method, held_out=held_out, seed=seed)})  # type: ignore[arg-type]


@pytest.fixture
def frame(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> pd.DataFrame:
    return table.typed(parcels, sent(200))


@pytest.mark.parametrize("method", METHODS)
def test_each_row_is_on_one_side(parcels: Contract, frame: pd.DataFrame, method: str) -> None:
    training, held_out = split_rows(by(parcels, method), frame)
    assert sorted([*training, *held_out]) == list(range(200))
    assert len(held_out) == pytest.approx(50, abs=5)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_always_gives_the_same_rows(parcels: Contract, frame: pd.DataFrame, method: str) -> None:
    first, again = (split_rows(by(parcels, method, seed=7), frame) for _ in range(2))
    np.testing.assert_array_equal(first[1], again[1])
    other = split_rows(by(parcels, method, seed=8), frame)
    assert np.array_equal(first[1], other[1]) == (method == "time")


def test_stratified_keeps_the_share_of_each_class(heart: Contract, cleveland: pd.DataFrame) -> None:
    training, held_out = split_rows(heart, cleveland)
    labels = table.target(heart, cleveland)
    assert (len(training), len(held_out)) == (242, 61)
    assert labels[held_out].sum() == 28
    assert (np.diff(training) > 0).all()


@pytest.fixture
def grades(heart: Contract) -> Contract:
    """Heart with its five grades of disease for classes."""
    classes = tuple(
        heart.target.classes[0].model_copy(update={"label": f"grade {grade}", "values": (grade,)}) for grade in range(5)
    )
    return heart.model_copy(update={"target": heart.target.model_copy(update={"classes": classes, "positive": None})})


def test_stratified_keeps_the_share_of_each_of_many_classes(grades: Contract, cleveland: pd.DataFrame) -> None:
    _, held_out = split_rows(grades, cleveland)
    labels = table.target(grades, cleveland)
    assert np.bincount(labels).tolist() == [164, 55, 36, 35, 13]
    assert np.bincount(labels[held_out]).tolist() == [33, 11, 7, 7, 3]


def test_of_many_classes_all_must_be_on_both_sides(grades: Contract, cleveland: pd.DataFrame) -> None:
    by_time = by(grades, "time").model_copy(update={"time_column": "num"})
    with pytest.raises(UnsplittableTable, match=r"training rows .* don't have all classes of num; bring more rows"):
        split_rows(by_time, cleveland)
    few = pd.concat([cleveland[cleveland["num"] < 4], cleveland[cleveland["num"] == 4].head(1)], ignore_index=True)
    with pytest.raises(
        UnsplittableTable, match=r"\(164 grade 0, 55 grade 1, 36 grade 2, 35 grade 3, 1 grade 4\) are too few"
    ):
        split_rows(grades, few)


def test_no_group_is_on_both_sides(parcels: Contract, frame: pd.DataFrame) -> None:
    training, held_out = split_rows(by(parcels, "grouped"), frame)
    customers = frame["customer"].to_numpy()
    assert set(customers[training]).isdisjoint(customers[held_out])
    assert len(set(customers[held_out])) == 10


def test_the_latest_rows_are_held_out_in_order_of_time(parcels: Contract, frame: pd.DataFrame) -> None:
    shuffled = frame.sample(frac=1, random_state=0, ignore_index=True)
    training, held_out = split_rows(by(parcels, "time"), shuffled)
    days = shuffled["sent"].to_numpy()
    assert list(days[training]) + list(days[held_out]) == sorted(days)


def test_dates_are_compared_as_times_and_not_as_text(parcels: Contract, frame: pd.DataFrame) -> None:
    # As text, the zone would put the later moment first.
    frame.loc[0, "sent"] = "2030-01-01T01:00:00+14:00"
    frame.loc[1, "sent"] = "2030-01-01T00:30:00+00:00"
    _, held_out = split_rows(by(parcels, "time"), frame)
    assert held_out[-2:].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("method", "classes", "reason"),
    [
        (
            "stratified",
            ["yes"] + ["no"] * 9,
            r"10 rows \(9 in time, 1 late\) are too few to hold out 25% \(stratified\)",
        ),
        ("stratified", ["yes", "no"], "2 rows .* are too few"),
        ("grouped", ["yes", "no"] * 2, r"4 rows \(2 in time, 2 late, 1 groups\) are too few to hold out 25%"),
        ("grouped", ["yes"] * 5 + ["no"] * 5, "don't have both classes of late"),
        ("time", ["yes"] * 5 + ["no"] * 5, r"the 2 held-out rows \(time, 25% held out\) don't have both classes"),
        ("time", ["yes"], "don't have both classes"),
    ],
)
def test_what_cannot_be_split_is_refused_in_words(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], method: str, classes: list[str], reason: str
) -> None:
    frame = table.typed(parcels, sent(len(classes)).assign(late=classes))
    with pytest.raises(UnsplittableTable, match=reason) as caught:
        split_rows(by(parcels, method), frame)
    assert "bring more rows, or change split in the contract" in str(caught.value)


def test_the_component_writes_both_sides(heart: Contract, cleveland: pd.DataFrame, tmp_path: Path) -> None:
    table.write(cleveland, tmp_path / "table")
    contract = dsl.Artifact(uri=str(PROJECT / "datasets" / "heart" / "contract.yaml"))
    whole, training, held_out = (dsl.Artifact(uri=str(tmp_path / name)) for name in ("table", "training", "held_out"))
    split.split.python_func(contract, whole, training, held_out)
    assert training.metadata == {"rows": 242, "classes": {"no disease": 131, "disease": 111}}
    assert held_out.metadata == {"rows": 61, "classes": {"no disease": 33, "disease": 28}}
    both = pd.concat([table.read(training.path), table.read(held_out.path)])
    columns = list(cleveland.columns)
    pd.testing.assert_frame_equal(
        both.sort_values(columns, ignore_index=True), cleveland.sort_values(columns, ignore_index=True)
    )
