"""JSON Schemas (2020-12) of what one model takes and gives in v2, written from its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from predictor import v2
from predictor.json_schema import SHARE, array, exact, identity, open_object, value
from predictor.outputs import outputs_of

if TYPE_CHECKING:
    from contract.features import Feature
    from predictor.json_schema import Schema
    from predictor.served import Served

_NUMBERS = [f"{kind}{bits}" for kind in ("INT", "UINT") for bits in (8, 16, 32, 64)] + ["FP32", "FP64"]


def tensors(served: Served) -> Schema:
    """A v2 request in JSON: a tensor for each feature, in any order, or one of shape [rows, features] for all."""
    count = len(served.features)
    rows = {"type": "integer", "minimum": 1, "maximum": served.bundle.contract.max_rows}
    column = {"type": "array", "prefixItems": [rows, {"const": 1}], "items": False, "minItems": 1, "maxItems": 2}
    columns = [
        _tensor({"const": feature.name}, _datatypes(feature, tensor["datatype"]), column, value(feature), 1)
        for feature, tensor in zip(served.features, inputs(served), strict=True)
    ]
    forms = [array({"anyOf": columns}, count, count)]
    if count == 1:
        columns[0]["properties"]["name"] = {"type": "string"}
    elif all(tensor["datatype"] != "BYTES" for tensor in inputs(served)):
        shape = {"type": "array", "prefixItems": [rows, {"const": count}], "items": False, "minItems": 2, "maxItems": 2}
        forms.append(array(_tensor({"type": "string"}, _NUMBERS, shape, {"type": ["number", "null"]}, count), 1, 1))
    flag = {"description": "true for binary"}
    output = open_object(
        {"name": {"enum": list(outputs_of(served))}, "parameters": open_object({"binary_data": flag}, set())}, {"name"}
    )
    return open_object(
        {
            "id": {"type": ["string", "null"], "description": "comes back in the answer"},
            "parameters": open_object({"binary_data_output": flag}, set()),
            "inputs": {"anyOf": forms},
            "outputs": {**array(output), "description": "what to answer; everything without it"},
        },
        {"inputs"},
    )


def inputs(served: Served) -> list[dict[str, Any]]:
    """The tensors that the model's metadata announces, in contract order."""
    tensors: list[dict[str, Any]] = orjson.loads(v2.metadata(served))["inputs"]
    return tensors


def outputs(served: Served) -> Schema:
    """A v2 answer in JSON."""
    values: dict[str, Schema] = {
        "label": {"enum": list(served.labels)},
        "probability": SHARE,
        "decision": {"type": "boolean"},
    }
    tensor = [
        exact(
            {
                "name": {"const": name},
                "datatype": {"const": datatype},
                "shape": array({"type": "integer", "minimum": 1}, 1 + len(shape), 1 + len(shape)),
                "data": array(values[name], 1),
            }
        )
        for name, (datatype, shape) in outputs_of(served).items()
    ]
    content = {
        **identity(served),
        "id": {"type": "string"},
        "parameters": {"type": "object"},
        "outputs": array({"anyOf": tensor}, 1, len(tensor)),
    }
    return {**exact(content), "required": [name for name in content if name != "id"]}


def metadata(served: Served) -> Schema:
    """What the model says of itself (v2)."""
    text = {"type": "string"}
    tensor = exact({"name": text, "datatype": text, "shape": array({"type": "integer"}, 1)})
    return exact(
        {
            "name": {"const": served.name},
            "versions": array(text, 1),
            "platform": text,
            "inputs": array(tensor, len(served.features), len(served.features)),
            "outputs": array(tensor, len(outputs_of(served)), len(outputs_of(served))),
            "parameters": {"type": "object"},
        }
    )


def _tensor(name: Schema, datatypes: list[str], shape: Schema, cell: Schema, columns: int) -> Schema:
    """An input; its `data` may be flat, or hold an array for each row."""
    data = array({"anyOf": [cell, array(cell, columns, columns)]}, 1)
    properties = {"name": name, "shape": shape, "datatype": {"enum": datatypes}, "parameters": open_object({}, set())}
    return open_object({**properties, "data": data}, {"name", "shape", "datatype", "data"})


def _datatypes(feature: Feature, natural: str) -> list[str]:
    """The datatypes of which the values of a feature may be, that of the metadata first."""
    text = ["BYTES"] if any(isinstance(marker, str) for marker in feature.missing.markers) else []
    fitting = ["BYTES"] if natural == "BYTES" else [*_NUMBERS, *text]
    return [natural, *(datatype for datatype in fitting if datatype != natural)]
