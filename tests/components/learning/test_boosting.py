"""The two boosting libraries behind one form of estimator: text in, text out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.base import clone

from components.learning.boosting import CatBoost, LightGBM

if TYPE_CHECKING:
    import numpy.typing as npt

    Boosting = LightGBM | CatBoost
    Matrix = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

KINDS = [LightGBM(n_estimators=20, random_state=3), CatBoost(iterations=20, depth=3, random_state=3)]


def rows(classes: int) -> tuple[Matrix, Labels]:
    random = np.random.default_rng(0)
    matrix = random.integers(0, 20, (300, 4)).astype(np.float64)
    score = matrix[:, 0] + matrix[:, 1] % 3 * 4 + random.normal(size=300)
    return matrix, np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score).astype(np.int64)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", KINDS, ids=lambda model: type(model).__name__)
def test_scores_probabilities_and_classes_agree_with_the_library(model: Boosting, classes: int) -> None:
    matrix, labels = rows(classes)
    fitted = clone(model).fit(matrix, labels)
    scores, probability = fitted.decision_function(matrix), fitted.predict_proba(matrix)
    assert scores.shape == ((300,) if classes == 2 else (300, 3))
    assert probability.shape == (300, classes)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    np.testing.assert_array_equal(fitted.predict(matrix), probability.argmax(axis=1))
    assert (fitted.predict(matrix) == labels).mean() > 0.6
    if isinstance(fitted, LightGBM):
        expected = fitted.booster.predict(matrix)
        np.testing.assert_allclose(probability[:, 1] if classes == 2 else probability, expected, atol=1e-12)


@pytest.mark.parametrize("model", KINDS, ids=lambda model: type(model).__name__)
def test_a_seed_gives_the_same_model_to_the_letter(model: Boosting) -> None:
    first, second = (clone(model).fit(*rows(2)).model_ for _ in range(2))
    assert first == second


@pytest.mark.parametrize("model", KINDS, ids=lambda model: type(model).__name__)
def test_what_is_kept_is_text_and_scores_alike_when_it_is_read_again(model: Boosting) -> None:
    matrix, labels = rows(3)
    fitted = clone(model).fit(matrix, labels)
    expected = fitted.decision_function(matrix)
    state = fitted.__getstate__()
    assert isinstance(state["model_"], str)
    assert {type(value) for value in state.values()} <= {str, int, float, type(None), np.ndarray}
    again = type(model)()
    again.__setstate__(state)
    np.testing.assert_array_equal(again.decision_function(matrix), expected)


def test_fitting_leaves_no_files_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for model in KINDS:
        clone(model).fit(*rows(2)).predict(rows(2)[0])
    assert list(tmp_path.iterdir()) == []


def test_catboost_names_neither_itself_nor_the_time() -> None:
    written = json.loads(clone(KINDS[1]).fit(*rows(2)).model_)
    assert not {"model_guid", "train_finish_time"} & set(written["model_info"])
