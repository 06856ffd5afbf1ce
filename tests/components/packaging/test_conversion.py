from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from components.errors import ParityBroken
from components.learning.boosting import CatBoost, LightGBM
from components.learning.candidates import CANDIDATES
from components.learning.fitting import calibrated_of
from components.packaging.conversion import decision_rule_of, to_onnx, transform_of
from components.packaging.parity import measure_parity
from contract.forest import Forest
from contract.scorer import Scorer
from contract.trees import Trees
from tests.components.tables import Table, irises, made

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy.typing as npt
    from sklearn.model_selection import FixedThresholdClassifier

    from components.learning.fitting import Fitted
    from components.learning.rows import Rows
    from contract.schema import Contract

    Matrix = npt.NDArray[np.float64]


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_graph_takes_float32_computes_in_float64_and_is_plain_onnx(
    fitted: Callable[[str], Fitted], name: str
) -> None:
    estimator = fitted(name).estimator
    model = onnx.load_from_string(to_onnx(estimator))
    (columns,), (*_, score) = model.graph.input, model.graph.output
    shape = [dimension.dim_value for dimension in columns.type.tensor_type.shape.dim]
    assert (columns.name, columns.type.tensor_type.elem_type) == ("columns", onnx.TensorProto.FLOAT)
    assert shape == [0, len(transform_of(estimator).layout.columns)]
    assert (score.name, score.type.tensor_type.elem_type) == ("score", onnx.TensorProto.DOUBLE)
    assert {opset.domain for opset in model.opset_import} == {"", "ai.onnx.ml"}
    assert not model.functions
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_same_estimator_gives_the_same_bytes(fitted: Callable[[str], Fitted], name: str) -> None:
    assert to_onnx(fitted(name).estimator) == to_onnx(fitted(name).estimator)


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_score_is_what_the_calibration_was_fitted_on(
    fitted: Callable[[str], Fitted], rows: Rows, name: str
) -> None:
    pipeline = calibrated_of(fitted(name).estimator).estimator
    method = pipeline.decision_function if hasattr(pipeline, "decision_function") else pipeline.predict_proba
    expected = method(rows.matrix)
    expected = expected[:, 1] if expected.ndim > 1 else expected
    session = onnxruntime.InferenceSession(to_onnx(fitted(name).estimator), providers=["CPUExecutionProvider"])
    (score,) = session.run(["score"], {"columns": pipeline["prepare"].transform(rows.matrix).astype(np.float32)})
    np.testing.assert_allclose(score[:, 0], expected, rtol=0, atol=1e-11)


def test_a_row_alone_has_the_answer_it_has_among_others(
    fitted: Callable[[str], Fitted], serve: Callable[[FixedThresholdClassifier], Scorer], known: Matrix
) -> None:
    for name in CANDIDATES:
        scorer = serve(fitted(name).estimator)
        alone = [scorer(row[None]).probability[0] for row in known[:50]]
        np.testing.assert_allclose(alone, scorer(known).probability[:50], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(min_samples_leaf=4, random_state=0),
        RandomForestClassifier(20, class_weight="balanced", max_leaf_nodes=40, random_state=0),  # not depth first
        ExtraTreesClassifier(30, random_state=0),
        GradientBoostingClassifier(random_state=0),
        HistGradientBoostingClassifier(early_stopping=False, random_state=0),
        HistGradientBoostingClassifier(early_stopping=False, max_leaf_nodes=90, min_samples_leaf=1, random_state=0),
    ],
    ids=repr,
)
def test_tables_answer_as_the_reference_does_and_as_onnx_runtime_in_every_bit(
    reference: Callable[..., FixedThresholdClassifier],
    serve: Callable[[FixedThresholdClassifier], Scorer],
    tested: Matrix,
    model: Any,
) -> None:
    estimator = reference(model)
    scorer = serve(estimator)
    forest = scorer._forest  # noqa: SLF001
    assert forest
    assert forest.worthwhile > 1
    served = scorer(tested)
    np.testing.assert_allclose(served.probability, estimator.predict_proba(tested)[:, 1], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(served.decided, estimator.predict(tested))
    chosen = slice(None, None, 21)
    for size in (1, 2, 7, 16, 100, 1000):
        rows = tested[chosen]
        parts = [scorer(rows[start : start + size]).probability for start in range(0, len(rows), size)]
        np.testing.assert_array_equal(np.concatenate(parts), served.probability[chosen])


def test_trees_are_in_the_model_as_data_too(reference: Callable[..., FixedThresholdClassifier], tested: Matrix) -> None:
    estimator = reference(ExtraTreesClassifier(60, min_samples_leaf=4, random_state=0))
    session = onnxruntime.InferenceSession(to_onnx(estimator), providers=["CPUExecutionProvider"])
    columns = transform_of(estimator).compile()(tested[:50])
    *arrays, score = session.run([*Trees.names(), "score"], {"columns": columns})
    trees = Trees.of(dict(zip(Trees.names(), arrays, strict=True)), columns.shape[1])
    assert trees.is_exact
    fitted_trees = calibrated_of(estimator).estimator["model"].estimators_
    assert trees.size.tolist() == [tree.get_n_leaves() for tree in fitted_trees]
    assert len(trees.column) == sum(tree.get_n_leaves() - 1 for tree in fitted_trees)
    for row, found in zip(columns, score[:, 0], strict=True):
        left = np.ones(len(trees.value), dtype=np.bool_)
        for (first, middle, end), low in zip(trees.leaves, row[trees.column] <= trees.threshold, strict=True):
            left[slice(middle, end) if low else slice(first, middle)] = False
        assert left.sum() == len(fitted_trees)
        assert trees.value[left].sum() + trees.base[0] == found


@pytest.mark.parametrize("name", ["decision-tree", "soft-vote", "logistic-regression", "svm"])
def test_what_tables_would_not_speed_up_is_left_to_onnx_runtime(
    fitted: Callable[[str], Fitted], serve: Callable[[FixedThresholdClassifier], Scorer], tested: Matrix, name: str
) -> None:
    estimator = fitted(name).estimator
    scorer = serve(estimator)
    assert scorer._forest is None  # noqa: SLF001
    assert [output.name for output in onnx.load_from_string(to_onnx(estimator)).graph.output] == ["score"]
    np.testing.assert_allclose(scorer(tested).probability, estimator.predict_proba(tested)[:, 1], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(min_samples_leaf=303),
        GradientBoostingClassifier(n_estimators=3, min_samples_leaf=303),
        HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=303, early_stopping=False),
    ],
    ids=lambda model: type(model).__name__,
)
def test_trees_that_never_split(
    reference: Callable[..., FixedThresholdClassifier],
    serve: Callable[[FixedThresholdClassifier], Scorer],
    tested: Matrix,
    model: Any,
) -> None:
    estimator = reference(model)
    probability = serve(estimator)(tested).probability
    assert len(np.unique(probability)) == 1
    assert measure_parity("leaf", estimator, serve(estimator), tested).holds


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (GaussianNB(), "GaussianNB.* has no served form. Leave this candidate out"),
        (SVC(kernel="poly"), r"SVC\(kernel='poly'\) has no served form"),
        (
            VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft", weights=[2, 1]),
            "VotingClassifier",
        ),
    ],
    ids=["another kind", "another kernel", "a weighted vote"],
)
def test_a_model_without_a_served_form_is_refused_by_name(
    reference: Callable[..., FixedThresholdClassifier], model: Any, words: str
) -> None:
    with pytest.raises(ParityBroken, match=words):
        to_onnx(reference(model, scaled=True))


def test_calibration_threshold_and_labels_are_the_estimators(fitted: Callable[[str], Fitted], heart: Contract) -> None:
    found = fitted("svm")
    rule = decision_rule_of(found.estimator, heart)
    scores = calibrated_of(found.estimator).estimator.decision_function(np.full((1, 13), np.nan))
    expected = found.estimator.predict_proba(np.full((1, 13), np.nan))[0, 1]
    assert rule.probability(scores)[0] == pytest.approx(expected, abs=1e-12)
    assert rule.threshold == found.threshold
    assert rule.labels == ("no disease", "disease")


TABLES: dict[str, Callable[[], Table]] = {"iris": irises, "made": made, "made, three classes": lambda: made(3)}


@pytest.fixture(scope="module")
def table() -> Callable[[str], Table]:
    """A table by name, made once."""
    return functools.cache(lambda name: TABLES[name]())


@pytest.mark.parametrize("of", TABLES)
@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_is_served_as_it_was_evaluated_on_every_table(
    table: Callable[[str], Table], of: str, name: str
) -> None:
    """Gaps kept and filled, sets of categories, 300 towns, categories that training never saw, three classes."""
    known = table(of)
    estimator = known.reference(CANDIDATES[name])
    scorer = Scorer(transform_of(estimator), to_onnx(estimator), decision_rule_of(estimator, known.contract))
    expected, served = estimator.predict_proba(known.tested), scorer(known.tested)
    found = served.probability if known.classes > 2 else np.column_stack([1 - served.probability, served.probability])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(served.decided, estimator.predict(known.tested))
    alone = [scorer(row[None]).probability[0] for row in known.tested[-40:]]
    np.testing.assert_allclose(alone, served.probability[-40:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["hist-gradient-boosting", "lightgbm"])
def test_sets_and_gaps_are_in_tables_as_onnx_runtime_has_them_in_every_bit(
    table: Callable[[str], Table], name: str
) -> None:
    known = table("made")
    estimator = known.reference(CANDIDATES[name])
    columns = transform_of(estimator).compile()(known.tested)
    session = onnxruntime.InferenceSession(to_onnx(estimator), providers=["CPUExecutionProvider"])
    *arrays, score = session.run([*Trees.names(), "score"], {"columns": columns})
    trees = Trees.of(dict(zip(Trees.names(), arrays, strict=True)), columns.shape[1])
    assert (trees.set_size > 1).any()
    assert len(np.unique(trees.missing_left)) == 2
    tables = Forest(trees, transform_of(estimator).compile().flags, 1)
    np.testing.assert_array_equal(tables(columns), score[:, 0])


def test_more_than_two_classes_have_a_score_each_and_no_threshold(table: Callable[[str], Table]) -> None:
    known = table("iris")
    estimator = known.reference(CANDIDATES["gradient-boosting"])
    graph = onnx.load_from_string(to_onnx(estimator)).graph
    assert [output.name for output in graph.output] == ["score"]
    assert [dimension.dim_value for dimension in graph.output[0].type.tensor_type.shape.dim] == [0, 3]
    rule = decision_rule_of(estimator, known.contract)
    assert rule.threshold is None
    assert rule.labels == ("setosa", "versicolor", "virginica")


@pytest.mark.parametrize(
    "model",
    [
        LightGBM(n_estimators=3, min_child_samples=1000, random_state=0),
        CatBoost(iterations=3, depth=1, random_state=0),
        HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1000, early_stopping=False),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_smallest_trees_are_served_too(table: Callable[[str], Table], model: Any) -> None:
    for of in ("made", "iris"):
        known = table(of)
        candidate = replace(CANDIDATES["decision-tree"], estimator=lambda _: clone(model), grid={})
        estimator = known.reference(candidate)
        scorer = Scorer(transform_of(estimator), to_onnx(estimator), decision_rule_of(estimator, known.contract))
        np.testing.assert_array_equal(scorer(known.tested).decided, estimator.predict(known.tested))
