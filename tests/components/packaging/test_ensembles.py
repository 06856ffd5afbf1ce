"""Trees side by side: splits and leaves are numbered through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from components.learning.boosting import LightGBM
from components.packaging.booster_trees import oblivious
from components.packaging.ensembles import Ensemble, ensemble_of
from components.packaging.tree import Sum

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]


def test_splits_and_leaves_are_numbered_through_all_trees_and_know_their_class() -> None:
    one, other = oblivious([(0, 0.5)], np.array([1.0, 2.0])), oblivious([(1, 0.5), (2, 1.5)], np.arange(4.0))
    found = Ensemble.of(Sum([(0, one), (1, other)], np.array([0.5, 0.25])))
    data = found.as_data
    assert data.size.tolist() == [2, 4]
    assert data.column.tolist() == [0, 2, 1, 1]
    assert data.value.tolist() == [1, 2, 0, 1, 2, 3]
    assert data.base.tolist() == [0.5, 0.25]
    assert data.leaves.tolist() == [[0, 1, 2], [2, 4, 6], [2, 3, 4], [4, 5, 6]]
    assert found.target.tolist() == [0, 0, 1, 1, 1, 1]
    assert found.true.tolist() == [0, 2, 2, 4]
    assert found.true_is_leaf.tolist() == [True, False, True, True]
    assert found.false.tolist() == [1, 3, 3, 5]
    assert found.false_is_leaf.tolist() == [True, False, True, True]


def test_leaves_are_rounded_so_that_their_sum_is_exact_in_any_order() -> None:
    random = np.random.default_rng(0)
    trees = [(0, oblivious([(0, 0.5)], random.normal(size=2))) for _ in range(50)]
    value = Ensemble.of(Sum(trees, np.zeros(1))).as_data.value
    before = np.concatenate([tree.value[tree.is_leaf] for _, tree in trees])
    np.testing.assert_allclose(value, before, rtol=0, atol=1e-12)
    chosen = value[::2]
    assert len({float(np.cumsum(random.permutation(chosen))[-1]) for _ in range(20)}) == 1


def test_models_of_any_library_have_one_and_others_none(drawn: Callable[[int], tuple[Matrix, Labels]]) -> None:
    matrix, labels = drawn(2)
    matrix = np.nan_to_num(matrix)
    for model in (RandomForestClassifier(3, random_state=0), LightGBM(n_estimators=3, random_state=0)):
        found = ensemble_of(model.fit(matrix, labels), {})
        assert found
        assert len(found.as_data.size) == 3
    assert ensemble_of(LogisticRegression().fit(matrix, labels), {}) is None
