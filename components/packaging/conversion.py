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
from contract.scorer import Calibration, DecisionRule

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
    positive class where not. Raises `ParityBroken` for a model that has no served form.
    """
    model = calibrated_of(estimator).estimator.named_steps["model"]
    columns = len(transform_of(estimator).layout.columns)
    graph = _Graph()
    score = _score(model, graph, graph.add("Cast", "columns", to=TensorProto.DOUBLE))
    graph.nodes.append(helper.make_node("Identity", [score], ["score"]))
    served = helper.make_model(
        helper.make_graph(
            graph.nodes,
            type(model).__name__,
            [helper.make_tensor_value_info("columns", TensorProto.FLOAT, [None, columns])],
            [helper.make_tensor_value_info("score", TensorProto.DOUBLE, [None, 1])],
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
        """The same, but never a leaf alone, which ONNX can't express: both ways of a split lead to it then."""
        if not self.is_leaf[0]:
            return self
        child, zero = np.array([1, 0]), np.zeros(2)
        return _Tree(child, child, np.array([0, 0]), zero, np.array([False, True]), zero + self.value[0])


def _score(model: Any, graph: _Graph, rows: str) -> str:
    """Add the score of `rows` to the graph and return its name, float64 (rows, 1)."""
    match model:
        case LogisticRegression() | SVC(kernel="linear"):
            score = _linear(graph, rows, model.coef_, model.intercept_)
        case SVC(kernel="rbf"):
            score = _linear(graph, _similarities(graph, rows, model), model.dual_coef_, model.intercept_)
        case DecisionTreeClassifier():
            score = _trees(graph, rows, [_Tree.of(model.tree_, model.tree_.value[:, 0, 1])])
        case RandomForestClassifier() | ExtraTreesClassifier():
            share = 1 / len(model.estimators_)
            trees = [item.tree_ for item in model.estimators_]
            score = _trees(graph, rows, [_Tree.of(tree, tree.value[:, 0, 1] * share) for tree in trees])
        case GradientBoostingClassifier():
            rate, trees = model.learning_rate, [item.tree_ for item in model.estimators_[:, 0]]
            gained = _trees(graph, rows, [_Tree.of(tree, tree.value[:, 0, 0] * rate) for tree in trees])
            score = graph.add("Add", gained, logit(model.init_.class_prior_[1:]))
        case HistGradientBoostingClassifier():
            trees = [_Tree.of_histograms(predictor.nodes) for (predictor,) in model._predictors]  # noqa: SLF001
            score = graph.add("Add", _trees(graph, rows, trees), model._baseline_prediction)  # noqa: SLF001
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


def _trees(graph: _Graph, rows: str, trees: Iterable[_Tree]) -> str:
    """The sum of the leaves that a row reaches. ONNX numbers splits and leaves apart, each through all trees."""
    parts: list[dict[str, npt.NDArray[Any]]] = []
    roots, leaves = [0], [0]
    for tree in (tree.rooted() for tree in trees):
        leaf, split = tree.is_leaf, ~tree.is_leaf
        number = np.where(leaf, np.cumsum(leaf) + leaves[-1], np.cumsum(split) + roots[-1]) - 1
        left, right = tree.left[split], tree.right[split]
        parts.append(
            {
                "nodes_featureids": tree.column[split],
                "nodes_splits": tree.threshold[split],
                "nodes_truenodeids": number[left],
                "nodes_trueleafs": leaf[left],
                "nodes_falsenodeids": number[right],
                "nodes_falseleafs": leaf[right],
                "leaf_weights": tree.value[leaf],
            }
        )
        roots.append(roots[-1] + int(split.sum()))
        leaves.append(leaves[-1] + int(leaf.sum()))
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    tensors = {name: numpy_helper.from_array(whole.pop(name)) for name in ("nodes_splits", "leaf_weights")}
    return graph.add(
        "TreeEnsemble",
        rows,
        **{name: values.astype(np.int64).tolist() for name, values in whole.items()},
        **tensors,
        nodes_modes=numpy_helper.from_array(np.zeros(roots[-1], dtype=np.uint8)),  # all of them `<=`
        tree_roots=roots[:-1],
        leaf_targetids=[0] * leaves[-1],
        n_targets=1,
        aggregate_function=_SUM,
        post_transform=_NO_TRANSFORM,
    )
