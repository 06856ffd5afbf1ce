"""A column says the same however it is handed over, and gaps in it change nothing beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.columns import Distinct
from contract.encoding import Encoder
from contract.features import Category, Missing

if TYPE_CHECKING:
    import numpy.typing as npt

    from contract.schema import Contract


def same(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    return np.array_equal(first, second, equal_nan=True)


@settings(deadline=None)
@given(data=st.data())
def test_distinct_values_are_judged_as_every_row_is(parcels: Contract, data: st.DataObject) -> None:
    encoder = Encoder(parcels.features)
    anything = st.one_of(
        st.none(), st.booleans(), st.integers(-2, 40), st.floats(), st.sampled_from(["std", "n/a", "?"])
    )
    pools = {name: data.draw(st.lists(anything, min_size=1, max_size=5)) for name in parcels.feature_names}
    rows = data.draw(st.integers(1, 12))
    columns = {}
    for name, pool in pools.items():
        positions = data.draw(st.lists(st.integers(0, len(pool) - 1), min_size=rows, max_size=rows))
        columns[name] = Distinct(pool, np.array(positions))
    found = encoder.from_columns(columns)
    one_by_one = encoder.from_columns({name: [c.values[at] for at in c.positions] for name, c in columns.items()})
    assert found.violations == one_by_one.violations
    assert same(found.matrix, one_by_one.matrix)
    assert same(found.unusual, one_by_one.unusual)


def test_codes_far_apart_and_missing_ones_are_found(parcels: Contract) -> None:
    """Where no table from codes to positions is worth its size, and where a column has gaps."""
    zone = next(feature for feature in parcels.features if feature.name == "zone")
    codes = (-7, 900_000, 3, 12_345_678)
    for allowed in (True, False):
        feature = zone.model_copy(
            update={
                "categories": tuple(Category(value=code, label=str(code)) for code in codes),
                "missing": Missing(markers=(5,), allowed=allowed),
            }
        )
        found = Encoder([feature]).from_columns({"zone": np.array([3.0, 5, -7, np.nan, 12_345_678, 900_000, 4])})
        gaps = [] if allowed else [(1, "missing-value"), (3, "missing-value")]
        assert [(v.row, v.rule) for v in found.violations] == sorted([*gaps, (6, "unknown-category")])
        assert same(found.matrix[:, 0], np.array([2, np.nan, 0, np.nan, 3, 1, np.nan]))


@pytest.mark.parametrize("name", ["stops", "fragile", "weight"])
def test_a_column_with_gaps_is_judged_beside_them(parcels: Contract, name: str) -> None:
    feature = next(feature for feature in parcels.features if feature.name == name)
    present = [1.0, 1.0, 31.0]
    with_gaps = [1.0, np.nan, 1.0, np.nan, 31.0]
    encoder = Encoder([feature])
    alone, among = encoder.from_columns({name: np.array(present)}), encoder.from_columns({name: np.array(with_gaps)})
    broken = {v.rule for v in alone.violations}
    assert {v.rule for v in among.violations if v.row == 4} == broken != set()
    assert [v.row for v in among.violations if v.rule == "missing-value"] == ([] if feature.missing.allowed else [1, 3])
    assert same(among.matrix[[0, 2, 4]], alone.matrix)
    assert same(among.unusual[[0, 2, 4]], alone.unusual)
    assert not among.unusual[[1, 3]].any()
