"""What the model is asked to decide: the target and its classes, the split, the choice of a winner and threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictInt, model_validator

from contract.errors import Inconsistent
from contract.features import Code, Strict, Text, repeated

if TYPE_CHECKING:
    from contract.errors import Contradiction

Share = Annotated[float, Field(ge=0, le=1)]
Metric = Literal["roc_auc", "gini", "pr_auc", "brier", "log_loss", "accuracy", "f1"]
PAIR = 2
"""With so many classes one is to be found, and a threshold decides; of more, the most probable one is answered."""

LOWER_IS_BETTER: frozenset[str] = frozenset({"brier", "log_loss"})


class TargetClass(Strict):
    """A class of the target: what people call it, and the raw values of the column that mean it."""

    label: Text
    values: tuple[Code, ...] = Field(min_length=1)


class Target(Strict):
    """The column to predict, and its classes. Of two, in either order, `positive` names the one to be found."""

    column: Text
    description: Text
    classes: tuple[TargetClass, ...] = Field(min_length=2)
    positive: Text | None = Field(default=None, description="of two classes the one to be found; of more there is none")

    @model_validator(mode="after")
    def _consistent(self) -> Target:
        labels = [item.label for item in self.classes]
        values = [value for item in self.classes for value in item.values]
        paths = [
            ("classes", place, "values", position)
            for place, item in enumerate(self.classes)
            for position in range(len(item.values))
        ]
        problems: list[Contradiction] = [
            (("classes", place, "label"), f"{labels[place]!r} names two classes; each needs a label of its own")
            for place in repeated(labels)
        ]
        problems += [(paths[at], f"{values[at]!r} stands more than once; keep one") for at in repeated(values)]
        if len({type(value) for value in values}) > 1:
            problems.append((("classes",), "the values must be all whole numbers or all text"))
        problems += self._wrong_positive(labels)
        if problems:
            raise Inconsistent(problems)
        return self

    def _wrong_positive(self, labels: list[str]) -> list[Contradiction]:
        if len(labels) > PAIR:
            rule = f"names one class to be found, but there are {len(labels)}; remove it"
            return [(("positive",), rule)] if self.positive is not None else []
        if self.positive is None:
            return [(("positive",), f"is required with two classes: name the one to be found, {' or '.join(labels)}")]
        if self.positive not in labels:
            rule = f"positive is {self.positive!r}, which is no class; the classes are {', '.join(labels)}"
            return [(("positive",), rule)]
        return []

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, one of them to be found."""
        return len(self.classes) == PAIR

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels; the position is the encoded class. Of two the positive is last, more keep their order."""
        labels = [item.label for item in self.classes]
        return tuple(sorted(labels, key=lambda label: label == self.positive))


class Split(Strict):
    """How rows are held out, once, before anything is fitted."""

    method: Literal["stratified", "grouped", "time"]
    held_out: Annotated[float, Field(gt=0, lt=1)] = Field(description="share of rows that training never sees")
    seed: StrictInt = 0


class Threshold(Strict):
    """How the probability becomes a decision, chosen on out-of-fold predictions of the training rows.

    `sensitivity_at_least` takes the highest threshold that still finds this share of the positives,
    `specificity_at_least` the lowest that clears this share of the negatives, `fixed` the value itself; `highest_f1`
    and `highest_accuracy` need no value.
    """

    rule: Literal["sensitivity_at_least", "specificity_at_least", "fixed", "highest_f1", "highest_accuracy"]
    value: Share | None = None

    @model_validator(mode="after")
    def _complete(self) -> Threshold:
        if self.rule.startswith("highest_") == (self.value is None):
            return self
        rule = f"is no part of {self.rule}; remove it" if self.value is not None else f"is required by {self.rule}"
        raise Inconsistent([(("value",), rule)])


class Floors(Strict):
    """What a candidate must reach in cross-validation, at its own threshold, before its metric counts at all."""

    roc_auc: Share | None = None
    sensitivity: Share | None = None
    specificity: Share | None = None
    precision: Share | None = None
    accuracy: Share | None = None


class Decision(Strict):
    """How the winner is chosen. Between two classes a threshold decides; of more the most probable is answered."""

    metric: Metric
    threshold: Threshold | None = None
    floors: Floors
