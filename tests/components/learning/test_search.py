"""Settings are compared on rows they haven't seen: all at once, or on more and more rows within seconds."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from components.learning.budget import FURTHER, LARGE, Budget
from components.learning.candidates import Candidate, candidate_named
from components.learning.effort import EFFORTS
from components.learning.fitting import fit
from components.learning.rows import Rows
from components.learning.search import Search

if TYPE_CHECKING:
    from components.learning.effort import Effort
    from contract.schema import Contract


@pytest.mark.parametrize(("metric", "expected"), [("roc_auc", 0), ("pr_auc", 1), ("brier", 0)])
def test_the_search_ranks_by_the_metric_that_the_contract_selects_on(
    parcels: Contract, tiny: Effort, column: Candidate, metric: str, expected: int
) -> None:
    labels = np.tile([1] + [0] * 9, 20)
    matrix = np.zeros((200, 4))
    everywhere_high = np.where(labels == 1, 2.0, np.tile(np.arange(10), 20) / 3)
    half_on_top = np.where(labels == 1, np.where(np.arange(200) % 20 == 0, 9.0, -9.0), np.arange(200) / 200)
    matrix[:, 0], matrix[:, 3] = everywhere_high, half_on_top
    assert roc_auc_score(labels, everywhere_high) > roc_auc_score(labels, half_on_top)
    contract = parcels.model_copy(update={"decision": parcels.decision.model_copy(update={"metric": metric})})
    assert fit(column, contract, Rows(matrix, labels), tiny, seed=0).parameters == {"column": expected}


def test_a_small_table_is_searched_whole_and_once(heart: Contract, rows: Rows, tiny: Effort) -> None:
    found = Search(candidate_named("logistic-regression"), heart, tiny, 0, Budget.of(len(rows.labels), 0.001)).best(
        rows
    )
    assert [fit.rows for fit in found.fits] == [len(rows.labels) * (tiny.inner_folds - 1) // tiny.inner_folds]
    assert 0.5 < found.score < 1


def test_a_large_table_is_searched_on_more_and_more_rows(heart: Contract, crowd: Rows) -> None:
    effort = replace(EFFORTS["quick"], sample=500)
    found = Search(candidate_named("decision-tree"), heart, effort, 0, Budget(60)).best(crowd)
    first, second = (fit.rows for fit in found.fits)
    assert first == pytest.approx(500 * 2 / 3, abs=2)
    assert second == pytest.approx(FURTHER * first, abs=2)
    assert all(fit.seconds > 0 for fit in found.fits)


def test_a_search_without_time_still_has_a_setting_that_was_tried(heart: Contract, crowd: Rows) -> None:
    effort = replace(EFFORTS["quick"], sample=500)
    spent = Budget(1, started=time.monotonic() - 60)
    found = Search(candidate_named("random-forest"), heart, effort, 0, spent).best(crowd)
    assert len(found.fits) == 1
    assert math.isfinite(found.score)


def test_a_candidate_that_bears_few_rows_is_searched_on_no_more(heart: Contract, crowd: Rows) -> None:
    svm = replace(candidate_named("svm"), largest=600)
    effort = replace(EFFORTS["quick"], sample=500)
    found = Search(svm, heart, effort, 0, Budget(60)).best(crowd)
    assert len(crowd.labels) > LARGE
    assert max(fit.rows for fit in found.fits) == pytest.approx(600 * 2 / 3, abs=2)


class Sleeper(LogisticRegression):  # type: ignore[misc]
    """As good with more patience, and slower."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds

    def fit(self, rows: Any, labels: Any, sample_weight: Any = None) -> Self:
        time.sleep(self.seconds)
        fitted: Self = super().fit(rows if self.seconds > 1 else np.zeros_like(rows), labels, sample_weight)
        return fitted


def test_a_setting_too_slow_for_the_fits_after_the_search_is_left_out(heart: Contract, crowd: Rows) -> None:
    sleeper = Candidate(
        "sleeper",
        "Sleeper",
        complexity=1,
        preparation="scaled",
        cost=1,
        estimator=lambda seed: Sleeper(),
        grid={"seconds": (0.01, 1.5)},
    )
    effort = replace(EFFORTS["quick"], sample=500)
    patient = Search(sleeper, heart, effort, 0, Budget(60)).best(crowd)
    assert patient.setting == {"model__seconds": 1.5}
    hurried = Search(sleeper, heart, effort, 0, Budget(8)).best(crowd)
    assert hurried.setting == {"model__seconds": 0.01}
