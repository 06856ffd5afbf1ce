"""The proof before readiness: golden requests, answered through the very functions that answer clients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson

from contract.errors import RequestRefused
from predictor import v1
from predictor.errors import GoldenMismatch, MalformedRequest
from predictor.turns import at_once

if TYPE_CHECKING:
    from contract.bundle import Golden
    from predictor.served import Served


def check_golden(served: Served) -> None:
    """Answer the bundle's golden requests, the way of large requests and that of small ones.

    Raises `GoldenMismatch` for the first that isn't answered as the reference did, or refused as it must be.
    """
    golden = served.bundle.golden
    for request in golden.requests:
        difference = _difference(served, request, golden.tolerance)
        if difference:
            raise GoldenMismatch(f"{served.bundle.directory / 'golden.json'}: request {request.title!r}: {difference}")


def _difference(served: Served, request: Golden, tolerance: float) -> str | None:
    expected = f"refused under {request.refused}" if request.refused else "answered"
    body = orjson.dumps({"instances": request.instances})
    try:
        answers = at_once(v1.answer(served, body)), v1.answer_small(served, body)
    except RequestRefused as error:
        if request.refused in {violation.rule for violation in error.violations}:
            return None
        return f"must be {expected}, but is refused: {error}"
    except MalformedRequest as error:
        return f"must be {expected}, but is no request: {error}"
    if request.refused:
        return f"must be {expected}, but is answered"
    differences = (_first_other_row(request, orjson.loads(answer)["predictions"], tolerance) for answer in answers)
    return next(filter(None, differences), None)


def _first_other_row(request: Golden, predictions: list[dict[str, Any]], tolerance: float) -> str | None:
    if not len(predictions) == len(request.probabilities) == len(request.labels):
        return (
            f"{len(predictions)} rows, but {len(request.probabilities)} probabilities and {len(request.labels)} labels"
            " of the reference"
        )
    rows = zip(predictions, request.probabilities, request.labels, strict=True)
    for row, (prediction, reference, label) in enumerate(rows):
        probabilities = prediction["probabilities"]
        if probabilities.keys() != reference.keys():
            return f"row {row}: probabilities of {', '.join(probabilities)}, the reference has {', '.join(reference)}"
        for name, probability in reference.items():
            found = math.nan if probabilities[name] is None else probabilities[name]
            # `not <=` instead of `>`: a NaN must count as a difference.
            if not abs(found - probability) <= tolerance:
                return (
                    f"row {row}: probability {found:.9f} of {name!r}, the reference has {probability:.9f}:"
                    f" {abs(found - probability):.3g} apart, at most {tolerance:g} is allowed"
                )
        if prediction["label"] != label:
            return f"row {row}: label {prediction['label']!r}, the reference has {label!r}"
    return None
