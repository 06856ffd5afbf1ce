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
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from components.errors import ParityBroken
from components.learning.fitting import calibrated_of
from components.packaging.ensembles import ensemble_of
from contract.decision import PAIR
from contract.forest import forest_of
from contract.scorer import Calibration, DecisionRule, Temperature

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from onnx import NodeProto

    from components.learning.fitting import Estimator
    from components.packaging.ensembles import Ensemble
    from contract.schema import Contract
    from contract.transform import Transform

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

_IR_VERSION = 10
_OPERATORS = {"": 18, "ai.onnx.ml": 5}
_SUM, _NO_TRANSFORM, _UP_TO, _MEMBER = 1, 0, 0, 6  # enumerations of the operator TreeEnsemble


def to_onnx(estimator: Estimator) -> bytes:
    """The model inside a reference estimator: float32 `columns` (rows, columns) to float64 `score`.

    The score is what the calibration takes: the decision function where the model has one, the probability where not;
    (rows, 1) in favour of the positive class of two, (rows, classes) of more. Where `contract.forest` is faster, the
    arrays of `contract.trees.Trees` are outputs too. Raises `ParityBroken` for a model that has no served form.
    """
    model = calibrated_of(estimator).estimator.named_steps["model"]
    transform = transform_of(estimator)
    flags = transform.compile().flags
    layout = transform.layout
    categories = {column: item.categories for column, item in zip(layout.code_columns, layout.codes, strict=True)}
    graph = _Graph()
    ensemble = ensemble_of(model, categories)
    score = _score(model, graph, graph.add("Cast", "columns", to=TensorProto.DOUBLE), ensemble)
    graph.name("score", score)
    scores = 1 if len(model.classes_) == PAIR else len(model.classes_)
    tabulated = ensemble and scores == 1 and forest_of(ensemble.as_data, flags)
    arrays: Mapping[str, Floats | Integers] = vars(ensemble.as_data) if ensemble and tabulated else {}
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
                helper.make_tensor_value_info("score", TensorProto.DOUBLE, [None, scores]),
            ],
        ),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in _OPERATORS.items()],
        ir_version=_IR_VERSION,
    )
    checker.check_model(served)
    return bytes(served.SerializeToString())


def transform_of(estimator: Estimator) -> Transform:
    """The fitted preprocessing, as data."""
    transform: Transform = calibrated_of(estimator).estimator.named_steps["prepare"].fitted
    return transform


def decision_rule_of(estimator: Estimator, contract: Contract) -> DecisionRule:
    """Calibration, threshold and labels, as data."""
    fitted = calibrated_of(estimator)
    (calibrator,) = fitted.calibrators
    calibration: Calibration | Temperature
    if contract.target.is_binary:
        calibration = Calibration(method="sigmoid", slope=float(calibrator.a_), intercept=float(calibrator.b_))
    else:
        of_probabilities = not hasattr(fitted.estimator, "decision_function")
        calibration = Temperature(
            method="temperature", inverse=float(calibrator.beta_), of_probabilities=of_probabilities
        )
    threshold = float(estimator.threshold) if contract.target.is_binary else None
    return DecisionRule(format=1, calibration=calibration, threshold=threshold, labels=contract.target.labels)


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


def _score(model: Any, graph: _Graph, rows: str, ensemble: Ensemble | None) -> str:
    """Add the score of `rows` to the graph and return its name: float64 (rows, 1), or (rows, classes)."""
    match model:
        case _ if ensemble:
            score = _trees(graph, rows, ensemble)
        case LogisticRegression() | SVC(kernel="linear"):
            score = _linear(graph, rows, model.coef_, model.intercept_)
        case SVC(kernel="rbf"):
            score = _linear(graph, _similarities(graph, rows, model), model.dual_coef_, model.intercept_)
        case OneVsRestClassifier():
            score = graph.add("Concat", *(_score(item, graph, rows, None) for item in model.estimators_), axis=1)
        case VotingClassifier(voting="soft", weights=None):
            votes = [_probability(item, graph, rows) for item in model.estimators_]
            score = graph.add("Div", graph.add("Sum", *votes), np.array(float(len(votes))))
        case _:
            raise ParityBroken(f"{model} has no served form. Leave this candidate out, or add its form to {__name__}")
    return score


def _probability(model: Any, graph: _Graph, rows: str) -> str:
    """The same for a voter, which gives its probability of the positive class, or of each."""
    score = _score(model, graph, rows, ensemble_of(model, {}))
    if not isinstance(model, LogisticRegression):
        return score
    return graph.add("Sigmoid", score) if len(model.classes_) == PAIR else graph.add("Softmax", score, axis=1)


def _linear(graph: _Graph, rows: str, weights: Floats, intercept: Floats) -> str:
    return graph.add("Add", graph.add("MatMul", rows, weights.T), intercept)


def _similarities(graph: _Graph, rows: str, model: SVC) -> str:
    """exp(-gamma |row - vector|²) for each support vector: (rows, vectors)."""
    vectors = model.support_vectors_
    squares = graph.add("ReduceSumSquare", rows, np.array([1]), keepdims=1)
    products = graph.add("MatMul", rows, -2 * vectors.T)
    distances = graph.add("Sum", squares, products, (vectors**2).sum(axis=1))
    return graph.add("Exp", graph.add("Mul", distances, np.array(-model._gamma)))  # noqa: SLF001


def _trees(graph: _Graph, rows: str, ensemble: Ensemble) -> str:
    """The sums of the leaves that a row reaches, and their base."""
    data = ensemble.as_data
    splits = np.bincount(data.tree_of(data.leaves[:, 0]))
    sets: dict[str, Any] = {}
    if len(data.category):
        ends = np.cumsum(data.set_size[data.set_size > 0])
        sets["membership_values"] = numpy_helper.from_array(np.insert(data.category.astype(np.float64), ends, np.nan))
    score = graph.add(
        "TreeEnsemble",
        rows,
        nodes_featureids=data.column.tolist(),
        nodes_splits=numpy_helper.from_array(data.threshold),
        nodes_modes=numpy_helper.from_array(np.where(data.set_size > 0, _MEMBER, _UP_TO).astype(np.uint8)),
        nodes_missing_value_tracks_true=data.missing_left.tolist(),
        nodes_truenodeids=ensemble.true.tolist(),
        nodes_trueleafs=ensemble.true_is_leaf.astype(np.int64).tolist(),
        nodes_falsenodeids=ensemble.false.tolist(),
        nodes_falseleafs=ensemble.false_is_leaf.astype(np.int64).tolist(),
        tree_roots=(np.cumsum(splits) - splits).tolist(),
        leaf_weights=numpy_helper.from_array(data.value),
        leaf_targetids=ensemble.target.tolist(),
        n_targets=len(data.base),
        aggregate_function=_SUM,
        post_transform=_NO_TRANSFORM,
        **sets,
    )
    return graph.add("Add", score, data.base) if data.base.any() else score
