"""The estimator alone as ONNX, computed in float64.

The graph is built here from standard operators, because converters compute in float32. On the heart table, skl2onnx
1.20 is off by .13 for histogram gradient boosting (thresholds rounded past the values that they divide), by 5e-4 for a
linear support vector machine with C=100 (large terms that cancel), and by 1e-6 for forests (300 rounded summands). In
float64 no candidate is off by more than 1e-11, at the same speed and half the size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper
from scipy.special import logit
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from components.errors import ParityBroken
from components.learning.fitting import calibrated_of
from contract.forest import forest_of
from contract.scorer import Calibration, DecisionRule
from contract.trees import Trees, exact_unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from onnx import NodeProto
    from sklearn.model_selection import FixedThresholdClassifier

    from contract.schema import Contract
    from contract.transform import Transform

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

_IR_VERSION = 10
_OPERATORS = {"": 18, "ai.onnx.ml": 5}
_SUM, _NO_TRANSFORM = 1, 0  # enumerations of the operator TreeEnsemble


def to_onnx(estimator: FixedThresholdClassifier) -> bytes:
    """The model inside a reference estimator: float32 `columns` of shape (rows, columns) to float64 `score` (rows, 1).

    The score is what the calibration takes: the decision function where the model has one, the probability of the
    positive class where not. Where `contract.forest` is faster, the arrays of `contract.trees.Trees` are outputs too.
    Raises `ParityBroken` for a model that has no served form.
    """
    model = calibrated_of(estimator).estimator.named_steps["model"]
    flags = transform_of(estimator).compile().flags
    graph = _Graph()
    ensemble = _ensemble_of(model)
    score = _score(model, graph, graph.add("Cast", "columns", to=TensorProto.DOUBLE))
    graph.name("score", score)
    arrays = vars(ensemble.as_data) if ensemble and forest_of(ensemble.as_data, flags) else {}
    for name, array in arrays.items():
        graph.name(name, array)
    served = helper.make_model(
        helper.make_graph(
            graph.nodes,
            type(model).__name__,
            [helper.make_tensor_value_info("columns", TensorProto.FLOAT, [None, flags.shape[1]])],
            [
                *(
                    helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                    for name, array in arrays.items()
                ),
                helper.make_tensor_value_info("score", TensorProto.DOUBLE, [None, 1]),
            ],
        ),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in _OPERATORS.items()],
        ir_version=_IR_VERSION,
    )
    checker.check_model(served)
    return bytes(served.SerializeToString())


def transform_of(estimator: FixedThresholdClassifier) -> Transform:
    """The fitted preprocessing, as data."""
    transform: Transform = calibrated_of(estimator).estimator.named_steps["prepare"].fitted
    return transform


def decision_rule_of(estimator: FixedThresholdClassifier, contract: Contract) -> DecisionRule:
    """Calibration, threshold and labels, as data."""
    sigmoid = calibrated_of(estimator).calibrators[0]
    return DecisionRule(
        format=1,
        calibration=Calibration(method="sigmoid", slope=float(sigmoid.a_), intercept=float(sigmoid.b_)),
        threshold=float(estimator.threshold),
        labels=contract.target.labels,
    )


@dataclass
class _Graph:
    """Nodes in the order they are computed; each has one output, named after its place."""

    nodes: list[NodeProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str | Floats, **attributes: Any) -> str:
        """Append a node and return the name of its output; an array among the inputs becomes a constant."""
        names = [
            item if isinstance(item, str) else self.add("Constant", value=numpy_helper.from_array(item))
            for item in inputs
        ]
        output = f"{operator}_{len(self.nodes)}"
        domain = "ai.onnx.ml" if operator == "TreeEnsemble" else ""
        self.nodes.append(helper.make_node(operator, names, [output], domain=domain, **attributes))
        return output

    def name(self, output: str, item: str | Floats | Integers) -> None:
        """Make an output of the graph from a node's, or from an array."""
        name = item if isinstance(item, str) else self.add("Constant", value=numpy_helper.from_array(item))
        self.nodes.append(helper.make_node("Identity", [name], [output]))


@dataclass(frozen=True)
class _Tree:
    """One entry a node: both children, the column and what it is compared with (`<=` goes left), a leaf's value."""

    left: Integers
    right: Integers
    column: Integers
    threshold: Floats
    is_leaf: npt.NDArray[np.bool_]
    value: Floats

    @classmethod
    def of(cls, tree: Any, value: Floats) -> _Tree:
        """From scikit-learn's `tree_`."""
        return cls(tree.children_left, tree.children_right, tree.feature, tree.threshold, tree.children_left < 0, value)

    @classmethod
    def of_histograms(cls, nodes: npt.NDArray[Any]) -> _Tree:
        """From the nodes of a histogram predictor."""
        names = ("left", "right", "feature_idx", "num_threshold", "is_leaf", "value")
        left, right, column, threshold, is_leaf, value = (nodes[name] for name in names)
        return cls(left, right, column, threshold, is_leaf.astype(np.bool_), value)

    def rooted(self) -> _Tree:
        """The same, but never a leaf alone, which ONNX can't express: it becomes a split into two such leaves."""
        if not self.is_leaf[0]:
            return self
        nodes = np.arange(3)
        return _Tree(nodes[[1, 0, 0]], nodes[[2, 0, 0]], nodes * 0, np.zeros(3), nodes > 0, self.value[[0, 0, 0]])

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
class _Ensemble:
    """Trees as data, and where each split leads as ONNX has it: a leaf's number, or a split's through all trees."""

    as_data: Trees
    true: Integers
    true_is_leaf: npt.NDArray[np.bool_]
    false: Integers
    false_is_leaf: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, trees: Iterable[_Tree], base: Floats) -> _Ensemble:
        """Number splits and leaves apart, each through all trees, and round the leaves so that their sum is exact."""
        parts = []
        splits = leaves = 0
        for tree in (tree.rooted() for tree in trees):
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
                    number[left],
                    tree.is_leaf[left],
                    number[right],
                    tree.is_leaf[right],
                )
            )
            splits += len(left)
            leaves += len(order)
        column, threshold, ranges, value, size, *leads = (np.concatenate(part) for part in zip(*parts, strict=True))
        unit = exact_unit(value, size)
        data = Trees(column.astype(np.int64), threshold, ranges, np.rint(value / unit) * unit, size, base)
        return cls(data, *leads)


def _ensemble_of(model: Any) -> _Ensemble | None:
    """The trees whose sum is the score of a model, if it is one of trees."""
    base = np.zeros(1)
    match model:
        case DecisionTreeClassifier():
            trees = [_Tree.of(model.tree_, model.tree_.value[:, 0, 1])]
        case RandomForestClassifier() | ExtraTreesClassifier():
            share = 1 / len(model.estimators_)
            trees = [_Tree.of(item.tree_, item.tree_.value[:, 0, 1] * share) for item in model.estimators_]
        case GradientBoostingClassifier():
            rate, base = model.learning_rate, logit(model.init_.class_prior_[1:])
            trees = [_Tree.of(item.tree_, item.tree_.value[:, 0, 0] * rate) for item in model.estimators_[:, 0]]
        case HistGradientBoostingClassifier():
            base = model._baseline_prediction.ravel()  # noqa: SLF001
            trees = [_Tree.of_histograms(predictor.nodes) for (predictor,) in model._predictors]  # noqa: SLF001
        case _:
            return None
    return _Ensemble.of(trees, base)


def _score(model: Any, graph: _Graph, rows: str) -> str:
    """Add the score of `rows` to the graph and return its name, float64 (rows, 1)."""
    ensemble = _ensemble_of(model)
    match model:
        case _ if ensemble:
            score = _trees(graph, rows, ensemble)
        case LogisticRegression() | SVC(kernel="linear"):
            score = _linear(graph, rows, model.coef_, model.intercept_)
        case SVC(kernel="rbf"):
            score = _linear(graph, _similarities(graph, rows, model), model.dual_coef_, model.intercept_)
        case VotingClassifier(voting="soft", weights=None):
            votes = [_probability(item, graph, rows) for item in model.estimators_]
            score = graph.add("Div", graph.add("Sum", *votes), np.array(float(len(votes))))
        case _:
            raise ParityBroken(f"{model} has no served form. Leave this candidate out, or add its form to {__name__}")
    return score


def _probability(model: Any, graph: _Graph, rows: str) -> str:
    """The same for a voter, which gives its probability of the positive class."""
    score = _score(model, graph, rows)
    return graph.add("Sigmoid", score) if isinstance(model, LogisticRegression) else score


def _linear(graph: _Graph, rows: str, weights: Floats, intercept: Floats) -> str:
    return graph.add("Add", graph.add("MatMul", rows, weights.T), intercept)


def _similarities(graph: _Graph, rows: str, model: SVC) -> str:
    """exp(-gamma |row - vector|²) for each support vector: (rows, vectors)."""
    vectors = model.support_vectors_
    squares = graph.add("ReduceSumSquare", rows, np.array([1]), keepdims=1)
    products = graph.add("MatMul", rows, -2 * vectors.T)
    distances = graph.add("Sum", squares, products, (vectors**2).sum(axis=1))
    return graph.add("Exp", graph.add("Mul", distances, np.array(-model._gamma)))  # noqa: SLF001


def _trees(graph: _Graph, rows: str, ensemble: _Ensemble) -> str:
    """The sum of the leaves that a row reaches, and the base."""
    data = ensemble.as_data
    splits = np.bincount(data.tree_of(data.leaves[:, 0]))
    score = graph.add(
        "TreeEnsemble",
        rows,
        nodes_featureids=data.column.tolist(),
        nodes_splits=numpy_helper.from_array(data.threshold),
        nodes_modes=numpy_helper.from_array(np.zeros(len(data.column), dtype=np.uint8)),  # all of them `<=`
        nodes_truenodeids=ensemble.true.tolist(),
        nodes_trueleafs=ensemble.true_is_leaf.astype(np.int64).tolist(),
        nodes_falsenodeids=ensemble.false.tolist(),
        nodes_falseleafs=ensemble.false_is_leaf.astype(np.int64).tolist(),
        tree_roots=(np.cumsum(splits) - splits).tolist(),
        leaf_weights=numpy_helper.from_array(data.value),
        leaf_targetids=[0] * len(data.value),
        n_targets=1,
        aggregate_function=_SUM,
        post_transform=_NO_TRANSFORM,
    )
    return graph.add("Add", score, data.base) if data.base.any() else score
