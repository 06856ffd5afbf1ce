"""The contract of a table: the one place that says what a column is, from training to serving."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, JsonValue, StrictInt, model_validator

from contract.decision import Decision, Split, Target
from contract.encoding import RULES, Encoder
from contract.errors import Inconsistent
from contract.features import Code, Feature, Name, Strict, Text, repeated

if TYPE_CHECKING:
    from contract.errors import Contradiction

FORMAT = 1


class Source(Strict):
    """Where rows come from: a path beside the contract, `http(s)://…` or `s3://bucket/key`; CSV with a header."""

    location: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    title: Text
    note: Text | None = None


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
        problems += self._wrong_examples()
        if problems:
            raise Inconsistent(problems)
        return self

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
        """SHA-256 of the contract's content: files that differ in comments, layout or order of fields have the same."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def class_of(self, raw: Code) -> int | None:
        """0 or 1 for a raw value of the target column, `None` for a value that no class lists."""
        for item in self.target.classes:
            if raw in item.values:
                return self.target.labels.index(item.label)
        return None
