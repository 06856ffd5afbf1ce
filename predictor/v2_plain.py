"""The v2 requests that most clients send, read fast: a few rows in JSON tensors, all outputs wanted.

As `contract.rows` does for values, this takes only what `predictor.v2` would take in silence, to the same numbers, and
passes on the rest. Building and checking the whole request costs ten times as much as scoring its one row.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from predictor.tensor import JSON_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from predictor.served import Served

_FIELDS = frozenset({"id", "inputs"})
_OF_TENSOR = frozenset({"name", "shape", "datatype", "data"})


def read(served: Served, content: dict[str, Any]) -> list[list[float]] | None:
    """The rows of a request in numbers, or `None` if it isn't plain."""
    inputs = content.get("inputs")
    if not content.keys() <= _FIELDS or type(inputs) is not list or type(content.get("id", "")) is not str:
        return None
    for tensor in inputs:
        if type(tensor) is not dict or tensor.keys() != _OF_TENSOR or type(tensor["name"]) is not str:
            return None
    features = len(served.features)
    if len(inputs) == features > 1:
        rows = _of_columns(served, inputs)
    elif len(inputs) == 1 and features > 1:
        rows = _of_matrix(inputs[0], features)
    else:
        return None
    if rows is None or not 0 < len(rows) <= served.max_rows:
        return None
    return served.reader.arrays(rows)


def render(served: Served, identity: str | None, probability: Any, decided: list[int]) -> bytes:
    """All outputs in JSON, as `predictor.v2` renders them."""
    shape = [len(decided)]
    labels = served.labels
    label = {"name": "label", "datatype": "BYTES", "shape": shape, "data": [labels[position] for position in decided]}
    if served.is_binary:
        outputs = [
            label,
            {"name": "probability", "datatype": "FP64", "shape": shape, "data": probability},
            {"name": "decision", "datatype": "BOOL", "shape": shape, "data": [*map(bool, decided)]},
        ]
    else:
        flat = [*chain.from_iterable(probability)]
        outputs = [label, {"name": "probability", "datatype": "FP64", "shape": [*shape, len(labels)], "data": flat}]
    content: dict[str, Any] = {
        "model_name": served.name,
        "model_version": served.version,
        "parameters": served.v2_parameters,
        "outputs": outputs,
    }
    if identity is not None:
        content["id"] = identity
    return orjson.dumps(content)


def _of_columns(served: Served, tensors: list[dict[str, Any]]) -> list[Sequence[Any]] | None:
    by_name = {tensor["name"]: tensor for tensor in tensors}
    rows = len(tensors[0]["data"]) if type(tensors[0]["data"]) is list else 0
    columns = []
    for feature in served.features:
        tensor = by_name.get(feature.name)
        if tensor is None or (not _is_flat(tensor, [rows]) and not _is_flat(tensor, [rows, 1])):
            return None
        columns.append(tensor["data"])
    return list(zip(*columns, strict=True))


def _of_matrix(tensor: dict[str, Any], features: int) -> list[Sequence[Any]] | None:
    data = tensor["data"]
    rows = len(data) // features if type(data) is list else 0
    if not _is_flat(tensor, [rows, features]) or tensor["datatype"] in {"BOOL", "BYTES"}:
        return None
    return [data[start : start + features] for start in range(0, len(data), features)]


def _is_flat(tensor: dict[str, Any], shape: list[int]) -> bool:
    """Whether it has this shape, and as many values of its datatype, in one list."""
    given, data, datatype = tensor["shape"], tensor["data"], tensor["datatype"]
    if given != shape or set(map(type, given)) != {int} or type(data) is not list or len(data) != math.prod(shape):
        return False
    allowed = JSON_TYPES.get(datatype) if type(datatype) is str else None
    return allowed is not None and allowed.issuperset(map(type, data))
