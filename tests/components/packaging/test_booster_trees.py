"""Whoever follows the trees by hand arrives at the libraries' own scores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from components.errors import ParityBroken
from components.learning.boosting import CatBoost, LightGBM
from components.packaging.booster_trees import oblivious, trees_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from components.packaging.tree import Sum

    Matrix = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]
    Drawn = Callable[[int], tuple[Matrix, Labels]]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("complete", [False, True])
def test_followed_trees_of_lightgbm_add_up_to_its_score(
    drawn: Drawn, followed: Callable[[Sum, Matrix], Matrix], classes: int, complete: bool
) -> None:
    """Also where rows have gaps that no row of training had: those count as 0."""
    matrix, labels = drawn(classes)
    known = np.nan_to_num(matrix, nan=0) if complete else matrix
    model = LightGBM(n_estimators=6, min_child_samples=5, categorical_features=[1], random_state=0).fit(known, labels)
    found = trees_of(model)
    assert found
    assert any(tree.set_size.max() > 0 for _, tree in found.trees)
    expected = model.decision_function(matrix)
    expected = expected[:, None] if classes == 2 else expected
    np.testing.assert_allclose(followed(found, matrix), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_followed_trees_of_catboost_add_up_to_its_score(
    drawn: Drawn, followed: Callable[[Sum, Matrix], Matrix], classes: int
) -> None:
    matrix, labels = drawn(classes)
    matrix = np.nan_to_num(matrix, nan=-1)
    model = CatBoost(iterations=6, depth=3, random_state=0).fit(matrix, labels)
    found = trees_of(model)
    assert found
    expected = model.decision_function(matrix)
    expected = expected[:, None] if classes == 2 else expected
    np.testing.assert_allclose(followed(found, matrix), expected, rtol=0, atol=1e-12)


def test_an_oblivious_tree_asks_its_last_question_first() -> None:
    tree = oblivious([(0, 0.5), (2, 1.5)], np.array([0.0, 1.0, 2.0, 3.0]))
    assert tree.column[:3].tolist() == [2, 0, 0]
    assert tree.threshold[:3].tolist() == [1.5, 0.5, 0.5]
    assert tree.value[tree.is_leaf].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert tree.leaves()[0].tolist() == [0, 4]


def test_categories_that_catboost_counts_by_itself_are_refused() -> None:
    split = {"split_type": "OnlineCtr", "float_feature_index": 0, "border": 0.5}
    written = {
        "features_info": {"float_features": [{"feature_index": 0, "flat_feature_index": 0}]},
        "scale_and_bias": [1, [0]],
        "oblivious_trees": [{"splits": [split], "leaf_values": [0.0, 1.0]}],
    }
    model = CatBoost()
    model.model_, model.classes_ = json.dumps(written), np.arange(2)
    with pytest.raises(ParityBroken, match="have no served form; give it numbers alone"):
        trees_of(model)


def test_a_model_of_neither_library_has_none(drawn: Drawn) -> None:
    matrix, labels = drawn(2)
    assert trees_of(DecisionTreeClassifier().fit(matrix, labels)) is None
