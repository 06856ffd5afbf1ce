"""The target's classes, and the bounds of what decides."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from contract.decision import LOWER_IS_BETTER, Decision, Floors, Split, Target, TargetClass, Threshold


def target(positive: str) -> Target:
    classes = (TargetClass(label="late", values=("late", "lost")), TargetClass(label="on time", values=("punctual",)))
    return Target(column="arrived", description="When it arrived", classes=classes, positive=positive)


@pytest.mark.parametrize(("positive", "labels"), [("late", ("on time", "late")), ("on time", ("late", "on time"))])
def test_labels_stand_negative_first_whatever_the_file_says(positive: str, labels: tuple[str, str]) -> None:
    assert target(positive).labels == labels
    assert target(positive).is_binary


def test_every_contradiction_of_a_target_is_told() -> None:
    with pytest.raises(ValidationError) as refused:
        Target(
            column="arrived",
            description="When it arrived",
            classes=(TargetClass(label="late", values=(1, 2)), TargetClass(label="late", values=("2", 1))),
            positive="lost",
        )
    text = str(refused.value)
    assert "classes.1.label: 'late' names two classes" in text
    assert "classes.1.values.1: 1 stands more than once" in text
    assert "classes: the values must be all whole numbers or all text" in text
    assert "positive: positive is 'lost', which is no class" in text


def three(positive: str | None = None) -> Target:
    classes = tuple(TargetClass(label=label, values=(label,)) for label in ("setosa", "versicolor", "virginica"))
    return Target(column="species", description="Which it is", classes=classes, positive=positive)


def test_more_than_two_classes_keep_their_order_and_none_is_positive() -> None:
    assert three().labels == ("setosa", "versicolor", "virginica")
    assert not three().is_binary
    with pytest.raises(ValidationError, match="positive: names one class to be found, but there are 3; remove it"):
        three("setosa")


def test_of_two_classes_one_is_to_be_found() -> None:
    classes = (TargetClass(label="late", values=(1,)), TargetClass(label="on time", values=(0,)))
    with pytest.raises(ValidationError, match=r"positive: is required with two classes: name .* late or on time"):
        Target(column="arrived", description="When", classes=classes)
    with pytest.raises(ValidationError, match="at least 2 items"):
        Target(column="arrived", description="When", classes=classes[:1], positive="late")


@pytest.mark.parametrize("rule", ["highest_f1", "highest_accuracy"])
def test_a_rule_that_looks_for_a_maximum_takes_no_value(rule: str) -> None:
    assert Threshold.model_validate({"rule": rule}).value is None
    with pytest.raises(ValidationError, match=f"value: is no part of {rule}"):
        Threshold.model_validate({"rule": rule, "value": 0.5})
    with pytest.raises(ValidationError, match="value: is required by sensitivity_at_least"):
        Threshold.model_validate({"rule": "sensitivity_at_least"})


@pytest.mark.parametrize("share", [-0.01, 1.01, 1.9, float("nan"), float("inf"), True, "0.9"])
def test_a_threshold_and_a_floor_are_shares(share: float) -> None:
    with pytest.raises(ValidationError):
        Threshold(rule="fixed", value=share)
    with pytest.raises(ValidationError):
        Floors(roc_auc=share)


@pytest.mark.parametrize("share", [0, 0.9, 1])
def test_the_ends_are_shares_too(share: float) -> None:
    assert Threshold(rule="sensitivity_at_least", value=share).value == share
    assert Floors(sensitivity=share).sensitivity == share


@pytest.mark.parametrize("held_out", [0, 1, -0.2, float("nan")])
def test_neither_nothing_nor_all_is_held_out(held_out: float) -> None:
    with pytest.raises(ValidationError, match="held_out"):
        Split(method="stratified", held_out=held_out)


def test_the_metrics_where_less_is_better_are_metrics() -> None:
    for metric in LOWER_IS_BETTER:
        fields = {"metric": metric, "threshold": {"rule": "fixed", "value": 0.5}, "floors": {}}
        assert Decision.model_validate(fields).metric == metric
    assert "roc_auc" not in LOWER_IS_BETTER
