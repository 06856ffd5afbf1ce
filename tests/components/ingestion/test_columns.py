from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from components.errors import UnreadableTable
from components.ingestion import columns

if TYPE_CHECKING:
    from contract.schema import Contract

HEADER = ["id", "Weight (kg)", "express", "zone", "floor", "late", "customer", "sent"]


@pytest.fixture
def renamed(parcels: Contract) -> Contract:
    """Parcels whose weight has another name in the files."""
    weight = parcels.features[0].model_copy(update={"column": "Weight (kg)"})
    return parcels.model_copy(update={"features": (weight, *parcels.features[1:])})


def test_a_feature_is_found_under_its_column(renamed: Contract) -> None:
    found = columns.positions(renamed, HEADER)
    assert found == {
        "id": 0, "weight": 1, "express": 2, "zone": 3, "floor": 4, "late": 5, "customer": 6, "sent": 7,
    }  # fmt: skip
    assert list(found.values()) == sorted(found.values())


def test_its_own_name_will_do_if_its_column_is_absent(renamed: Contract) -> None:
    assert columns.positions(renamed, ["weight", "late"]) == {"weight": 0, "late": 1}


def test_its_column_goes_before_an_unknown_column_of_its_name(renamed: Contract) -> None:
    assert columns.positions(renamed, ["weight", "Weight (kg)", "late"]) == {"weight": 1, "late": 2}


def test_two_features_may_swap_their_names(parcels: Contract) -> None:
    first, second = (
        feature.model_copy(update={"column": other.name})
        for feature, other in zip(parcels.features[:2], parcels.features[1::-1], strict=True)
    )
    contract = parcels.model_copy(update={"features": (first, second, *parcels.features[2:])})
    assert columns.positions(contract, ["weight", "express"]) == {"express": 0, "weight": 1}


def test_what_rows_are_split_by_keeps_its_name_beside_a_feature_made_of_it(renamed: Contract) -> None:
    contract = renamed.model_copy(update={"time_column": "Weight (kg)"})
    assert columns.positions(contract, HEADER[:2]) == {"id": 0, "Weight (kg)": 1, "weight": 1}


def test_what_the_file_lacks_is_left_out(renamed: Contract) -> None:
    assert columns.positions(renamed, ["zone"]) == {"zone": 0}


def test_a_header_of_another_table_is_refused_with_the_names_of_this_one(renamed: Contract) -> None:
    with pytest.raises(UnreadableTable, match=r"a\.csv: has none of the contract's columns, so it is no CSV") as caught:
        columns.check(renamed, ["a", "b"], "a.csv", "CSV", "it begins with a")
    assert "it begins with a, and should name Weight (kg), express, zone, floor, late, customer, sent" in str(
        caught.value
    )


@pytest.mark.parametrize("header", [["Weight (kg)"], ["weight"], ["late"], ["customer", "x"]])
def test_one_known_column_is_enough(renamed: Contract, header: list[str]) -> None:
    columns.check(renamed, header, "a.csv", "CSV", "")
    assert columns.is_of(renamed, header)


def test_a_name_that_stands_twice_is_refused(renamed: Contract) -> None:
    with pytest.raises(UnreadableTable, match="its header names 'late', 'x' more than once; keep one"):
        columns.check(renamed, ["x", "late", "x", "late", "zone"], "a.csv", "CSV", "")
