"""The trees inside scikit-learn's models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from components.packaging.tree import Sum, Tree
from contract.decision import PAIR

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]


def trees_of(model: Any, categories: Mapping[int, int]) -> Sum | None:
    """The trees of a model of scikit-learn's, `None` of one without.

    `categories` has the number of categories of each column that holds their positions.
    """
    classes = len(model.classes_)
    targets = [(0, 1)] if classes == PAIR else [(item, item) for item in range(classes)]
    match model:
        case DecisionTreeClassifier() | RandomForestClassifier() | ExtraTreesClassifier():
            members = [model] if isinstance(model, DecisionTreeClassifier) else model.estimators_
            share = 1 / len(members)
            trees = [
                (target, _of_arrays(item.tree_, item.tree_.value[:, 0, column] * share))
                for item in members
                for target, column in targets
            ]
            return Sum(trees, np.zeros(len(targets)))
        case GradientBoostingClassifier():
            nothing = np.zeros((1, model.n_features_in_), dtype=np.float32)
            trees = [
                (target, _of_arrays(item.tree_, item.tree_.value[:, 0, 0] * model.learning_rate))
                for stage in model.estimators_
                for target, item in enumerate(stage)
            ]
            return Sum(trees, model._raw_predict_init(nothing)[0])  # noqa: SLF001
        case HistGradientBoostingClassifier():
            columns, meanings = _columns_of_histograms(model, categories)
            trees = [
                (target, _of_histograms(item, columns, meanings))
                for stage in model._predictors  # noqa: SLF001
                for target, item in enumerate(stage)
            ]
            return Sum(trees, model._baseline_prediction.ravel())  # noqa: SLF001
        case _:
            return None


def _of_arrays(tree: Any, value: Floats) -> Tree:
    none = np.zeros_like(tree.feature)
    return Tree(
        tree.children_left,
        tree.children_right,
        tree.feature,
        tree.threshold,
        tree.children_left < 0,
        value,
        none > 0,
        none,
        none[:0],
    )


def _of_histograms(predictor: Any, columns: Integers, categories: Mapping[int, _Categories]) -> Tree:
    """From a histogram predictor; `columns` are the places of those it knows."""
    nodes = predictor.nodes
    column = columns[nodes["feature_idx"]]
    missing_left = nodes["missing_go_to_left"].astype(np.bool_)
    threshold = nodes["num_threshold"].copy()
    set_size = np.zeros_like(column)
    category: list[int] = []
    for node in np.flatnonzero(nodes["is_categorical"].astype(np.bool_) & ~nodes["is_leaf"].astype(np.bool_)):
        words = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
        bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
        found = categories[int(column[node])].named(np.flatnonzero(bits), unseen=bool(missing_left[node]))
        threshold[node] = 0.0 if found else -np.inf  # no category at all goes left
        set_size[node] = len(found)
        category += found
    return Tree(
        nodes["left"].astype(np.intp),
        nodes["right"].astype(np.intp),
        column,
        threshold,
        nodes["is_leaf"].astype(np.bool_),
        nodes["value"],
        missing_left,
        set_size,
        np.array(category, dtype=np.intp),
    )


@dataclass(frozen=True)
class _Categories:
    """What scikit-learn's sets are made of: the categories `seen` in training, of so many; others are missing to it."""

    seen: Integers
    count: int

    def named(self, places: Integers, *, unseen: bool) -> list[int]:
        """The categories at these places, with all that training never saw if these go along."""
        found = self.seen[places]
        others = np.setdiff1d(np.arange(self.count), self.seen) if unseen else found[:0]
        return sorted([*found.tolist(), *others.tolist()])


def _columns_of_histograms(
    model: HistGradientBoostingClassifier, categories: Mapping[int, int]
) -> tuple[Integers, dict[int, _Categories]]:
    """The columns in the order that the model has them (categories first), and the categories it has seen of each."""
    if model.is_categorical_ is None:
        return np.arange(model.n_features_in_), {}
    chosen = np.flatnonzero(model.is_categorical_)
    seen = model._preprocessor.named_transformers_["encoder"].categories_  # noqa: SLF001
    meanings = {
        int(column): _Categories(values[~np.isnan(values)].astype(np.intp), categories[int(column)])
        for column, values in zip(chosen, seen, strict=True)
    }
    return np.concatenate([chosen, np.flatnonzero(~model.is_categorical_)]), meanings
