"""Breaking one rule of the contract in rows that keep all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract.features import CategoricalFeature, IntegerFeature, NumericFeature
from monitoring.load.forms import Form

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from contract.features import Feature
    from contract.schema import Contract

UNHEARD_OF = "unheard-of"
"""No feature can be called so, because of the hyphen; as a value, it is text that no category should be."""


@dataclass(frozen=True)
class Spoilt:
    """Rows that must be refused under `rule`, with `words` in the refusal: which row, which feature, which rule.

    Some refusals can't name a row, because a whole column is absent, or a feature, because values came without names.
    """

    rows: list[dict[str, Any]]
    rule: str
    words: tuple[str, ...]


def rules(form: Form, contract: Contract) -> dict[str, tuple[Feature, ...]]:
    """The rules that can be broken in a form, each with the features in which it can be."""
    features = contract.features
    structural = ("missing-feature", "unknown-feature") if form.names_features else ("wrong-length",)
    found: dict[str, tuple[Feature, ...]] = {
        **dict.fromkeys(structural, features),
        "wrong-type": features,
        "not-whole": tuple(feature for feature in features if isinstance(feature, IntegerFeature)),
        "out-of-range": tuple(f for f in features if isinstance(f, NumericFeature | IntegerFeature)),
        "unknown-category": tuple(feature for feature in features if isinstance(feature, CategoricalFeature)),
        "missing-value": tuple(feature for feature in features if not feature.missing.allowed),
    }
    return {rule: able for rule, able in found.items() if able}


def spoil(chance: random.Random, form: Form, contract: Contract, rows: Sequence[dict[str, Any]]) -> Spoilt:
    """Break one rule, drawn at random, in a feature and a row that are drawn too; `rows` themselves stay."""
    able = rules(form, contract)
    rule = chance.choice(list(able))
    feature = chance.choice(able[rule])
    spoilt = [dict(row) for row in rows]
    at = chance.randrange(len(spoilt))
    everywhere = spoilt if form.is_columnar else [spoilt[at]]
    name = feature.name
    match rule:
        case "missing-feature":
            for row in everywhere:
                del row[name]
        case "unknown-feature":
            name = UNHEARD_OF
            for row in everywhere:
                row[name] = 1
        case "wrong-length":
            longer = chance.random() < 0.5  # noqa: PLR2004
            for row in everywhere:
                if longer:
                    row[UNHEARD_OF] = 1
                else:
                    del row[name]
        case _:
            spoilt[at][name] = _value(chance, rule, feature)
    return Spoilt(spoilt, rule, _words(form, rule, at, name))


def _words(form: Form, rule: str, at: int, name: str) -> tuple[str, ...]:
    match rule, form:
        case "missing-feature", Form.TENSORS:
            return (f"absent: {name}",)
        case "unknown-feature", Form.TENSORS:
            return (f"unknown: '{name}'",)
        case "wrong-length", Form.MATRIX:
            return ("columns; it needs",)
        case "wrong-length", _:
            return (f"row {at},", f"'{rule}'")
        case _:
            return (f"row {at}, {name}:", f"'{rule}'")


def _value(chance: random.Random, rule: str, feature: Feature) -> Any:
    match rule, feature:
        case "out-of-range", NumericFeature() | IntegerFeature():
            return _outside(chance, feature)
        case "not-whole", IntegerFeature():
            return chance.randint(math.ceil(feature.range.min), math.floor(feature.range.max)) + 0.5
        case "wrong-type", _:
            texts = isinstance(feature, CategoricalFeature) and isinstance(feature.values[0], str)
            return 1 if texts else UNHEARD_OF
        case "unknown-category", CategoricalFeature():
            numbers = [value for value in (*feature.values, *feature.missing.markers) if isinstance(value, int)]
            return UNHEARD_OF if isinstance(feature.values[0], str) else max(numbers) + chance.randint(1, 9)
        case _:
            return None


def _outside(chance: random.Random, feature: NumericFeature | IntegerFeature) -> float:
    limits = feature.range
    distance = (limits.max - limits.min) * chance.uniform(0.1, 1)
    above, below = limits.max + distance, limits.min - distance
    if isinstance(feature, IntegerFeature):
        above, below = math.ceil(above), math.floor(below)
    usable = [value for value in (above, below) if value not in feature.missing.markers]
    return chance.choice(usable or [above + distance])
