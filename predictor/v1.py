"""KServe's v1 protocol: `{"instances": […]}` in, `{"predictions": […]}` out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from contract.errors import RequestRefused
from contract.features import IntegerFeature, NumericFeature
from predictor import json_numbers
from predictor.errors import MalformedRequest
from predictor.json_body import load_object
from predictor.turns import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from contract.encoding import Encoded
    from contract.scorer import Answer, Vector
    from predictor.served import Served
    from predictor.turns import Turns

    Warned = Mapping[int, list[dict[str, Any]]]

_EXAMPLE = '{"instances": [{…}, {…}]}, with one record or one array per row'
_KINDS: dict[type, str] = {dict: "a record", list: "an array"}


def answer(served: Served, body: bytes, score: Callable[[Vector], Answer] | None = None) -> Turns[bytes]:
    """Answer one request, all of it or nothing.

    Raises `MalformedRequest` for what isn't v1, and `RequestRefused` for values that break the contract.
    """
    encoded = yield from _encoded_in_turns(served, body)
    scored = yield from served.score(encoded.matrix, score)
    predictions = []
    for rows in parts(len(encoded.matrix)):
        warned = _warned(served, encoded.matrix[rows], encoded.unusual[rows])
        probability, positive = scored.probability[rows].tolist(), scored.positive[rows].tolist()
        predictions.append(_predictions(served, warned, probability, positive))
        yield
    return _body(served, b",".join(predictions))


def answer_small(served: Served, body: bytes) -> bytes:
    """The same at once, the way that a few rows take. Raises what `answer` does."""
    rows, warned = read(served, parse(body))
    scored = served.bundle.scorer(np.array(rows))
    return render(served, warned, scored.probability.tolist(), scored.positive.tolist())


def parse(body: bytes) -> list[Any]:
    """The instances in a body."""
    content = load_object(body, _EXAMPLE)
    if "instances" not in content:
        raise MalformedRequest(f'the body has no "instances"; send {_EXAMPLE}')
    instances = content["instances"]
    if not isinstance(instances, list):
        raise MalformedRequest(f'"instances" is no list; send {_EXAMPLE}')
    return instances


def read(served: Served, instances: list[Any]) -> tuple[list[list[float]], Warned]:
    """Check a few instances: their rows in numbers, and by row the warnings about them. Raises what `answer` does."""
    rows = read_plain(served, instances)
    if rows is not None:
        return rows, {}
    encoded = encode(served, instances)
    return encoded.matrix.tolist(), _warned(served, encoded.matrix, encoded.unusual)


def read_plain(served: Served, instances: list[Any]) -> list[list[float]] | None:
    """The rows of a few instances, or `None` if something is to be said about a value. Raises `MalformedRequest`."""
    kind = _kind(served, instances)
    return served.reader.records(instances) if kind is dict else served.reader.arrays(instances)


def encode(served: Served, instances: list[Any]) -> Encoded:
    """Check instances, records or arrays in contract order, and turn them into numbers."""
    encoded = _encoded(served, _kind(served, instances), instances)
    if encoded.violations:
        raise RequestRefused(encoded.violations)
    return encoded


def render(served: Served, warned: Warned, probability: Sequence[float], positive: Sequence[bool]) -> bytes:
    """A prediction per row.

    `label` is the class decided on, `decision` whether that is the positive one, because its probability reaches
    `threshold`. `warnings` lists values that were answered although they lie outside the usual range.
    """
    return _body(served, _predictions(served, warned, probability, positive))


def _encoded_in_turns(served: Served, body: bytes) -> Turns[Encoded]:
    matrix = json_numbers.rows(body, len(served.features))
    if matrix is not None:
        served.check_rows(len(matrix))
        yield
        with suppress(RequestRefused):  # which is told below, in the values that were sent
            return (yield from served.encode(len(matrix), lambda rows: served.encoder.from_matrix(matrix[rows])))
    instances = parse(body)
    kind = _kind(served, instances)
    yield
    return (yield from served.encode(len(instances), lambda rows: _encoded(served, kind, instances[rows])))


def _kind(served: Served, instances: list[Any]) -> type:
    served.check_rows(len(instances))
    first: type = type(instances[0])
    if first in _KINDS and set(map(type, instances)) == {first}:
        return first
    row = next(row for row, item in enumerate(instances) if type(item) not in _KINDS or type(item) is not first)
    found = _KINDS.get(type(instances[row]), "neither a record nor an array")
    expected = f", unlike row 0, which is {_KINDS[first]}" if row and first in _KINDS else ""
    raise MalformedRequest(f"row {row} is {found}{expected}; send records only or arrays only")


def _encoded(served: Served, kind: type, instances: list[Any]) -> Encoded:
    return served.encoder.from_records(instances) if kind is dict else served.encoder.from_arrays(instances)


def _predictions(served: Served, warned: Warned, probability: Sequence[float], positive: Sequence[bool]) -> bytes:
    """The predictions as JSON, without the brackets: rows differ in two numbers mostly, so the rest is JSON already."""
    before, between = served.v1_pieces
    parts_of_rows = [b'},"warnings":[]},'] * (5 * len(positive))
    parts_of_rows[0::5] = [before[decision] for decision in positive]
    parts_of_rows[1::5] = orjson.dumps([1.0 - value for value in probability])[1:-1].split(b",")
    parts_of_rows[2::5] = [between] * len(positive)
    parts_of_rows[3::5] = orjson.dumps(probability)[1:-1].split(b",")
    for row, warnings in warned.items():
        parts_of_rows[5 * row + 4] = b'},"warnings":%b},' % orjson.dumps(warnings)
    return b"".join(parts_of_rows)[:-1]


def _body(served: Served, predictions: bytes) -> bytes:
    return b'{"predictions":[%b],%b' % (predictions, served.v1_signature)


def _warned(served: Served, matrix: Any, unusual: Any) -> Warned:
    warned: dict[int, list[dict[str, Any]]] = {}
    for row, position in np.argwhere(unusual).tolist():
        warned.setdefault(row, []).append(_warning(served, position, matrix[row, position].item()))
    return warned


def _warning(served: Served, position: int, value: float) -> dict[str, Any]:
    feature = served.features[position]
    warning: dict[str, Any] = {
        "feature": feature.name,
        "value": int(value) if isinstance(feature, IntegerFeature) else value,
    }
    if isinstance(feature, NumericFeature | IntegerFeature) and feature.usual:
        warning["usual"] = feature.usual.model_dump()
    return warning
