"""What a column is: its kind, its unit, what it may hold, and how a missing value is written.

Every kind has one numeric representation, shared by training and serving (`contract.encoding`): the value itself for
`numeric` and `integer`, 0 or 1 for `boolean`, the position in `categories` for `categorical`, NaN for missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)

from contract.errors import Inconsistent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contract.errors import Contradiction

_CODE_DIGITS = 15  # what float64 holds exactly
_CATEGORIES_SHOWN = 12


def _code(value: object) -> object:
    """Refuse what is no code in one sentence, where a union would complain once for each of its members."""
    if not isinstance(value, int | str) or isinstance(value, bool):
        raise ValueError("must be a whole number or text")  # noqa: TRY004  # pydantic passes a TypeError through
    if isinstance(value, int) and abs(value) >= 10**_CODE_DIGITS:
        raise ValueError(f"must be text or a whole number of at most {_CODE_DIGITS} digits")
    return value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="lower case, digits and underscores")]
Text = Annotated[str, Field(min_length=1)]
Code = Annotated[StrictInt | StrictStr, BeforeValidator(_code)]


class Strict(BaseModel):
    """Base of everything in a contract: unknown fields are errors, types are exact, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Range(Strict):
    """A closed interval, in the feature's unit."""

    min: FiniteFloat
    max: FiniteFloat

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.min >= self.max:
            raise Inconsistent([(("min",), f"must be below max ({plain(self.max)}), not {plain(self.min)}")])
        return self

    def __str__(self) -> str:
        return f"{plain(self.min)} to {plain(self.max)}"


class Missing(Strict):
    """How a missing value is written in this column, and whether a request may leave it out.

    `markers` come on top of those of the table's text file (such as `?`), and mean the same in a request; the file's
    own don't.
    """

    markers: tuple[Code, ...] = ()
    allowed: StrictBool = Field(default=False, description="may a request send null for this feature?")
    informative: StrictBool = Field(
        default=False, description="does it say something by itself that the value is missing? Then the model is told"
    )


class Column(Strict):
    """What all kinds of feature have."""

    name: Name
    column: Text | None = Field(default=None, description="its name in the table's files, where that isn't `name`")
    description: Text
    unit: Text | None = None
    missing: Missing = Missing()
    suspect: Text | None = Field(
        default=None, description="why the value may know the answer; quality is then given without the feature too"
    )


class _Measured(Column):
    range: Range = Field(description="hard range: a value outside is refused")
    usual: Range | None = Field(default=None, description="usual range: a value outside is answered, and counted")

    @model_validator(mode="after")
    def _nested(self) -> _Measured:
        if self.usual and not (self.range.min <= self.usual.min and self.usual.max <= self.range.max):
            raise Inconsistent([(("usual",), f"must lie within range ({self.range}), not {self.usual}")])
        return self


class NumericFeature(_Measured):
    """A real number."""

    kind: Literal["numeric"]


class IntegerFeature(_Measured):
    """A whole number: 63 and 63.0 are the same, 63.5 is refused."""

    kind: Literal["integer"]


class BooleanFeature(Column):
    """Yes or no: `true`/`false` or 1/0."""

    kind: Literal["boolean"]

    @model_validator(mode="after")
    def _unambiguous(self) -> BooleanFeature:
        if {0, 1}.intersection(self.missing.markers):
            raise Inconsistent([(("missing", "markers"), "0 and 1 mean false and true, so they can't mean missing")])
        return self


class Category(Strict):
    """One value that a categorical feature may have, and what people call it."""

    value: Code
    label: Text


class CategoricalFeature(Column):
    """One of a closed list of codes, whose order has no meaning to the model."""

    kind: Literal["categorical"]
    categories: tuple[Category, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _distinct(self) -> CategoricalFeature:
        problems: list[Contradiction] = []
        for field, entries in (("value", self.values), ("label", [category.label for category in self.categories])):
            problems += [
                (("categories", position, field), f"{entries[position]!r} stands more than once; keep one")
                for position in repeated(entries)
            ]
        if len({type(value) for value in self.values}) > 1:
            problems.append((("categories",), "the values must be all whole numbers or all text"))
        for position, marker in enumerate(self.missing.markers):
            path = ("missing", "markers", position)
            if marker in self.values:
                problems.append((path, f"{marker!r} is a category, so it can't mean missing"))
            elif isinstance(marker, int) and isinstance(self.values[0], str):
                problems.append((path, "must be text, as the categories are; put it in quotes"))
        if problems:
            raise Inconsistent(problems)
        return self

    @property
    def values(self) -> tuple[Code, ...]:
        """The codes, in the order that gives a category its position."""
        return tuple(category.value for category in self.categories)


Feature = Annotated[
    NumericFeature | IntegerFeature | BooleanFeature | CategoricalFeature,
    Field(discriminator="kind"),
]


def plain(value: float) -> str:
    """A number as a person would write it: 18, 6.2, 1234567."""
    return f"{value:.15g}"


def repeated(entries: Sequence[Code]) -> list[int]:
    """The positions of entries that stood before, in time linear in their number: a country has 35,000 communes."""
    first: dict[Code, int] = {}
    return [position for position, entry in enumerate(entries) if first.setdefault(entry, position) != position]


def allowed_values(feature: Feature) -> str:
    """What a person may send for `feature`, in words, for error messages and documentation."""
    match feature:
        case NumericFeature():
            text = f"a number from {feature.range}"
        case IntegerFeature():
            text = f"a whole number from {feature.range}"
        case BooleanFeature():
            text = "true, false, 1 or 0"
        case CategoricalFeature():
            shown = ", ".join(f"{c.value!r} ({c.label})" for c in feature.categories[:_CATEGORIES_SHOWN])
            further = len(feature.categories) - _CATEGORIES_SHOWN
            text = f"one of {shown}, or one of {further:,} more" if further > 0 else f"one of {shown}"
    return f"{text}, or null" if feature.missing.allowed else text
