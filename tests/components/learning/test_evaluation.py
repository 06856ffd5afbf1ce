from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from components.learning.evaluation import METRIC_TITLES, METRICS, Estimate, Evaluation, Refusal

if TYPE_CHECKING:
    from components.learning.evaluation import CandidateEvaluation


def test_every_metric_has_a_title() -> None:
    assert tuple(METRIC_TITLES) == METRICS


def test_an_estimate_is_shown_with_its_interval() -> None:
    assert str(Estimate(value=0.91449, low=0.88, high=0.9449)) == "0.914 [0.880, 0.945]"


def test_an_undefined_number_is_null_in_json_and_comes_back() -> None:
    text = Estimate(value=math.nan, low=math.nan, high=math.nan).model_dump_json()
    assert json.loads(text) == {"value": None, "low": None, "high": None, "standard_error": None}
    again = Estimate.model_validate_json(text)
    assert str(again) == "undefined"
    assert math.isnan(again.low)
    refusal = Refusal(candidate="svm", metric="roc_auc", floor=0.5, value=math.nan)
    assert math.isnan(Refusal.model_validate_json(refusal.model_dump_json()).value)


def test_a_number_is_still_required_to_be_one() -> None:
    with pytest.raises(ValidationError):
        Estimate.model_validate_json('{"value": "much", "low": 0, "high": 1}')


def test_a_candidate_is_found_by_its_name(judged: CandidateEvaluation) -> None:
    evaluation = Evaluation(
        format=1,
        contract_digest="",
        data_sha256="",
        effort="tiny",
        training_rows=1,
        held_out_rows=1,
        candidates=(judged,),
    )
    assert evaluation.candidate(judged.name) is judged
    with pytest.raises(KeyError, match="oracle"):
        evaluation.candidate("oracle")
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
