"""One decision tree, whichever library grew it, and trees whose sum is a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Integers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Tree:
    """One entry a node: both children, the column and what it is compared with, a leaf's value.

    A value up to the threshold goes left, a missing one where `missing_left` says. A node with a `set_size` asks for
    one of so many categories instead; those of all nodes stand in `category`, one node's after the other's.
    """

    left: Integers
    right: Integers
    column: Integers
    threshold: Floats
    is_leaf: Flags
    value: Floats
    missing_left: Flags
    set_size: Integers
    category: Integers

    def rooted(self) -> Tree:
        """The same, but never a leaf alone, which ONNX can't express: it becomes a split into two such leaves."""
        if not self.is_leaf[0]:
            return self
        nodes = np.arange(3)
        none = nodes * 0
        return Tree(
            nodes[[1, 0, 0]],
            nodes[[2, 0, 0]],
            none,
            np.zeros(3),
            nodes > 0,
            self.value[[0, 0, 0]],
            none > 0,
            none,
            none[:0],
        )

    def leaves(self) -> Integers:
        """For each node the first leaf below it, counted from the left, and the end of these: (nodes, 2)."""
        below = self.is_leaf.astype(np.intp)
        splits = np.flatnonzero(~self.is_leaf).tolist()
        left, right = self.left.tolist(), self.right.tolist()
        for node in reversed(splits):  # children come after their parents
            below[node] = below[left[node]] + below[right[node]]
        first = np.zeros_like(below)
        for node in splits:
            first[left[node]] = first[node]
            first[right[node]] = first[node] + below[left[node]]
        return np.column_stack([first, first + below])


@dataclass(frozen=True)
class Sum:
    """Trees, each with the class whose score it adds to, and `base`, what the scores are without any.

    Between two classes there is one score, that of the second.
    """

    trees: list[tuple[int, Tree]]
    base: Floats
