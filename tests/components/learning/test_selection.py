from __future__ import annotations

import math
from typing import Any

import pytest

from components.errors import NoAcceptableCandidate
from components.learning.evaluation import (
    METRICS,
    CandidateEvaluation,
    Confusion,
    Estimate,
    Refusal,
    Resampled,
    Sample,
)
from components.learning.selection import select_candidate
from contract.decision import Decision

SOUND = dict.fromkeys(METRICS, 0.8)


def decision(metric: str = "roc_auc", floors: dict[str, float] | None = None) -> Decision:
    threshold = {"rule": "fixed", "value": 0.5}
    return Decision.model_validate({"metric": metric, "threshold": threshold, "floors": floors or {}})


def candidate(
    name: str,
    complexity: int,
    error: float | None = 0.01,
    held_out: float = 0.8,
    class_counts: tuple[int, ...] = (1, 1),
    **found: float,
) -> CandidateEvaluation:
    """A candidate with these cross-validated numbers, and on the held-out rows the same for every metric."""
    estimates = {
        metric: Estimate(value=value, low=0.0, high=1.0, standard_error=error)
        for metric, value in {**SOUND, **found}.items()
    }
    sample = Sample(
        rows=2,
        class_counts=class_counts,
        estimates={metric: Estimate(value=held_out, low=held_out, high=held_out) for metric in METRICS},
        confusion=Confusion(counts=((1, 0), (0, 1))),
        labels=(0, 1),
        probabilities=(0.2, 0.9),
    )
    return CandidateEvaluation(
        name=name,
        title=name.replace("-", " ").capitalize(),
        complexity=complexity,
        parameters={},
        threshold=0.5,
        fitted_rows=2,
        resampled=Resampled(repeats=1, folds=5, estimates=estimates, scores={}),
        out_of_fold=sample,
        held_out=sample,
        external={},
        slices=(),
        importances=(),
        seconds=1.0,
    )


def test_the_best_wins_where_nothing_simpler_comes_near() -> None:
    found = select_candidate([candidate("tree", 1, roc_auc=0.80), candidate("forest", 2, roc_auc=0.90)], decision())
    assert (found.winner, found.best, found.metric, found.refused) == ("forest", "forest", "roc_auc", ())
    assert found.reason == (
        "Forest has the best ROC-AUC (0.900); nothing simpler lies within one standard error (0.010) of it."
    )


def test_the_simplest_within_one_standard_error_of_the_best_wins() -> None:
    found = select_candidate(
        [
            candidate("soft-vote", 8, error=0.016, roc_auc=0.918),
            candidate("forest", 5, roc_auc=0.915),
            candidate("logistic-regression", 1, roc_auc=0.914),
            candidate("stump", 0, roc_auc=0.901),
        ],
        decision(),
    )
    assert (found.winner, found.best) == ("logistic-regression", "soft-vote")
    assert found.reason == (
        "Soft vote has the best ROC-AUC (0.918); logistic regression (0.914) lies within one standard error (0.016)"
        " of it and is simpler."
    )


@pytest.mark.parametrize(
    ("metric", "title"),
    [("roc_auc", "macro-average ROC-AUC"), ("f1", "macro-average F1"), ("accuracy", "accuracy"), ("brier", "Brier")],
)
def test_of_more_than_two_classes_what_is_averaged_over_them_is_called_so(metric: str, title: str) -> None:
    three = [candidate("tree", 1, class_counts=(1, 1, 1)), candidate("forest", 2, class_counts=(1, 1, 1))]
    assert select_candidate(three, decision(metric)).reason.startswith(f"Tree has the best {title} (0.800); ")
    with pytest.raises(NoAcceptableCandidate, match=r"tree: macro-average ROC-AUC .*; forest: macro-average"):
        select_candidate(three, decision(floors={"roc_auc": 0.9}))
    two = [candidate("tree", 1), candidate("forest", 2)]
    assert "macro" not in select_candidate(two, decision(metric)).reason


def test_the_error_that_counts_is_that_of_the_best() -> None:
    unsure = candidate("simple", 1, error=0.5, roc_auc=0.85)
    assert select_candidate([unsure, candidate("best", 2, error=0.01, roc_auc=0.9)], decision()).winner == "best"
    assert select_candidate([unsure, candidate("best", 2, error=None, roc_auc=0.9)], decision()).winner == "best"


@pytest.mark.parametrize("metric", ["brier", "log_loss"])
def test_of_a_loss_the_smaller_is_the_better(metric: str) -> None:
    values: list[dict[str, Any]] = [{metric: 0.30}, {metric: 0.205}, {metric: 0.20}]
    candidates = [candidate(f"c{rank}", rank, **value) for rank, value in enumerate(values)]
    found = select_candidate(candidates, decision(metric))
    assert (found.best, found.winner) == ("c2", "c1")


def test_a_candidate_that_never_says_disease_cannot_win_on_its_ranking() -> None:
    """What the replaced system did: its SVM had the best ROC-AUC and a recall of 0."""
    silent = candidate("svm", 1, roc_auc=0.99, sensitivity=0.0, specificity=1.0)
    found = select_candidate(
        [silent, candidate("forest", 2, roc_auc=0.9)], decision(floors={"sensitivity": 0.8, "specificity": 0.5})
    )
    assert found.winner == found.best == "forest"
    assert found.refused == (Refusal(candidate="svm", metric="sensitivity", floor=0.8, value=0.0),)


def test_a_refused_candidate_cannot_win_by_being_simple_either() -> None:
    silent = candidate("svm", 1, roc_auc=0.899, sensitivity=0.0)
    found = select_candidate([silent, candidate("forest", 2, roc_auc=0.9)], decision(floors={"sensitivity": 0.8}))
    assert found.winner == "forest"


def test_a_floor_is_reached_by_equality() -> None:
    assert (
        select_candidate([candidate("even", 1, sensitivity=0.8)], decision(floors={"sensitivity": 0.8})).refused == ()
    )


def test_every_missed_floor_is_told_where_nobody_is_acceptable() -> None:
    candidates = [candidate("svm", 1, sensitivity=0.0, roc_auc=0.7), candidate("tree", 2, specificity=0.123456)]
    with pytest.raises(NoAcceptableCandidate) as caught:
        select_candidate(candidates, decision(floors={"roc_auc": 0.75, "sensitivity": 0.8, "specificity": 0.5}))
    assert str(caught.value).startswith(
        "no candidate reaches the contract's floors (svm: ROC-AUC 0.700, floor 0.750; svm: sensitivity 0.000, floor"
        " 0.800; tree: specificity 0.123, floor 0.500). "
    )
    assert "lower them in the contract" in str(caught.value)


@pytest.mark.parametrize("floors", [{}, {"roc_auc": 0.5}, {"sensitivity": 0.0}])
def test_an_undefined_number_is_never_acceptable(floors: dict[str, float]) -> None:
    unknown = candidate("unknown", 1, roc_auc=math.nan, sensitivity=math.nan)
    for order in ([unknown, candidate("known", 2)], [candidate("known", 2), unknown]):
        found = select_candidate(order, decision(floors=floors))
        assert found.winner == found.best == "known"
        assert {refusal.candidate for refusal in found.refused} == {"unknown"}
    with pytest.raises(NoAcceptableCandidate, match="unknown: ROC-AUC nan"):
        select_candidate([unknown], decision(floors=floors))


def test_the_held_out_rows_have_no_say() -> None:
    first, second = (
        select_candidate(
            [candidate("tree", 1, held_out=tree, roc_auc=0.8), candidate("forest", 2, held_out=forest, roc_auc=0.9)],
            decision(floors={"roc_auc": 0.75}),
        )
        for tree, forest in ((0.0, 1.0), (1.0, 0.0))
    )
    assert first == second
    assert first.winner == "forest"
