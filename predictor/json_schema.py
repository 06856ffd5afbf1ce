"""JSON Schemas (2020-12) of what one model takes and gives, written from its contract."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature, NumericFeature
from predictor import explain, v2
from predictor.labels import LAST_ROW
from predictor.truth import LONGEST_ID

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from contract.features import Feature
    from predictor.served import Served

Schema = dict[str, Any]

_NUMBERS = [f"{kind}{bits}" for kind in ("INT", "UINT") for bits in (8, 16, 32, 64)] + ["FP32", "FP64"]
_LINES = 100
"""Lines of a table that the pattern goes as far as; more are read all the same."""

_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def record(served: Served) -> Schema:
    """A v1 row by names."""
    features = {feature.name: value(feature) for feature in served.features}
    return {**exact(features), "description": served.bundle.contract.description}


def row(served: Served) -> Schema:
    """A v1 row as an array."""
    values = [value(feature) for feature in served.features]
    names = ", ".join(served.bundle.contract.feature_names)
    return {
        "description": f"the values in the order {names}",
        "type": "array",
        "prefixItems": values,
        "items": False,
        "minItems": len(values),
        "maxItems": len(values),
    }


def value(feature: Feature) -> Schema:
    """What a request may hold for a feature."""
    description = f"{feature.description} ({feature.unit})" if feature.unit else feature.description
    choices: list[Schema]
    match feature:
        case NumericFeature() | IntegerFeature():
            kind = "integer" if isinstance(feature, IntegerFeature) else "number"
            choices = [{"type": kind, "minimum": feature.range.min, "maximum": feature.range.max}]
            if feature.usual:
                description += f"; outside {feature.usual} it is answered with a warning"
        case BooleanFeature():
            choices = [{"enum": [True, False, 1, 0]}]
        case CategoricalFeature():
            choices = [{"const": category.value, "title": category.label} for category in feature.categories]
    if feature.missing.allowed:
        choices += [{"const": marker, "title": "missing"} for marker in feature.missing.markers]
        choices.append({"type": "null", "title": "missing"})
    elif feature.missing.markers:
        choices = [{**choice, "not": {"enum": list(feature.missing.markers)}} for choice in choices]
    return {"description": description, **(choices[0] if len(choices) == 1 else {"anyOf": choices})}


def predictions(served: Served) -> Schema:
    """A v1 answer."""
    bound = {"type": "number"}
    warning = exact(
        {
            "feature": {"enum": served.bundle.contract.feature_names},
            "value": {"type": "number"},
            "usual": exact({"min": bound, "max": bound}),
        }
    )
    prediction = exact(
        {
            "label": {"enum": list(served.labels), "description": "the class decided on"},
            "decision": {"type": "boolean", "description": f"was it decided that the row is {served.labels[1]!r}?"},
            "probabilities": exact(dict.fromkeys(served.labels, _SHARE)),
            "warnings": {**array(warning), "description": "values that are allowed but unusual"},
        }
    )
    rows = array(prediction, 1, served.bundle.contract.max_rows)
    return exact({"predictions": rows, **identity(served), "threshold": _SHARE})


def explanations(served: Served) -> Schema:
    """An answer of `:explain`."""
    number = {"type": "number"}
    names = served.bundle.contract.feature_names
    explanation = exact(
        {
            "label": {"enum": list(served.labels), "description": "the class decided on"},
            "probability": {**_SHARE, "description": f"of {served.labels[1]!r}"},
            "log_odds": number,
            "contributions": exact(dict.fromkeys(names, number)),
            "standard_error": {"type": "number", "minimum": 0},
        }
    )
    typical: dict[str, Schema] = {name: {"type": ["number", "boolean", "string", "null"]} for name in names}
    baseline = exact({"values": exact(typical), "probability": _SHARE, "log_odds": number})
    return exact(
        {
            "explanations": array(explanation, 1, explain.ROWS),
            "baseline": {**baseline, "description": "the row that contributions are differences from"},
            "method": {"type": "object"},
            **identity(served),
        }
    )


def truth(served: Served) -> Schema:
    """A request of `:truth`: the true labels of earlier predictions."""
    target = served.bundle.contract.target
    codes = [code for item in target.classes for code in item.values]
    label = {
        "type": "object",
        "required": ["id", "label"],
        "properties": {
            "id": {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_ID,
                "description": "the x-request-id that the answer carried",
            },
            "row": {
                "type": "integer",
                "minimum": 0,
                "maximum": LAST_ROW,
                "description": "from 0 within the request; 0 unless given",
            },
            "label": {"enum": [*served.labels, *codes], "description": target.description},
            "probability": {
                "anyOf": [_SHARE, {"type": "null"}],
                "description": "what was answered, for rows that another process answered",
            },
        },
        "additionalProperties": False,
    }
    return exact({"truth": array(label, 1, served.max_rows)})


def truth_table(served: Served) -> Schema:
    """The same as CSV; columns may stand in any order, `row` may be left out, and `probability` added."""
    labels = "|".join(map(re.escape, served.labels))
    line = rf"[A-Za-z0-9_-]{{1,60}},[0-9]{{1,6}},({labels})\n"
    return {
        "type": "string",
        "description": "a header with id, row and label, and a line for each row",
        "pattern": rf"^id,row,label\n({line}){{1,{min(served.max_rows, _LINES)}}}$",
    }


def counted(served: Served) -> Schema:
    """An answer of `:truth`."""
    rows = {"type": "integer", "minimum": 0}
    return exact(
        {
            "model_name": {"const": served.name},
            "counted": rows,
            "unmatched": array(exact({"id": {"type": "string"}, "row": rows})),
        }
    )


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
    output = _open({"name": {"enum": list(v2.OUTPUTS)}, "parameters": _open({"binary_data": flag}, set())}, {"name"})
    return _open(
        {
            "id": {"type": ["string", "null"], "description": "comes back in the answer"},
            "parameters": _open({"binary_data_output": flag}, set()),
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
        "probability": _SHARE,
        "decision": {"type": "boolean"},
    }
    shape = array({"type": "integer", "minimum": 1}, 1, 1)
    tensor = [
        exact(
            {
                "name": {"const": name},
                "datatype": {"const": datatype},
                "shape": shape,
                "data": array(values[name], 1),
            }
        )
        for name, datatype in v2.OUTPUTS.items()
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
            "outputs": array(tensor, len(v2.OUTPUTS), len(v2.OUTPUTS)),
            "parameters": {"type": "object"},
        }
    )


def identity(served: Served) -> dict[str, Schema]:
    """The fields of an answer that name the model."""
    return {"model_name": {"const": served.name}, "model_version": {"const": served.version}}


def exact(properties: dict[str, Schema]) -> Schema:
    """An object with these properties, all of them, and no other."""
    return {**_open(properties, properties.keys()), "additionalProperties": False}


def array(items: Schema, least: int = 0, most: int | None = None) -> Schema:
    """An array of `least` to `most` items."""
    return {"type": "array", "items": items, "minItems": least, **({} if most is None else {"maxItems": most})}


def _open(properties: dict[str, Schema], required: AbstractSet[str]) -> Schema:
    return {"type": "object", "required": sorted(required, key=list(properties).index), "properties": properties}


def _tensor(name: Schema, datatypes: list[str], shape: Schema, cell: Schema, columns: int) -> Schema:
    """An input; its `data` may be flat, or hold an array for each row."""
    data = array({"anyOf": [cell, array(cell, columns, columns)]}, 1)
    properties = {"name": name, "shape": shape, "datatype": {"enum": datatypes}, "parameters": _open({}, set())}
    return _open({**properties, "data": data}, {"name", "shape", "datatype", "data"})


def _datatypes(feature: Feature, natural: str) -> list[str]:
    """The datatypes of which the values of a feature may be, that of the metadata first."""
    text = ["BYTES"] if any(isinstance(marker, str) for marker in feature.missing.markers) else []
    fitting = ["BYTES"] if natural == "BYTES" else [*_NUMBERS, *text]
    return [natural, *(datatype for datatype in fitting if datatype != natural)]
