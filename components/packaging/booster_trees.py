"""The trees inside the models of LightGBM and CatBoost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from components.errors import ParityBroken
from components.learning.boosting import CatBoost, LightGBM
from components.packaging.tree import Sum, Tree
from contract.decision import PAIR

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def trees_of(model: Any) -> Sum | None:
    """The trees of a model of either library, `None` of any other.

    Raises `ParityBroken` if CatBoost has counted categories by itself.
    """
    classes = len(model.classes_)
    targets = 1 if classes == PAIR else classes
    match model:
        case LightGBM():
            dumped = model.booster.dump_model()["tree_info"]
            trees = [(place % targets, _of_lightgbm(item["tree_structure"])) for place, item in enumerate(dumped)]
            return Sum(trees, np.zeros(targets))
        case CatBoost():
            return _of_catboost(json.loads(model.model_), targets)
        case _:
            return None


def _of_lightgbm(root: dict[str, Any]) -> Tree:
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
    return Tree(*columns, np.array(category, dtype=np.intp))  # type: ignore[call-arg]


def _of_catboost(model: dict[str, Any], targets: int) -> Sum:
    places = {item["feature_index"]: item["flat_feature_index"] for item in model["features_info"]["float_features"]}
    scale, bias = model["scale_and_bias"]
    trees = []
    for item in model["oblivious_trees"]:
        if any(split["split_type"] != "FloatFeature" for split in item["splits"] or ()):
            raise ParityBroken("CatBoost's own statistics of categories have no served form; give it numbers alone")
        splits = [(places[split["float_feature_index"]], split["border"]) for split in item["splits"] or ()]
        values = np.array(item["leaf_values"], dtype=np.float64).reshape(-1, targets) * scale
        trees += [(target, oblivious(splits, column)) for target, column in enumerate(values.T)]
    return Sum(trees, np.array(bias, dtype=np.float64))


def oblivious(splits: Sequence[tuple[int, float]], value: Floats) -> Tree:
    """An oblivious tree: the same comparison through a whole level, the last of them at the root."""
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
    return Tree(2 * node + 1, 2 * node + 2, column, threshold, node >= inner, values, none > 0, none, none[:0])
