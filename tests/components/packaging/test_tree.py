"""One tree: where its leaves are, and what becomes of one that never splits."""

from __future__ import annotations

import numpy as np

from components.packaging.tree import Tree

NOTHING = np.zeros(0, dtype=np.intp)


def leaf(value: float) -> Tree:
    none = np.zeros(1, dtype=np.intp)
    return Tree(none - 1, none - 1, none, np.zeros(1), none == 0, np.array([value]), none > 0, none, NOTHING)


def chain() -> Tree:
    """Three leaves, the first of them right below the root."""
    none = np.zeros(5, dtype=np.intp)
    return Tree(
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        column=none,
        threshold=np.array([1.0, 0.0, 2.0, 0.0, 0.0]),
        is_leaf=np.array([False, True, False, True, True]),
        value=np.array([0.0, 10.0, 0.0, 20.0, 30.0]),
        missing_left=none > 0,
        set_size=none,
        category=NOTHING,
    )


def test_leaves_are_counted_from_the_left() -> None:
    assert chain().leaves().tolist() == [[0, 3], [0, 1], [1, 3], [1, 2], [2, 3]]
    assert leaf(1.0).leaves().tolist() == [[0, 1]]


def test_a_leaf_alone_becomes_a_split_into_two_such_leaves() -> None:
    tree = leaf(0.25).rooted()
    assert tree.is_leaf.tolist() == [False, True, True]
    assert tree.value[tree.is_leaf].tolist() == [0.25, 0.25]
    assert tree.leaves().tolist() == [[0, 2], [0, 1], [1, 2]]


def test_a_tree_that_splits_stays_as_it_is() -> None:
    tree = chain()
    assert tree.rooted() is tree
