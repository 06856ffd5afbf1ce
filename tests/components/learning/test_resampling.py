from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.learning.candidates import CANDIDATES
from components.learning.evaluation import METRICS
from components.learning.fitting import fit
from components.learning.folds import folds_of
from components.learning.metrics import corrected_error
from components.learning.resampling import cross_validate, wanted_sensitivity
from components.learning.rows import Rows
from contract.decision import Split, Threshold
from contract.scorer import decided

if TYPE_CHECKING:
    from components.learning.candidates import Candidate
    from components.learning.effort import Effort
    from contract.schema import Contract

LINEAR = CANDIDATES["logistic-regression"]


def test_each_row_is_predicted_in_the_first_repetition_by_a_model_fitted_without_it(
    heart: Contract, rows: Rows, tiny: Effort
) -> None:
    _, found = cross_validate(LINEAR, heart, rows, replace(tiny, repeats=2), seed=0)
    for training, test in folds_of(heart, rows, tiny.folds, seed=1000):
        without = fit(LINEAR, heart, rows.take(training), tiny, seed=0)
        expected = without.probability(rows.matrix[test])
        np.testing.assert_array_equal(found.probability[test], expected)
        np.testing.assert_array_equal(found.decided[test], decided(expected, without.threshold))
    assert ((found.probability > 0) & (found.probability < 1)).all()


def test_knowing_rows_by_heart_helps_nobody(heart: Contract, rows: Rows, tiny: Effort, parrot: Candidate) -> None:
    nonsense = Rows(rows.matrix, np.random.default_rng(1).permutation(rows.labels))
    resampled, found = cross_validate(parrot, heart, nonsense, tiny, seed=0)
    assert abs(roc_auc_score(nonsense.labels, found.probability) - 0.5) < 0.15
    assert abs(resampled.estimates["roc_auc"].value - 0.5) < 0.15


def test_a_fold_is_the_same_rows_for_every_candidate(
    heart: Contract, rows: Rows, tiny: Effort, column: Candidate
) -> None:
    twice = replace(tiny, repeats=2)
    folds = [fold for repeat in (1, 2) for fold in folds_of(heart, rows, tiny.folds, seed=1000 * repeat)]
    for position in (0, 1):  # age, trestbps: two candidates whose fold scores are known beforehand
        candidate = replace(column, grid={"column": (position,)})
        resampled, _ = cross_validate(candidate, heart, rows, twice, seed=0)
        values = rows.matrix[:, heart.feature_names.index(("age", "trestbps")[position])]
        expected = [roc_auc_score(rows.labels[test], values[test]) for _, test in folds]
        assert resampled.scores["roc_auc"] == pytest.approx(expected)


def test_estimates_are_the_corrected_ones_of_the_scores(heart: Contract, rows: Rows, tiny: Effort) -> None:
    effort = replace(tiny, repeats=2, folds=3)
    told: list[str] = []
    resampled, _ = cross_validate(LINEAR, heart, rows, effort, seed=0, progress=told.append)
    assert told == [f"{done} of 6 folds" for done in range(1, 7)]
    assert (resampled.repeats, resampled.folds) == (2, 3)
    assert set(resampled.scores) == set(resampled.estimates) == set(METRICS)
    for metric, scores in resampled.scores.items():
        assert len(scores) == 6
        assert resampled.estimates[metric].value == pytest.approx(np.mean(scores))
        assert resampled.estimates[metric].standard_error == pytest.approx(corrected_error(scores, 1 / 2))


def test_intervals_stay_within_what_a_metric_can_be(heart: Contract, rows: Rows, tiny: Effort) -> None:
    resampled, _ = cross_validate(LINEAR, heart, rows.take(np.arange(40)), tiny, seed=0)
    for metric, estimate in resampled.estimates.items():
        assert (-1 if metric == "gini" else 0) <= estimate.low <= estimate.value <= estimate.high
        assert metric == "log_loss" or estimate.high <= 1
    # With two folds an interval reaches further than from 0 to 1, and only the loss may show it.
    assert resampled.estimates["log_loss"].high > 1


def test_blocks_of_time_are_not_drawn_anew(heart: Contract, rows: Rows, tiny: Effort) -> None:
    contract = heart.model_copy(update={"split": Split(method="time", held_out=0.2)})
    resampled, _ = cross_validate(LINEAR, contract, rows, replace(tiny, repeats=5), seed=0)
    assert resampled.repeats == 1
    assert len(resampled.scores["roc_auc"]) == tiny.folds


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [("sensitivity_at_least", 0.75, 0.75), ("specificity_at_least", 0.75, 0.9), ("fixed", 0.5, 0.9)],
)
def test_specificity_is_compared_at_the_sensitivity_that_the_contract_asks_for(
    heart: Contract,
    rule: Literal["sensitivity_at_least", "specificity_at_least", "fixed"],
    value: float,
    expected: float,
) -> None:
    decision = heart.decision.model_copy(update={"threshold": Threshold(rule=rule, value=value)})
    assert wanted_sensitivity(heart.model_copy(update={"decision": decision})) == expected
