"""From encoded rows to an answer, through a real ONNX model."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from pydantic import ValidationError
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from contract.scorer import Calibration, DecisionRule, Scorer
from contract.transform import Imputation, Layout, Standardization, Transform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Linear = Callable[[Sequence[float]], bytes]


@pytest.fixture(scope="session")
def straight() -> Transform:
    """Two numbers, left as they are."""
    return Transform(
        format=1,
        layout=Layout(columns=("a", "b"), numbers=(0, 1), booleans=(), indicators=()),
        standardize_numbers=Standardization(mean=(0.0, 0.0), scale=(1.0, 1.0)),
        impute=Imputation(initial=(0.0, 0.0), steps=()),
        standardize_all=None,
    )


def logistic(threshold: float) -> DecisionRule:
    calibration = Calibration(method="sigmoid", slope=-1.0, intercept=0.0)
    return DecisionRule(format=1, calibration=calibration, threshold=threshold, labels=("no", "yes"))


def test_the_calibration_is_platts_sigmoid() -> None:
    calibration = Calibration(method="sigmoid", slope=-1.5, intercept=0.25)
    scores = np.array([-2.0, 0.0, 1.0, -20.0, 20.0])
    by_hand = [1 / (1 + math.exp(exponent)) for exponent in (3.25, 0.25, -1.25, 30.25, -29.75)]
    probability = calibration(scores)
    assert probability.dtype == np.float64
    np.testing.assert_allclose(probability, by_hand, rtol=1e-15)
    assert scores.tolist() == [-2.0, 0.0, 1.0, -20.0, 20.0]


@settings(deadline=None)
@given(scores=st.lists(st.floats(-1e300, 1e300), min_size=1))
def test_a_calibrated_score_is_a_probability_that_keeps_the_order(scores: list[float]) -> None:
    probability = Calibration(method="sigmoid", slope=-3.0, intercept=-1.0)(np.sort(scores))
    assert ((probability >= 0) & (probability <= 1)).all()
    assert (np.diff(probability) >= 0).all()


def test_a_score_passes_transform_model_and_calibration(
    transform: Transform, rule: DecisionRule, linear: Linear
) -> None:
    scorer = Scorer(transform, linear([1, 0.5, 0.25, 0, 0, 0, -1]), rule)
    answer = scorer(np.array([[3.0, 2.0, 1.0, 2.0, 0.0], [2.0, 4.0, 0.0, 0.0, 1.0]]))
    scores = [1 * 2 + 0.5 * -1 + 0.25 * 1, 0.25 * -1 - 1]
    by_hand = [1 / (1 + math.exp(-1.5 * score + 0.25)) for score in scores]
    np.testing.assert_allclose(answer.probability, by_hand, rtol=1e-14)
    assert answer.probability.dtype == np.float64
    assert answer.decided.dtype == np.intp
    assert answer.decided.tolist() == [1, 0]


def test_a_probability_on_the_threshold_is_positive(straight: Transform, linear: Linear) -> None:
    rows = np.array([[-0.25, 0.0], [0.0, 0.0], [0.25, 0.0]])
    model = linear([1, 0])
    exact = Scorer(straight, model, logistic(0.5))(rows)
    assert exact.probability[1] == 0.5
    assert exact.decided.tolist() == [0, 1, 1]
    above = Scorer(straight, model, logistic(math.nextafter(0.5, 1)))(rows)
    assert above.decided.tolist() == [0, 0, 1]


@pytest.mark.parametrize("options", [{"zipmap": False, "raw_scores": True}, {"zipmap": False}])
def test_a_classifiers_last_column_is_the_score(straight: Transform, options: dict[str, Any]) -> None:
    random = np.random.default_rng(3)
    rows = random.normal(size=(60, 2)).astype(np.float32)
    estimator = LogisticRegression().fit(rows, rows[:, 0] + rows[:, 1] > 0)
    model = to_onnx(estimator, rows[:1], options=options).SerializeToString()
    answer = Scorer(straight, model, logistic(0.5))(rows.astype(np.float64))
    scores = estimator.decision_function(rows) if "raw_scores" in options else estimator.predict_proba(rows)[:, 1]
    np.testing.assert_allclose(answer.probability, 1 / (1 + np.exp(-scores)), atol=1e-6)


def test_one_score_a_row_may_come_without_a_column(straight: Transform) -> None:
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["rows", "axes"], ["score"], keepdims=0)],
        "sum",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None])],
        [helper.make_tensor("axes", TensorProto.INT64, [1], [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    answer = Scorer(straight, model, logistic(0.5))(np.array([[1.0, -1.0], [2.0, 1.0]]))
    np.testing.assert_allclose(answer.probability, [0.5, 1 / (1 + math.exp(-3))], rtol=1e-7)


def test_a_model_that_computes_in_float64_loses_nothing(straight: Transform) -> None:
    weights = np.array([[0.1], [-0.3]])
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["columns"], ["wide"], to=TensorProto.DOUBLE),
            helper.make_node("MatMul", ["wide", "weights"], ["score"]),
        ],
        "linear64",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("score", TensorProto.DOUBLE, [None, 1])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    answer = Scorer(straight, model, logistic(0.5))(np.array([[1.0, 0.0], [0.0, 3.0]]))
    np.testing.assert_allclose(answer.probability, [1 / (1 + math.exp(-0.1)), 1 / (1 + math.exp(0.9))], rtol=1e-15)


def with_trees(size: int) -> bytes:
    """A model whose score is its first column, and which claims to be a tree of that many leaves."""
    trees = {
        "column": np.array([0]),
        "threshold": np.array([0.5]),
        "leaves": np.array([[0, 1, 2]]),
        "value": np.array([1.0, 2.0]),
        "size": np.array([size]),
        "base": np.array([0.0]),
        "missing_left": np.array([0]),
        "set_size": np.array([0]),
        "category": np.empty(0, dtype=np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["columns", "weights"], ["score"]),
            *(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(trees[name])) for name in trees),
        ],
        "trees",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, [None, 2])],
        [
            *(
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                for name, array in trees.items()
            ),
            helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1]),
        ],
        [numpy_helper.from_array(np.array([[1.0], [0.0]], dtype=np.float32), "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content


def test_a_model_may_have_trees_as_further_outputs(straight: Transform) -> None:
    answer = Scorer(straight, with_trees(2), logistic(0.5))(np.array([[0.0, 5.0], [3.0, 0.0]]))
    np.testing.assert_allclose(answer.probability, [0.5, 1 / (1 + math.exp(-3))], rtol=1e-7)


def test_trees_that_contradict_themselves_are_refused(straight: Transform) -> None:
    with pytest.raises(ValueError, match="the splits of its trees don't lead to their leaves"):
        Scorer(straight, with_trees(3), logistic(0.5))


@pytest.mark.parametrize("rows", [0, 1, 2, 257])
def test_there_is_one_answer_a_row(transform: Transform, rule: DecisionRule, linear: Linear, rows: int) -> None:
    answer = Scorer(transform, linear([1] * 7), rule)(np.full((rows, 5), np.nan))
    assert answer.probability.shape == answer.decided.shape == (rows,)
    assert np.isfinite(answer.probability).all()


def test_threads_share_a_scorer_and_get_their_own_answers(
    transform: Transform, rule: DecisionRule, linear: Linear
) -> None:
    scorer = Scorer(transform, linear([1, 0.5, 0.25, 0, 0, 0, -1]), rule)
    random = np.random.default_rng(11)
    batches = [random.integers(0, 2, size=(size, 5)).astype(np.float64) for size in range(1, 65)]
    for batch in batches:
        batch[random.random(batch.shape) < 0.2] = np.nan
    alone = [scorer(batch).probability for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(scorer, batches * 4))
    for answer, expected in zip(together, alone * 4, strict=True):
        np.testing.assert_array_equal(answer.probability, expected)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "1", True])
def test_calibration_and_threshold_are_finite_numbers(number: float) -> None:
    with pytest.raises(ValidationError):
        Calibration(method="sigmoid", slope=number, intercept=0.0)
    with pytest.raises(ValidationError):
        logistic(number)
