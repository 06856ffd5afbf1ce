"""Whoever follows the trees by hand arrives at scikit-learn's own scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from components.packaging.sklearn_trees import trees_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from components.packaging.tree import Sum

    Matrix = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]
    Drawn = Callable[[int], tuple[Matrix, Labels]]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=4, random_state=0),
        RandomForestClassifier(5, max_depth=4, class_weight="balanced", random_state=0),
        ExtraTreesClassifier(5, max_depth=4, random_state=0),
        GradientBoostingClassifier(n_estimators=5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5, early_stopping=False, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_followed_trees_add_up_to_the_models_score(
    drawn: Drawn, followed: Callable[[Sum, Matrix], Matrix], model: Any, classes: int
) -> None:
    matrix, labels = drawn(classes)
    matrix = np.nan_to_num(matrix, nan=-1)
    model.fit(matrix, labels)
    score = model.decision_function if hasattr(model, "decision_function") else model.predict_proba
    expected = score(matrix)
    if classes == 2:
        expected = expected[:, 1:] if expected.ndim > 1 else expected[:, None]
    found = trees_of(model, {})
    assert found
    assert {target for target, _ in found.trees} == set(range(expected.shape[1]))
    np.testing.assert_allclose(followed(found, matrix), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_gaps_and_categories_that_training_never_saw_go_where_the_model_sends_them(
    drawn: Drawn, followed: Callable[[Sum, Matrix], Matrix], classes: int
) -> None:
    matrix, labels = drawn(classes)
    model = HistGradientBoostingClassifier(
        max_iter=8, min_samples_leaf=5, categorical_features=[1], early_stopping=False, random_state=0
    )
    matrix[matrix[:, 1] == 3, 1] = 4
    model.fit(matrix, labels)
    found = trees_of(model, {1: 9})
    assert found
    assert any(tree.set_size.max() > 1 for _, tree in found.trees)
    unseen = np.vstack([matrix, np.column_stack([matrix[:40, 0], np.repeat([3, 7, 8, np.nan], 10), matrix[:40, 2]])])
    expected = model.decision_function(unseen)
    expected = expected[:, None] if classes == 2 else expected
    np.testing.assert_allclose(followed(found, unseen), expected, rtol=0, atol=1e-12)


def test_a_model_without_trees_has_none(drawn: Drawn) -> None:
    matrix, labels = drawn(2)
    assert trees_of(LogisticRegression().fit(np.nan_to_num(matrix), labels), {}) is None
