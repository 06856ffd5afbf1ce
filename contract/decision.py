"""What the model is asked to decide: the target and its classes, the split, the choice of a winner and threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictInt, model_validator

from contract.errors import Inconsistent
from contract.features import Code, Strict, Text, repeated

if TYPE_CHECKING:
    from contract.errors import Contradiction

Share = Annotated[float, Field(ge=0, le=1)]
Metric = Literal["roc_auc", "pr_auc", "brier", "log_loss", "accuracy", "f1"]
LOWER_IS_BETTER: frozenset[str] = frozenset({"brier", "log_loss"})


class TargetClass(Strict):
    """A class of the target: what people call it, and the raw values of the column that mean it."""

    label: Text
    values: tuple[Code, ...] = Field(min_length=1)


class Target(Strict):
    """The column to predict. Its two classes, negative first or last; `positive` names the one to be found."""

    column: Text
    description: Text
    classes: tuple[TargetClass, TargetClass]
    positive: Text

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
            (("classes", place, "label"), f"{labels[place]!r} names both classes; each needs a label of its own")
            for place in repeated(labels)
        ]
        problems += [(paths[at], f"{values[at]!r} stands more than once; keep one") for at in repeated(values)]
        if len({type(value) for value in values}) > 1:
            problems.append((("classes",), "the values must be all whole numbers or all text"))
        if self.positive not in labels:
            rule = f"positive is {self.positive!r}, which is no class; the classes are {', '.join(labels)}"
            problems.append((("positive",), rule))
        if problems:
            raise Inconsistent(problems)
        return self

    @property
    def negative(self) -> str:
        """The label of the class that isn't `positive`."""
        return next(item.label for item in self.classes if item.label != self.positive)

    @property
    def labels(self) -> tuple[str, str]:
        """Both labels, negative first: the position is the encoded class, 0 or 1."""
        return self.negative, self.positive


class Split(Strict):
    """How rows are held out, once, before anything is fitted."""

    method: Literal["stratified", "grouped", "time"]
    held_out: Annotated[float, Field(gt=0, lt=1)] = Field(description="share of rows that training never sees")
    seed: StrictInt = 0


class Threshold(Strict):
    """How the probability becomes a decision, chosen on out-of-fold predictions of the training rows.

    `sensitivity_at_least` takes the highest threshold that still finds this share of the positives,
    `specificity_at_least` the lowest that clears this share of the negatives, `fixed` the value itself.
    """

    rule: Literal["sensitivity_at_least", "specificity_at_least", "fixed"]
    value: Share


class Floors(Strict):
    """What a candidate must reach in cross-validation, at its own threshold, before its metric counts at all."""

    roc_auc: Share | None = None
    sensitivity: Share | None = None
    specificity: Share | None = None
    precision: Share | None = None
    accuracy: Share | None = None


class Decision(Strict):
    """How the winner is chosen."""

    metric: Metric
    threshold: Threshold
    floors: Floors
