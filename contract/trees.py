"""Tree ensembles as data, beside their ONNX operator: what `contract.forest` makes its tables from.

ONNX Runtime doesn't give out the attributes of an operator that it has read. So `model.onnx` has these arrays as
further outputs, and reading them takes no parser of our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]


MOST_CATEGORIES = 2**16
"""One more than the largest category that a set may hold; tables have an entry for each."""


def exact_unit(value: Floats, size: Integers) -> float:
    """Leaves that are multiples of this, or of half of it, are added without rounding, in whatever order.

    `value` has the leaves of all trees, `size` how many each tree has. The unit is a power of two, so that every sum is
    at most 2^52 of it, and float64 has 53 bits. Rounding the leaves of T trees to it changes a sum by less than
    T · 2^-52 of the largest.
    """
    largest = np.maximum.reduceat(np.abs(value), np.cumsum(size) - size).sum()
    return math.ldexp(1.0, max(math.frexp(largest)[1], -900) - 52)


@dataclass(frozen=True)
class Trees:
    """Trees as data; `model.onnx` has them as further outputs, named after these fields.

    Leaves are numbered through all trees from left to right, so those below a split are a range. A score is the sum of
    the leaves that a row reaches, plus `base`.

    column: int64 (splits,), what is compared.
    threshold: float64 (splits,); a value up to it goes left, any other right.
    leaves: int64 (splits, 3): the first leaf on the left, the first on the right, the end of these.
    value: float64 (leaves,).
    size: int64 (trees,), how many leaves each tree has.
    base: float64 (1,).
    missing_left: int64 (splits,), 1 where NaN goes left.
    set_size: int64 (splits,); where it isn't 0, values in a set of so many categories go left instead, others right.
    category: int64 (the sum of all set sizes,), the sets one after the other.
    """

    column: Integers
    threshold: Floats
    leaves: Integers
    value: Floats
    size: Integers
    base: Floats
    missing_left: Integers
    set_size: Integers
    category: Integers

    @classmethod
    def names(cls) -> list[str]:
        """Of the fields."""
        return [item.name for item in fields(cls)]

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]], columns: int) -> Self:
        """From arrays by name. Raises `ValueError` unless they are trees on that many columns."""
        splits, leaves, trees, members = (arrays[name].size for name in ("column", "value", "size", "category"))
        shapes = {"leaves": (splits, 3), "value": (leaves,), "size": (trees,), "base": (1,), "category": (members,)}
        for name, array in arrays.items():
            dtype = np.float64 if name in {"threshold", "value", "base"} else np.int64
            shape = shapes.get(name, (splits,))
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name} must be {np.dtype(dtype)} {shape}, not {array.dtype} {array.shape}")
        found = cls(**arrays)
        first, middle, end = found.leaves.T
        if not (
            splits
            and ((found.column >= 0) & (found.column < columns)).all()
            and np.isfinite(found.value).all()
            and np.isfinite(found.base).all()
            and not np.isnan(found.threshold).any()
            and ((found.size > 0) & (found.size <= leaves)).all()
            and found.size.sum() == leaves
            and ((first >= 0) & (first < middle) & (middle < end) & (end <= leaves)).all()
            and (found.tree_of(first) == found.tree_of(end - 1)).all()
            and ((found.missing_left == 0) | (found.missing_left == 1)).all()
            and ((found.set_size >= 0) & (found.set_size <= members)).all()
            and found.set_size.sum() == members
            and ((found.category >= 0) & (found.category < MOST_CATEGORIES)).all()
        ):
            raise ValueError("the splits of its trees don't lead to their leaves")
        return found

    def tree_of(self, leaf: Integers) -> Integers:
        """The tree that each of these leaves is in."""
        return np.searchsorted(np.cumsum(self.size), leaf, side="right")

    @property
    def is_exact(self) -> bool:
        """Whether no sum of leaves is ever rounded."""
        multiples = self.value / (exact_unit(self.value, self.size) / 2)
        return bool((multiples == np.rint(multiples)).all())
