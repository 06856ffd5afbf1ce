from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from components.learning.candidates import CANDIDATES
from components.learning.fitting import calibrated_of, fit, threshold_for
from components.learning.folds import folds_of
from components.learning.rows import Rows, rows_of
from components.table import typed
from contract.decision import Split, Threshold
from contract.scorer import decided

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from components.learning.candidates import Candidate
    from components.learning.effort import Effort
    from components.learning.fitting import Fitted
    from contract.schema import Contract

    Method = Literal["stratified", "grouped", "time"]

LINEAR = CANDIDATES["logistic-regression"]


def by(contract: Contract, method: Method) -> Contract:
    return contract.model_copy(update={"split": Split(method=method, held_out=0.25)})


def with_rule(contract: Contract, rule: str, value: float) -> Contract:
    threshold = Threshold.model_validate({"rule": rule, "value": value})
    return contract.model_copy(update={"decision": contract.decision.model_copy(update={"threshold": threshold})})


def test_out_of_fold_probabilities_are_one_a_row(fitted: Callable[[str], Fitted], rows: Rows) -> None:
    found = fitted("random-forest").out_of_fold
    assert found.shape == rows.labels.shape
    assert ((found > 0) & (found < 1)).all()


def test_the_estimator_answers_by_its_threshold(fitted: Callable[[str], Fitted], rows: Rows) -> None:
    found = fitted("logistic-regression")
    probability = found.probability(rows.matrix)
    np.testing.assert_array_equal(found.estimator.predict(rows.matrix), decided(probability, found.threshold))


def test_a_seed_always_gives_the_same(heart: Contract, rows: Rows, tiny: Effort) -> None:
    first, again = (fit(CANDIDATES["decision-tree"], heart, rows, tiny, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.out_of_fold, again.out_of_fold)
    np.testing.assert_array_equal(first.probability(rows.matrix), again.probability(rows.matrix))
    assert (first.threshold, first.parameters) == (again.threshold, again.parameters)
    other = fit(CANDIDATES["decision-tree"], heart, rows, tiny, seed=6)
    assert not np.array_equal(first.out_of_fold, other.out_of_fold)


def test_out_of_fold_means_by_a_model_that_never_saw_the_row(
    heart: Contract, rows: Rows, tiny: Effort, parrot: Candidate
) -> None:
    nonsense = np.random.default_rng(1).permutation(rows.labels)
    found = fit(parrot, heart, Rows(rows.matrix, nonsense), tiny, seed=0)
    seen = calibrated_of(found.estimator).estimator.predict(rows.matrix)
    assert (seen == nonsense).all()
    assert roc_auc_score(nonsense, found.out_of_fold) < 0.65


def test_calibration_takes_other_folds_than_the_search(heart: Contract, rows: Rows, tiny: Effort) -> None:
    found = fit(LINEAR, heart, rows, tiny, seed=0)
    model = LINEAR.pipeline(heart.features, seed=0)
    model.set_params(**{f"model__{name}": value for name, value in found.parameters.items()})
    for seed, is_same in ((0, False), (1, True)):  # the search has the seed itself, the calibration the next
        folds = folds_of(heart, rows, tiny.calibration_folds, seed)
        scores = cross_val_predict(model, rows.matrix, rows.labels, cv=folds, method="decision_function")
        assert np.array_equal(np.argsort(scores), np.argsort(found.out_of_fold)) == is_same


def test_rows_that_were_not_given_change_nothing(heart: Contract, rows: Rows, tiny: Effort) -> None:
    part = np.arange(0, 303, 2)
    matrix, labels = rows.matrix.copy(), rows.labels.copy()
    matrix[1::2], labels[1::2] = 1000.0, 1 - labels[1::2]
    first = fit(LINEAR, heart, rows.take(part), tiny, seed=0)
    second = fit(LINEAR, heart, Rows(matrix, labels).take(part), tiny, seed=0)
    np.testing.assert_array_equal(first.probability(rows.matrix), second.probability(rows.matrix))
    assert first.threshold == second.threshold


@pytest.mark.parametrize("value", [0.8, 0.9, 0.95, 1.0])
def test_the_wanted_sensitivity_is_reached_out_of_fold(heart: Contract, rows: Rows, tiny: Effort, value: float) -> None:
    found = fit(LINEAR, with_rule(heart, "sensitivity_at_least", value), rows, tiny, seed=0)
    reached = recall_score(rows.labels, decided(found.out_of_fold, found.threshold))
    assert value <= reached < value + 1 / 100


def test_a_fixed_threshold_is_taken_as_it_is(heart: Contract, rows: Rows, tiny: Effort) -> None:
    assert fit(LINEAR, with_rule(heart, "fixed", 0.37), rows, tiny, seed=0).threshold == 0.37


CASES = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 99)), min_size=2, max_size=60).filter(
    lambda cases: len({label for label, _ in cases}) == 2
)


@given(cases=CASES, value=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=200, deadline=None)
def test_the_highest_threshold_that_finds_enough_is_taken(cases: list[tuple[int, int]], value: float) -> None:
    labels, probability = np.array([label for label, _ in cases]), np.array([share for _, share in cases]) / 100
    found = threshold_for(Threshold(rule="sensitivity_at_least", value=value), labels, probability)
    assert 0 < found < 1
    assert found not in probability
    positives = probability[labels == 1]
    assert (positives >= found).mean() >= value
    above = probability[probability > found]
    if len(above):
        assert (positives > above.min()).mean() < value


@given(cases=CASES, value=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=200, deadline=None)
def test_the_lowest_threshold_that_clears_enough_is_taken(cases: list[tuple[int, int]], value: float) -> None:
    labels, probability = np.array([label for label, _ in cases]), np.array([share for _, share in cases]) / 100
    found = threshold_for(Threshold(rule="specificity_at_least", value=value), labels, probability)
    assert 0 < found < 1
    assert found not in probability
    negatives = probability[labels == 0]
    assert (negatives < found).mean() >= value
    below = probability[probability < found]
    if len(below):
        assert (negatives < below.max()).mean() < value


def test_a_setting_that_ranks_well_and_never_says_disease_is_made_to_say_it(
    heart: Contract, cleveland: pd.DataFrame, rows: Rows, tiny: Effort
) -> None:
    """The corner of the grid that the replaced system picked on ROC-AUC alone, on its own split of the table."""
    training, test = train_test_split(np.arange(303), test_size=0.2, random_state=42, stratify=rows.labels)
    plain = cleveland[heart.feature_names].fillna(cleveland[heart.feature_names].median()).to_numpy()
    scaler = StandardScaler().fit(plain[training])
    theirs = SVC(C=0.1, gamma=0.001).fit(scaler.transform(plain[training]), rows.labels[training])
    answers = theirs.predict(scaler.transform(plain[test]))
    assert not answers.any()
    assert accuracy_score(rows.labels[test], answers) == pytest.approx(0.5410, abs=5e-5)

    corner = replace(CANDIDATES["svm"], grid={"C": (0.1,), "kernel": ("rbf",), "gamma": (0.001,)})
    ours = fit(corner, heart, rows.take(training), tiny, seed=0)
    assert ours.parameters == {"C": 0.1, "kernel": "rbf", "gamma": 0.001}
    assert recall_score(rows.labels[test], ours.estimator.predict(rows.matrix[test])) >= 0.8
    assert accuracy_score(rows.labels[test], ours.estimator.predict(rows.matrix[test])) > 0.7


@pytest.mark.parametrize("method", ["grouped", "time"])
def test_tables_split_by_group_and_by_time_are_learnt_too(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], tiny: Effort, method: Method
) -> None:
    contract = by(parcels, method)
    rows = rows_of(contract, typed(contract, sent(120)))
    found = fit(LINEAR, contract, rows, tiny, seed=0)
    assert roc_auc_score(rows.labels, found.out_of_fold) > 0.8
