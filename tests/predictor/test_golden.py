"""The proof before readiness finds every kind of difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from predictor.errors import GoldenMismatch
from predictor.golden import check_golden
from predictor.served import Served

if TYPE_CHECKING:
    from contract.bundle import Golden


def with_request(served: Served, request: Golden, **changes: Any) -> Served:
    golden = served.bundle.golden.model_copy(update={"requests": (request.model_copy(update=changes),)})
    return Served(served.name, replace(served.bundle, golden=golden))


@pytest.fixture
def answered(served: Served) -> Golden:
    return next(request for request in served.bundle.golden.requests if not request.refused)


@pytest.fixture
def refused(served: Served) -> Golden:
    return next(request for request in served.bundle.golden.requests if request.refused)


def test_an_honest_bundle_passes(served: Served) -> None:
    check_golden(served)
    assert {bool(request.refused) for request in served.bundle.golden.requests} == {True, False}


def test_another_probability_is_a_difference(served: Served, answered: Golden) -> None:
    with pytest.raises(GoldenMismatch) as mismatch:
        check_golden(with_request(served, answered, probabilities=({"no disease": 0.25, "disease": 0.75},)))
    line = str(mismatch.value)
    assert line.startswith(
        f"{served.bundle.directory}/golden.json: request '{answered.title}': row 0: probability 0.014"
    )
    assert line.endswith(", the reference has 0.250000000: 0.235 apart, at most 1e-06 is allowed")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"probabilities": ({"no disease": float("nan"), "disease": float("nan")},)},
            "of 'no disease', the reference has nan",
        ),
        (
            {"probabilities": ({"no disease": 0.1, "ill": 0.9},)},
            "row 0: probabilities of no disease, disease, the reference has no disease, ill",
        ),
        ({"labels": ("no disease",)}, "row 0: label 'disease', the reference has 'no disease'"),
        ({"labels": ()}, "1 rows, but 1 probabilities and 0 labels of the reference"),
        ({"refused": "out-of-range"}, "must be refused under out-of-range, but is answered"),
        ({"instances": ({"age": 63},)}, "must be answered, but is refused: row 0, sex: (absent)"),
        ({"instances": ()}, "must be answered, but is no request: the request holds no rows"),
    ],
)
def test_every_other_difference_is_named(served: Served, answered: Golden, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GoldenMismatch) as mismatch:
        check_golden(with_request(served, answered, **changes))
    assert words in str(mismatch.value)


def test_a_refusal_under_another_rule_is_a_difference(served: Served, refused: Golden) -> None:
    assert refused.refused == "unknown-category"
    with pytest.raises(GoldenMismatch, match="must be refused under not-whole, but is refused: row 0, cp: 0 breaks"):
        check_golden(with_request(served, refused, refused="not-whole"))
