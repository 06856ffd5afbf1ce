"""KServe's v1 protocol: `{"instances": […]}` in, `{"predictions": […]}` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from contract.errors import RequestRefused
from contract.features import IntegerFeature, NumericFeature
from predictor.errors import MalformedRequest
from predictor.json_body import load_object

if TYPE_CHECKING:
    from contract.encoding import Encoded
    from contract.scorer import Answer
    from predictor.served import Served

_EXAMPLE = '{"instances": [{…}, {…}]}, with one record or one array per row'
_KINDS: dict[type, str] = {dict: "a record", list: "an array"}


def answer(served: Served, body: bytes) -> bytes:
    """Answer one request, all of it or nothing.

    Raises `MalformedRequest` for what isn't v1, and `RequestRefused` for values that break the contract.
    """
    encoded = encode(served, parse(body))
    return render(served, encoded, served.score(encoded))


def parse(body: bytes) -> list[Any]:
    """The instances in a body."""
    content = load_object(body, _EXAMPLE)
    if "instances" not in content:
        raise MalformedRequest(f'the body has no "instances"; send {_EXAMPLE}')
    instances = content["instances"]
    if not isinstance(instances, list):
        raise MalformedRequest(f'"instances" is no list; send {_EXAMPLE}')
    return instances


def encode(served: Served, instances: list[Any]) -> Encoded:
    """Check instances, records or arrays in contract order, and turn them into numbers."""
    served.check_rows(len(instances))
    kinds = set(map(type, instances))
    if kinds == {dict}:
        encoded = served.encoder.from_records(instances)
    elif kinds == {list}:
        encoded = served.encoder.from_arrays(instances)
    else:
        first: type = type(instances[0])
        row = next(row for row, item in enumerate(instances) if type(item) not in _KINDS or type(item) is not first)
        found = _KINDS.get(type(instances[row]), "neither a record nor an array")
        expected = f", unlike row 0, which is {_KINDS[first]}" if row and first in _KINDS else ""
        raise MalformedRequest(f"row {row} is {found}{expected}; send records only or arrays only")
    if encoded.violations:
        raise RequestRefused(encoded.violations)
    return encoded


def render(served: Served, encoded: Encoded, scored: Answer) -> bytes:
    """A prediction per row.

    `label` is the class decided on, `decision` whether that is the positive one, because its probability reaches
    `threshold`. `warnings` lists values that were answered although they lie outside the usual range.
    """
    negative, positive = served.labels
    predictions: list[dict[str, Any]] = [
        {
            "label": positive if decision else negative,
            "decision": decision,
            "probabilities": {negative: 1.0 - probability, positive: probability},
            "warnings": [],
        }
        for probability, decision in zip(scored.probability.tolist(), scored.positive.tolist(), strict=True)
    ]
    for row, position in np.argwhere(encoded.unusual).tolist():
        predictions[row]["warnings"].append(_warning(served, position, encoded.matrix[row, position].item()))
    return orjson.dumps(
        {
            "predictions": predictions,
            "model_name": served.name,
            "model_version": served.version,
            "threshold": served.threshold,
        }
    )


def _warning(served: Served, position: int, value: float) -> dict[str, Any]:
    feature = served.features[position]
    warning: dict[str, Any] = {
        "feature": feature.name,
        "value": int(value) if isinstance(feature, IntegerFeature) else value,
    }
    if isinstance(feature, NumericFeature | IntegerFeature) and feature.usual:
        warning["usual"] = feature.usual.model_dump()
    return warning
