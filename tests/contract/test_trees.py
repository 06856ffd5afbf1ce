"""Trees as data: what is accepted as such, and when their leaves add up exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.trees import Trees, exact_unit

if TYPE_CHECKING:
    import numpy.typing as npt


def two_trees() -> dict[str, npt.NDArray[Any]]:
    """A split on column 0 and below it, on the right, one on column 1; then a tree of a single split."""
    return {
        "column": np.array([0, 1, 1]),
        "threshold": np.array([0.5, -1.0, 2.0]),
        "leaves": np.array([[0, 1, 3], [1, 2, 3], [3, 4, 5]]),
        "value": np.array([0.5, 0.25, -1.0, 2.0, 4.0]),
        "size": np.array([3, 2]),
        "base": np.array([0.75]),
        "missing_left": np.array([0, 1, 0]),
        "set_size": np.array([0, 0, 2]),
        "category": np.array([0, 3]),
    }


def test_arrays_become_trees() -> None:
    trees = Trees.of(two_trees(), columns=2)
    assert Trees.names() == list(two_trees())
    assert trees.tree_of(np.arange(5)).tolist() == [0, 0, 0, 1, 1]
    assert trees.is_exact


def test_a_threshold_may_be_infinite() -> None:
    arrays = two_trees()
    arrays["threshold"][0] = np.inf
    assert Trees.of(arrays, columns=2).threshold[0] == np.inf


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("column", 0, 2),
        ("column", 0, -1),
        ("threshold", 1, np.nan),
        ("leaves", (1, 0), -1),
        ("leaves", (1, 1), 1),
        ("leaves", (1, 2), 2),
        ("leaves", (0, 2), 4),  # a leaf of the second tree
        ("leaves", (2, 2), 6),
        ("value", 0, np.inf),
        ("size", 0, 2),
        ("size", 0, 2**62),
        ("size", 0, 0),
        ("base", 0, np.nan),
        ("missing_left", 0, 2),
        ("missing_left", 0, -1),
        ("set_size", 0, 1),
        ("set_size", 2, -2),
        ("category", 0, -1),
        ("category", 1, 2**40),
    ],
)
def test_what_leads_nowhere_is_refused(name: str, place: Any, value: float) -> None:
    arrays = two_trees()
    arrays[name][place] = value
    with pytest.raises(ValueError, match="splits of its trees don't lead to their leaves"):
        Trees.of(arrays, columns=2)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("column", np.zeros(3)),
        ("column", np.zeros((3, 1), dtype=np.int64)),
        ("threshold", np.zeros(2)),
        ("leaves", np.zeros((3, 2), dtype=np.int64)),
        ("value", np.zeros(5, dtype=np.float32)),
        ("size", np.array(5)),
        ("base", np.zeros(2)),
        ("missing_left", np.zeros(3, dtype=np.bool_)),
        ("set_size", np.zeros(2, dtype=np.int64)),
        ("category", np.zeros(2)),
    ],
)
def test_arrays_of_another_kind_are_refused_by_name(name: str, array: npt.NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be "):
        Trees.of({**two_trees(), name: array}, columns=2)


def test_no_trees_are_refused() -> None:
    arrays = {name: array[:0] if name != "base" else array for name, array in two_trees().items()}
    with pytest.raises(ValueError, match="don't lead to their leaves"):
        Trees.of(arrays, columns=2)


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-1e200, 1e200) | st.floats(-1.0, 1.0), min_size=2, max_size=60),
    order=st.randoms(use_true_random=False),
)
def test_multiples_of_the_unit_add_up_without_rounding_in_any_order(values: list[float], order: Any) -> None:
    leaves, size = np.array(values), np.ones(len(values), dtype=np.int64)
    unit = exact_unit(leaves, size)
    rounded = np.rint(leaves / unit) * unit
    np.testing.assert_allclose(rounded, leaves, rtol=0, atol=unit / 2)
    assert Trees(**{**two_trees(), "value": rounded, "size": size}).is_exact
    total = 0.0
    for item in order.sample(rounded.tolist(), len(values)):
        total += item
    assert total == math.fsum(rounded)


def test_leaves_that_are_no_multiples_are_not_exact() -> None:
    arrays = two_trees()
    arrays["value"][:2] = 0.1, 1 / 3
    assert not Trees.of(arrays, columns=2).is_exact
    arrays["value"][:] = 0.0
    assert Trees.of(arrays, columns=2).is_exact
