"""JSON Schemas (2020-12) of what one model takes and gives in v1, written from its contract."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature, NumericFeature
from predictor import explain
from predictor.labels import LAST_ROW
from predictor.truth import LONGEST_ID

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from contract.features import Feature
    from predictor.served import Served

Schema = dict[str, Any]

_LINES = 100
"""Lines of a table that the pattern goes as far as; more are read all the same."""

MOST_TITLES = 50
"""Categories up to which each has its title; more are listed as plain codes, or the document would grow too long."""

SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}


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
            choices = _categories(feature)
    if feature.missing.allowed:
        choices += [{"const": marker, "title": "missing"} for marker in feature.missing.markers]
        choices.append({"type": "null", "title": "missing"})
    elif feature.missing.markers:
        choices = [{**choice, "not": {"enum": list(feature.missing.markers)}} for choice in choices]
    return {"description": description, **(choices[0] if len(choices) == 1 else {"anyOf": choices})}


def _categories(feature: CategoricalFeature) -> list[Schema]:
    if len(feature.categories) > MOST_TITLES:
        return [{"enum": list(feature.values)}]
    return [{"const": category.value, "title": category.label} for category in feature.categories]


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
    decision = {"type": "boolean", "description": f"was it decided that the row is {served.labels[-1]!r}?"}
    prediction = exact(
        {
            "label": _label(served),
            **({"decision": decision} if served.is_binary else {}),
            "probabilities": exact(dict.fromkeys(served.labels, SHARE)),
            "warnings": {**array(warning), "description": "values that are allowed but unusual"},
        }
    )
    rows = array(prediction, 1, served.bundle.contract.max_rows)
    return exact({"predictions": rows, **identity(served), **({"threshold": SHARE} if served.is_binary else {})})


def explanations(served: Served) -> Schema:
    """An answer of `:explain`."""
    number = {"type": "number"}
    names = served.bundle.contract.feature_names
    explained = {"enum": list(served.labels), "description": "the class that is explained"}
    explanation = exact(
        {
            "label": _label(served),
            **({} if served.is_binary else {"class": explained}),
            "probability": {**SHARE, "description": f"of {served.labels[-1]!r}" if served.is_binary else "of `class`"},
            "log_odds": number,
            "contributions": exact(dict.fromkeys(names, number)),
            "standard_error": {"type": "number", "minimum": 0},
        }
    )
    typical: dict[str, Schema] = {name: {"type": ["number", "boolean", "string", "null"]} for name in names}
    of_baseline: dict[str, Schema] = {"probability": SHARE, "log_odds": number}
    if not served.is_binary:
        by_class = (exact(dict.fromkeys(served.labels, kind)) for kind in of_baseline.values())
        of_baseline = dict(zip(("probabilities", "log_odds"), by_class, strict=True))
    baseline = exact({"values": exact(typical), **of_baseline})
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
    classes = len(served.labels)
    probability = (
        SHARE
        if served.is_binary
        else {**array(SHARE, classes, classes), "description": "of each class, in their order"}
    )
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
                "anyOf": [probability, {"type": "null"}],
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


def identity(served: Served) -> dict[str, Schema]:
    """The fields of an answer that name the model."""
    return {"model_name": {"const": served.name}, "model_version": {"const": served.version}}


def _label(served: Served) -> Schema:
    return {"enum": list(served.labels), "description": "the class decided on"}


def exact(properties: dict[str, Schema]) -> Schema:
    """An object with these properties, all of them, and no other."""
    return {**open_object(properties, properties.keys()), "additionalProperties": False}


def array(items: Schema, least: int = 0, most: int | None = None) -> Schema:
    """An array of `least` to `most` items."""
    return {"type": "array", "items": items, "minItems": least, **({} if most is None else {"maxItems": most})}


def open_object(properties: dict[str, Schema], required: AbstractSet[str]) -> Schema:
    """An object with these properties, of which some are required; it may have others."""
    return {"type": "object", "required": sorted(required, key=list(properties).index), "properties": properties}
