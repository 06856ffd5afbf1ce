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
    from contract.scorer import Answer, Floats
    from predictor.batching import Probabilities
    from predictor.served import Served
    from predictor.turns import Turns

    Warned = Mapping[int, list[dict[str, Any]]]

EXAMPLE = '{"instances": [{…}, {…}]}, with one record or one array per row'
_AFTER = b'},"warnings":[]},'
_KINDS: dict[type, str] = {dict: "a record", list: "an array"}


def answer(served: Served, body: bytes, score: Callable[[Floats], Answer] | None = None) -> Turns[bytes]:
    """Answer one request, all of it or nothing.

    Raises `MalformedRequest` for what isn't v1, and `RequestRefused` for values that break the contract.
    """
    encoded = yield from _encoded_in_turns(served, body)
    scored = yield from served.score(encoded.matrix, score)
    predictions = []
    for rows in parts(len(encoded.matrix)):
        warned = _warned(served, encoded.matrix[rows], encoded.unusual[rows])
        probability, decided = scored.probability[rows].tolist(), scored.decided[rows].tolist()
        predictions.append(_predictions(served, warned, probability, decided))
        yield
    return _body(served, b",".join(predictions))


def answer_small(served: Served, body: bytes) -> bytes:
    """The same at once, the way that a few rows take. Raises what `answer` does."""
    rows, warned = read(served, parse(body))
    scored = served.bundle.scorer(np.array(rows))
    return render(served, warned, scored.probability.tolist(), scored.decided.tolist())


def parse(body: bytes) -> list[Any]:
    """The instances in a body. Raises `MalformedRequest`."""
    return instances_of(load_object(body, EXAMPLE))


def instances_of(content: dict[str, Any]) -> list[Any]:
    """The instances in a body's JSON. Raises `MalformedRequest`."""
    if "instances" not in content:
        raise MalformedRequest(f'the body has no "instances"; send {EXAMPLE}')
    instances = content["instances"]
    if not isinstance(instances, list):
        raise MalformedRequest(f'"instances" is no list; send {EXAMPLE}')
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


def render(served: Served, warned: Warned, probability: Probabilities, decided: Sequence[int]) -> bytes:
    """A prediction per row.

    `label` is the class decided on, and of two classes `decision` whether that is the positive one, because its
    probability reaches `threshold`. `warnings` lists values that were answered although they lie outside the usual
    range.
    """
    return _body(served, _predictions(served, warned, probability, decided))


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


def _predictions(served: Served, warned: Warned, probability: Any, decided: Sequence[int]) -> bytes:
    """The predictions as JSON, without the brackets: rows differ in a few numbers, so the rest is JSON already."""
    before, between = served.v1_pieces
    if not served.is_binary:
        return _of_many_classes(before, between, warned, probability, decided)
    pieces = [_AFTER] * (5 * len(decided))
    pieces[0::5] = [before[position] for position in decided]
    pieces[1::5] = orjson.dumps([1.0 - value for value in probability])[1:-1].split(b",")
    pieces[2::5] = [between[0]] * len(decided)
    pieces[3::5] = orjson.dumps(probability)[1:-1].split(b",")
    return _joined(pieces, warned, 5)


def _of_many_classes(
    before: Sequence[bytes], between: Sequence[bytes], warned: Warned, probability: Any, decided: Sequence[int]
) -> bytes:
    """The same with a column of probabilities for each class."""
    size = 2 * len(before) + 1
    pieces = [_AFTER] * (size * len(decided))
    pieces[0::size] = [before[position] for position in decided]
    for number, column in enumerate(zip(*probability, strict=True)):
        pieces[2 * number + 1 :: size] = orjson.dumps(column)[1:-1].split(b",")
    for number, piece in enumerate(between, start=1):
        pieces[2 * number :: size] = [piece] * len(decided)
    return _joined(pieces, warned, size)


def _joined(pieces: list[bytes], warned: Warned, size: int) -> bytes:
    """Rows of `size` pieces each, with the warnings in the last."""
    for row, warnings in warned.items():
        pieces[size * (row + 1) - 1] = b'},"warnings":%b},' % orjson.dumps(warnings)
    return b"".join(pieces)[:-1]


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
