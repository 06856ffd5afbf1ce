"""The reference profile counts every training row once, in bins that live traffic falls into as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.profile import BINS, Distribution, Profile, profile_of

if TYPE_CHECKING:
    from contract.schema import Contract

NAN = float("nan")


def weights_of(parcels: Contract, weights: list[float]) -> Distribution:
    encoded = np.array([[weight, 3, 0, 0, 0] for weight in weights], dtype=np.float64)
    return profile_of(parcels.features, encoded, np.full(len(weights), 0.5), ("on time", "late")).features[0]


def test_a_number_falls_into_ten_bins_of_equal_share(parcels: Contract) -> None:
    weights = weights_of(parcels, [float(value) for value in range(1, 21)])
    assert weights.name == "weight"
    assert weights.edges == (2, 4, 6, 8, 10, 12, 14, 16, 18)
    assert weights.counts == (1, 2, 2, 2, 2, 2, 2, 2, 2, 3)
    assert weights.labels[0] == "below 2"
    assert weights.labels[1] == "2 to 4"
    assert weights.labels[-1] == "18 and above"


def test_tied_values_share_an_edge(parcels: Contract) -> None:
    weights = weights_of(parcels, [1.0] * 50 + [2.0] * 45 + [3.0] * 5)
    assert weights.edges == (1, 2)
    assert weights.labels == ("below 1", "1 to 2", "2 and above")
    assert weights.counts == (0, 50, 50)


def test_a_constant_column_has_one_edge(parcels: Contract) -> None:
    weights = weights_of(parcels, [2.5] * 7)
    assert (weights.edges, weights.counts, weights.missing) == ((2.5,), (0, 7), 0)


def test_labels_tell_large_numbers_apart(parcels: Contract) -> None:
    weights = weights_of(parcels, [1234567.0, 1234568.0])
    assert weights.labels == ("below 1234567", "1234567 to 1234568", "1234568 and above")


def test_a_column_without_a_value_has_one_bin(parcels: Contract) -> None:
    encoded = np.array([[1.0, NAN, NAN, NAN, 0]] * 3)
    _, stops, fragile, service, _ = profile_of(parcels.features, encoded, np.full(3, 0.5), ("on time", "late")).features
    assert (stops.edges, stops.labels, stops.counts, stops.missing) == ((), ("any",), (0,), 3)
    assert (fragile.counts, fragile.missing) == ((0, 0), 3)
    assert (service.counts, service.missing) == ((0, 0, 0), 3)
    assert stops.bins(np.array([-1.0, 5.0, NAN])).tolist() == [0, 0, 1]


def test_categories_and_booleans_have_a_bin_each(parcels: Contract) -> None:
    encoded = np.array([[1, 0, 1, 2, 1], [1, 0, 0, 2, 0], [1, 0, 1, NAN, 1]], dtype=np.float64)
    _, _, fragile, service, zone = profile_of(parcels.features, encoded, np.full(3, 0.5), ("on time", "late")).features
    assert (fragile.labels, fragile.edges, fragile.counts) == (("0", "1"), (0.5,), (1, 2))
    assert (service.labels, service.counts, service.missing) == (("std", "exp", "nite"), (0, 0, 2), 1)
    assert (zone.labels, zone.counts) == (("1", "3"), (1, 2))
    assert service.bins(np.array([0.0, 1.0, 2.0, NAN])).tolist() == [0, 1, 2, 3]


def test_probabilities_fall_into_tenths(parcels: Contract) -> None:
    probability = np.array([0.0, 0.05, 0.1, 0.95, 1.0])
    found = profile_of(parcels.features, np.zeros((5, 5)), probability, ("on time", "late")).probabilities[0]
    assert found.name == "late"
    assert len(found.counts) == len(found.labels) == BINS
    assert found.edges == tuple(tenth / 10 for tenth in range(1, 10))
    assert found.counts == (2, 1, 0, 0, 0, 0, 0, 0, 0, 2)
    assert (found.labels[0], found.labels[3], found.labels[-1]) == ("below 0.1", "0.3 to 0.4", "0.9 and above")


def test_live_values_outside_fall_into_the_outer_bins_and_nan_behind_them(parcels: Contract) -> None:
    weights = weights_of(parcels, [1.0] * 50 + [2.0] * 50)
    assert weights.edges == (1, 2)
    values = np.array([-1e300, 0.999, 1.0, 1.5, 2.0, np.inf, NAN])
    assert weights.bins(values).tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert weights.bins(np.array([])).tolist() == []


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.floats(0.1, 30) | st.just(NAN),
            st.integers(0, 9).map(float) | st.just(NAN),
            st.sampled_from([0.0, 1.0, NAN]),
            st.sampled_from([0.0, 1.0, 2.0, NAN]),
            st.sampled_from([0.0, 1.0, NAN]),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_every_row_is_counted_once_and_in_its_own_bin(parcels: Contract, rows: list[Any]) -> None:
    table = np.array(rows)
    before = table.copy()
    profile = profile_of(parcels.features, table[:, :-1], table[:, -1], ("on time", "late"))
    assert profile.rows == len(rows)
    assert [item.name for item in profile.features] == parcels.feature_names
    for item, values in zip((*profile.features, *profile.probabilities), table.T, strict=True):
        assert sum(item.counts) + item.missing == len(rows)
        assert len(item.labels) == len(item.counts) == len(item.edges) + 1
        assert len(set(item.labels)) == len(item.labels)
        assert list(item.edges) == sorted(set(item.edges))
        live = np.bincount(item.bins(values), minlength=len(item.counts) + 1)
        assert live.tolist() == [*item.counts, item.missing]
    assert Profile.model_validate_json(profile.model_dump_json()) == profile
    np.testing.assert_array_equal(table, before)


def test_a_profile_of_no_rows_is_refused(parcels: Contract) -> None:
    with pytest.raises(ValidationError, match="rows"):
        profile_of(parcels.features, np.empty((0, 5)), np.empty(0), ("on time", "late"))
