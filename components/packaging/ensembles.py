"""The trees inside fitted models, all kinds in one form: what both the ONNX operator and its tables are made from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from components.errors import ParityBroken
from components.learning.boosting import CatBoost, LightGBM
from contract.decision import PAIR
from contract.trees import Trees, exact_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Integers = npt.NDArray[np.intp]

_BITS = 32  # of each word of scikit-learn's sets


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

    @classmethod
    def of(cls, tree: Any, value: Floats) -> Self:
        """From scikit-learn's `tree_`."""
        is_leaf = tree.children_left < 0
        none = np.zeros_like(tree.feature)
        return cls(
            tree.children_left,
            tree.children_right,
            tree.feature,
            tree.threshold,
            is_leaf,
            value,
            none > 0,
            none,
            none[:0],
        )

    @classmethod
    def of_histograms(cls, predictor: Any, columns: Integers, categories: Mapping[int, _Categories]) -> Self:
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
        return cls(
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

    @classmethod
    def of_lightgbm(cls, root: dict[str, Any]) -> Self:
        """From a tree as LightGBM dumps it; what no row missed in training and is missing later counts as 0."""
        nodes: list[tuple[int, int, int, float, bool, float, bool, int]] = []
        category: list[int] = []
        pending = [(root, -1, 0)]
        left: dict[int, int] = {}
        right: dict[int, int] = {}
        while pending:
            item, parent, side = pending.pop()
            (right if side else left)[parent] = place = len(nodes)
            if "leaf_value" in item:
                nodes.append((-1, -1, 0, 0.0, True, item["leaf_value"], False, 0))
                continue
            pending += [(item["right_child"], place, 1), (item["left_child"], place, 0)]
            if item["decision_type"] == "==":
                members = [int(value) for value in item["threshold"].split("||")]
                nodes.append((0, 0, item["split_feature"], 0.0, False, 0.0, False, len(members)))
                category += members
            else:
                threshold = float(item["threshold"])
                missing_left = item["default_left"] if item["missing_type"] == "NaN" else threshold >= 0
                nodes.append((0, 0, item["split_feature"], threshold, False, 0.0, missing_left, 0))
        columns = [np.array(values) for values in zip(*nodes, strict=True)]
        for children, of_side in zip(columns[:2], (left, right), strict=True):
            for parent, place in of_side.items():
                if parent >= 0:
                    children[parent] = place
        return cls(*columns, np.array(category, dtype=np.intp))  # type: ignore[call-arg]

    @classmethod
    def of_catboost(cls, splits: Sequence[tuple[int, float]], value: Floats) -> Self:
        """From an oblivious tree: the same comparison through a whole level, the last of them at the root."""
        depth = len(splits)
        inner = 2**depth - 1
        node = np.arange(2 * inner + 1)
        level = np.log2(node[:inner] + 1).astype(np.intp)
        column, threshold = np.zeros_like(node), np.zeros(len(node))
        if depth:
            chosen = [splits[depth - 1 - item] for item in level.tolist()]
            column[:inner], threshold[:inner] = [item[0] for item in chosen], [item[1] for item in chosen]
        none = np.zeros_like(node)
        values = np.concatenate([np.zeros(inner), value])
        return cls(2 * node + 1, 2 * node + 2, column, threshold, node >= inner, values, none > 0, none, none[:0])

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
class _Categories:
    """What scikit-learn's sets are made of: the categories `seen` in training, of so many; others are missing to it."""

    seen: Integers
    count: int

    def named(self, places: Integers, *, unseen: bool) -> list[int]:
        """The categories at these places, with all that training never saw if these go along."""
        found = self.seen[places]
        others = np.setdiff1d(np.arange(self.count), self.seen) if unseen else found[:0]
        return sorted([*found.tolist(), *others.tolist()])


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
    def of(cls, trees: Iterable[tuple[int, Tree]], base: Floats) -> Self:
        """Number splits and leaves apart, each through all trees, and round the leaves so that their sum is exact.

        Trees come with the class whose score they add to.
        """
        parts = []
        splits = leaves = 0
        for target, tree in ((target, tree.rooted()) for target, tree in trees):
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
            base=base,
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
    classes = len(model.classes_)
    targets = [(0, 1)] if classes == PAIR else [(item, item) for item in range(classes)]
    base = np.zeros(len(targets))
    trees: list[tuple[int, Tree]]
    match model:
        case DecisionTreeClassifier() | RandomForestClassifier() | ExtraTreesClassifier():
            members = [model] if isinstance(model, DecisionTreeClassifier) else model.estimators_
            share = 1 / len(members)
            trees = [
                (target, Tree.of(item.tree_, item.tree_.value[:, 0, column] * share))
                for item in members
                for target, column in targets
            ]
        case GradientBoostingClassifier():
            nothing = np.zeros((1, model.n_features_in_), dtype=np.float32)
            base = model._raw_predict_init(nothing)[0]  # noqa: SLF001
            trees = [
                (target, Tree.of(item.tree_, item.tree_.value[:, 0, 0] * model.learning_rate))
                for stage in model.estimators_
                for target, item in enumerate(stage)
            ]
        case HistGradientBoostingClassifier():
            base = model._baseline_prediction.ravel()  # noqa: SLF001
            columns, meanings = _columns_of_histograms(model, categories)
            trees = [
                (target, Tree.of_histograms(item, columns, meanings))
                for stage in model._predictors  # noqa: SLF001
                for target, item in enumerate(stage)
            ]
        case LightGBM():
            dumped = model.booster.dump_model()["tree_info"]
            trees = [
                (place % len(targets), Tree.of_lightgbm(item["tree_structure"])) for place, item in enumerate(dumped)
            ]
        case CatBoost():
            trees, base = _trees_of_catboost(json.loads(model.model_), len(targets))
        case _:
            return None
    return Ensemble.of(trees, base)


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


def _trees_of_catboost(model: dict[str, Any], targets: int) -> tuple[list[tuple[int, Tree]], Floats]:
    places = {item["feature_index"]: item["flat_feature_index"] for item in model["features_info"]["float_features"]}
    scale, bias = model["scale_and_bias"]
    trees = []
    for item in model["oblivious_trees"]:
        if any(split["split_type"] != "FloatFeature" for split in item["splits"] or ()):
            raise ParityBroken("CatBoost's own statistics of categories have no served form; give it numbers alone")
        splits = [(places[split["float_feature_index"]], split["border"]) for split in item["splits"] or ()]
        values = np.array(item["leaf_values"], dtype=np.float64).reshape(-1, targets) * scale
        trees += [(target, Tree.of_catboost(splits, column)) for target, column in enumerate(values.T)]
    return trees, np.array(bias, dtype=np.float64)
