"""The trees inside fitted models, all kinds in one form: what both the ONNX operator and its tables are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from components.packaging import booster_trees, sklearn_trees
from contract.trees import Trees, exact_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from components.packaging.tree import Sum

    Flags = npt.NDArray[np.bool_]
    Integers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Ensemble:
    """Trees as data, and where each split leads as ONNX has it: a leaf's number, or a split's through all trees.

    `target` is the class whose score each leaf adds to, of as many as `as_data.base` has entries.
    """

    as_data: Trees
    target: Integers
    true: Integers
    true_is_leaf: Flags
    false: Integers
    false_is_leaf: Flags

    @classmethod
    def of(cls, found: Sum) -> Self:
        """Number splits and leaves apart, each through all trees, and round the leaves so that their sum is exact."""
        parts = []
        splits = leaves = 0
        for target, tree in ((target, tree.rooted()) for target, tree in found.trees):
            split = ~tree.is_leaf
            left, right = tree.left[split], tree.right[split]
            below = tree.leaves() + leaves
            number = np.where(split, np.cumsum(split) - 1 + splits, below[:, 0])
            order = np.argsort(below[tree.is_leaf, 0])
            parts.append(
                (
                    tree.column[split],
                    tree.threshold[split],
                    np.column_stack([below[left], below[right, 1]]),
                    tree.value[tree.is_leaf][order],
                    [len(order)],
                    tree.missing_left[split],
                    tree.set_size[split],
                    tree.category,
                    np.full(len(order), target),
                    number[left],
                    tree.is_leaf[left],
                    number[right],
                    tree.is_leaf[right],
                )
            )
            splits += len(left)
            leaves += len(order)
        column, threshold, ranges, value, size, missing, set_size, category, *rest = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        unit = exact_unit(value, size)
        data = Trees(
            column=column.astype(np.int64),
            threshold=threshold,
            leaves=ranges,
            value=np.rint(value / unit) * unit,
            size=size,
            base=found.base,
            missing_left=missing.astype(np.int64),
            set_size=set_size.astype(np.int64),
            category=category.astype(np.int64),
        )
        return cls(data, *rest)


def ensemble_of(model: Any, categories: Mapping[int, int]) -> Ensemble | None:
    """The trees whose sum is the score of a model, if it is one of trees.

    Between two classes that is the score of the second. `categories` has the number of categories of each column that
    holds their positions.
    """
    found = sklearn_trees.trees_of(model, categories) or booster_trees.trees_of(model)
    return Ensemble.of(found) if found else None
