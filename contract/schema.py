"""The contract of a table: the one place that says what a column is, from training to serving."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, JsonValue, StrictInt, model_validator

from contract.decision import Decision, Split, Target
from contract.encoding import RULES, Encoder
from contract.errors import Inconsistent
from contract.features import Code, Feature, Name, Strict, Text, repeated

if TYPE_CHECKING:
    from collections.abc import Collection

    from contract.errors import Contradiction

FORMAT = 1


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Files(Strict):
    """Where a table is: one file, or several that a `preparation` makes one table of, each under the name it knows.

    A location is a path beside the contract, `http(s)://…` or `s3://bucket/key`, of a CSV file with a header or of a
    Parquet file (`.parquet`).
    """

    location: Text | None = None
    sha256: Digest | None = None
    files: dict[Name, Text] = Field(default_factory=dict)
    preparation: Name | None = Field(default=None, description="one of `components.preparation.PREPARATIONS`")

    @model_validator(mode="after")
    def _named(self) -> Self:
        problems: list[Contradiction] = []
        if bool(self.location) == bool(self.files):
            problems.append((("location",), "either location or files is required, not both"))
        if self.files and not self.preparation:
            problems.append((("preparation",), "is required with files: name what makes one table of them"))
        if self.files and self.sha256:
            problems.append((("sha256",), "is that of one file; with files, leave it out"))
        if problems:
            raise Inconsistent(problems)
        return self

    @property
    def locations(self) -> dict[str, str]:
        """Every location under its name; that of a single file under `""`."""
        return dict(self.files) or {"": self.location or ""}

    @property
    def shown(self) -> str:
        """The location, or all of them, in words."""
        return self.location or ", ".join(self.files.values())


class Source(Files):
    """Where rows come from, and what they are.

    `made` stands in, loudly, where none of the files is there: rows of the same shape that nobody observed, for tables
    that can't be shipped. What is learnt from them says nothing about the world.
    """

    title: Text
    note: Text | None = None
    made: Files | None = None


class Exclusion(Strict):
    """A column of the table that must never become a feature, and why."""

    column: Text
    reason: Text


class Example(Strict):
    """A request to show and to check: it is answered, or it is refused under the rule named in `refused`.

    The rules are those of `contract.encoding.RULES`.
    """

    title: Text
    instance: dict[str, JsonValue]
    refused: Text | None = None


class Contract(Strict):
    """A table, its features, its target and how a model of it is chosen. Read it with `contract.load_contract`."""

    format: Literal[1] = Field(description="version of this file format")
    name: Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,40}[a-z0-9])?$")] = Field(
        description="also the name of the model and of the InferenceService, hence a DNS label"
    )
    title: Text
    description: Text
    licence: Text
    citation: Text
    training: Source
    external: dict[Name, Source] = Field(default_factory=dict, description="tables for external validation only")
    missing_markers: tuple[str, ...] = ("",)
    duplicates: Literal["refuse", "warn"] = "refuse"
    features: tuple[Feature, ...] = Field(min_length=1)
    target: Target
    excluded: tuple[Exclusion, ...] = ()
    id_column: Text | None = None
    group_column: Text | None = None
    time_column: Text | None = None
    split: Split
    decision: Decision
    candidates: tuple[Text, ...] = Field(default=(), description="the kinds of model that compete; none means all")
    max_rows: Annotated[StrictInt, Field(ge=1)] = Field(default=10_000, description="rows that one request may hold")
    examples: tuple[Example, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        names = self.feature_names
        problems: list[Contradiction] = [
            (("features", position, "name"), f"{names[position]} stands more than once; keep one")
            for position in repeated(names)
        ]
        roles = {item.column: "excluded" for item in self.excluded}
        roles |= {self.id_column or "": "the id_column", self.target.column: "the target"}
        for column, role in roles.items():
            if column in names:
                rule = f"{column} is {role}, so it can't be a feature; remove one of the two"
                problems.append((("features", names.index(column), "name"), rule))
        if self.split.method == "grouped" and not self.group_column:
            problems.append((("split", "method"), "is 'grouped', which needs group_column; name it"))
        if self.split.method == "time" and not self.time_column:
            problems.append((("split", "method"), "is 'time', which needs time_column; name it"))
        problems += self._wrong_threshold()
        problems += self._wrong_examples()
        if problems:
            raise Inconsistent(problems)
        return self

    def _wrong_threshold(self) -> list[Contradiction]:
        if self.target.is_binary == (self.decision.threshold is not None):
            return []
        rule = (
            "is required with two classes: name a rule"
            if self.target.is_binary
            else f"decides between two classes, and there are {len(self.target.classes)}; remove it"
        )
        return [(("decision", "threshold"), rule)]

    def _wrong_examples(self) -> list[Contradiction]:
        problems: list[Contradiction] = []
        encoder = Encoder(self.features)
        for position, example in enumerate(self.examples):
            broken = encoder.from_records([example.instance]).violations
            if example.refused is None and broken:
                problems.append((("examples", position, "instance"), f"must be answered, but {broken[0].reason}"))
            elif example.refused and example.refused not in RULES:
                rule = f"{example.refused!r} is no rule; the rules are {', '.join(RULES)}"
                problems.append((("examples", position, "refused"), rule))
            elif example.refused and example.refused not in {violation.rule for violation in broken}:
                found = f"'{broken[0].rule}'" if broken else "no rule"
                problems.append((("examples", position, "refused"), f"is '{example.refused}', but it breaks {found}"))
        if all(example.refused for example in self.examples):
            problems.append((("examples",), "at least one must be answered, but all have `refused`"))
        return problems

    @property
    def feature_names(self) -> list[str]:
        """The features in contract order: the order of arrays, of matrices and of the model's inputs."""
        return [feature.name for feature in self.features]

    @property
    def required_columns(self) -> list[str]:
        """What a training table must have; further columns are ignored."""
        extra = [column for column in (self.id_column, self.group_column, self.time_column) if column]
        return list(dict.fromkeys([*self.feature_names, self.target.column, *extra]))

    @property
    def digest(self) -> str:
        """SHA-256 of the contract's content: files that differ in comments, layout or order of fields have the same.

        What is left at its default doesn't count, so that a field which contracts gain later changes no digest.
        """
        content = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def without(self, names: Collection[str]) -> Contract:
        """The same table, less these features; its examples lose them too."""
        kept = tuple(feature for feature in self.features if feature.name not in names)
        examples = tuple(
            example.model_copy(update={"instance": {k: v for k, v in example.instance.items() if k not in names}})
            for example in self.examples
            if not example.refused
        )
        return self.model_copy(update={"features": kept, "examples": examples})

    @property
    def suspects(self) -> tuple[str, ...]:
        """The features that may know the answer."""
        return tuple(feature.name for feature in self.features if feature.suspect)

    def class_of(self, raw: Code) -> int | None:
        """The position in `Target.labels` for a raw value of the target column, `None` for one that no class lists."""
        for item in self.target.classes:
            if raw in item.values:
                return self.target.labels.index(item.label)
        return None
