"""Which slices are shown, where there are more than a reader can look at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from components.reporting.results import MOST_SLICES, shown_slices

if TYPE_CHECKING:
    from components.learning.evaluation import CandidateEvaluation, Evaluation, Slice
    from contract.schema import Contract


@pytest.fixture(name="winner")
def _winner(evaluation: Evaluation) -> CandidateEvaluation:
    return evaluation.candidates[0]


def part(of: Slice, label: str, value: float, reach: float) -> Slice:
    estimate = of.estimates["roc_auc"].model_copy(update={"value": value, "low": value - reach, "high": value + reach})
    return of.model_copy(update={"label": label, "estimates": {**of.estimates, "roc_auc": estimate}})


def test_few_slices_are_all_shown_as_they_come(heart: Contract, winner: CandidateEvaluation) -> None:
    assert shown_slices(heart, winner) == list(winner.slices)


def test_of_many_those_that_deviate_most_for_their_size(heart: Contract, winner: CandidateEvaluation) -> None:
    first = winner.slices[0]
    whole = winner.out_of_fold.estimates["roc_auc"].value
    usual = [part(first, f"usual {index}", whole + 0.01, 0.05) for index in range(2 * MOST_SLICES)]
    worse = part(first, "worse", whole - 0.2, 0.05)
    better = part(first, "better", whole + 0.08, 0.05)
    rare = part(first, "far off by chance", whole - 0.3, 3.0)
    unknown = part(first, "undefined", math.nan, math.nan)
    many = winner.model_copy(update={"slices": (unknown, *usual, better, rare, worse)})
    shown = [item.label for item in shown_slices(heart, many)]
    assert len(shown) == MOST_SLICES
    assert shown[:3] == ["worse", "better", "usual 0"]
    assert not {"undefined", "far off by chance"}.intersection(shown)
