"""What is said of an evaluation is true of it, for two classes and for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from components.learning.evaluation import METRICS, Confusion
from components.reporting.wording import (
    MOST_CATEGORIES,
    SMALL_CLASS,
    alternatives,
    class_counts,
    full_metric_title,
    is_macro,
    metric_title,
    part,
    right,
    shown_metrics,
    small_class,
    threshold_rule,
    values_of,
    within_budget,
    without_suspects,
)
from contract.decision import TargetClass, Threshold
from contract.features import CategoricalFeature, Category
from tests.components.evaluations import with_suspects

if TYPE_CHECKING:
    from components.learning.evaluation import Evaluation
    from contract.schema import Contract


def selecting_on(contract: Contract, metric: str) -> Contract:
    return contract.model_copy(update={"decision": contract.decision.model_copy(update={"metric": metric})})


def many_classes(contract: Contract, count: int) -> Contract:
    classes = tuple(TargetClass(label=f"c{index}", values=(index,)) for index in range(count))
    return contract.model_copy(update={"target": contract.target.model_copy(update={"classes": classes})})


def test_the_metric_that_selects_is_always_shown_and_gini_only_then(heart: Contract) -> None:
    assert shown_metrics(heart) == tuple(name for name in METRICS if name != "gini")
    assert shown_metrics(selecting_on(heart, "gini"))[:2] == ("gini", "roc_auc")
    assert shown_metrics(selecting_on(heart, "f1"), ("roc_auc", "brier")) == ("f1", "roc_auc", "brier")
    assert shown_metrics(selecting_on(heart, "brier"), ("roc_auc", "brier")) == ("roc_auc", "brier")


@pytest.mark.parametrize("metric", METRICS)
def test_only_what_is_averaged_over_classes_is_called_so(heart: Contract, iris: Contract, metric: str) -> None:
    averaged = metric in {"roc_auc", "gini", "pr_auc", "sensitivity", "specificity", "precision", "f1"}
    assert is_macro(iris, metric) is averaged
    assert not is_macro(heart, metric)
    assert full_metric_title(iris, metric).endswith(", macro-average") is averaged
    assert full_metric_title(heart, metric) == metric_title(heart, metric)


def test_the_wanted_sensitivity_is_named(heart: Contract, iris: Contract) -> None:
    assert metric_title(heart, "specificity_at_sensitivity") == "specificity at 90 % sensitivity"
    assert metric_title(iris, "specificity_at_sensitivity") == "specificity at the wanted sensitivity"


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        (Threshold(rule="sensitivity_at_least", value=0.9), "the highest that still finds 90 % of ill out of fold"),
        (Threshold(rule="specificity_at_least", value=0.95), "the lowest that clears 95 % of well out of fold"),
        (Threshold(rule="highest_f1"), "the one with the highest F1 out of fold"),
        (Threshold(rule="highest_accuracy"), "the one with the highest accuracy out of fold"),
        (Threshold(rule="fixed", value=0.3), "fixed at 0.3 by the contract"),
        (Threshold(rule="fixed", value=0.0), "fixed at 0 by the contract"),
    ],
)
def test_threshold_rules(threshold: Threshold, said: str) -> None:
    assert threshold_rule(threshold, ("well", "ill")) == said


def test_counts_of_classes(heart: Contract, iris: Contract) -> None:
    assert class_counts(heart, (1000, 2500)) == "2,500 with disease"
    assert class_counts(iris, (1, 2, 3000)) == "1 setosa, 2 versicolor and 3,000 virginica"
    assert class_counts(many_classes(iris, 9), tuple(range(9))) == "0 to 8 of each of 9 classes"


def test_alternatives_are_listed_while_they_are_few() -> None:
    assert alternatives(("a", "b")) == "a or b"
    assert alternatives(("a", "b", "c")) == "a, b or c"
    assert alternatives([f"c{index}" for index in range(30)]).endswith("c7 and 22 more")


def test_right_answers_are_counted_by_class(iris: Contract) -> None:
    confusion = Confusion(counts=((10, 0, 0), (1, 8, 1), (0, 2, 2000)))
    assert right(iris, confusion) == "2,018 of 2,022: 10 of 10 setosa, 8 of 10 versicolor and 2,000 of 2,002 virginica"
    many = Confusion(counts=tuple(tuple(int(row == column) for column in range(9)) for row in range(9)))
    assert right(many_classes(iris, 9), many) == "9 of 9"


def test_small_classes_are_named(evaluation: Evaluation) -> None:
    sample = evaluation.candidates[0].held_out
    few = sample.model_copy(update={"rows": 2 * SMALL_CLASS - 2, "class_counts": (SMALL_CLASS - 1, SMALL_CLASS - 1)})
    enough = sample.model_copy(update={"rows": 2 * SMALL_CLASS, "class_counts": (SMALL_CLASS, SMALL_CLASS)})
    warning = "Only 19 of class “a” and 19 of class “b” among 38 rows: hardly determined."
    assert small_class(few, ("a", "b")) == warning
    assert small_class(enough, ("a", "b")) is None
    three = sample.model_copy(update={"rows": 41, "class_counts": (SMALL_CLASS, 1, SMALL_CLASS)})
    assert small_class(three, ("a", "b", "c")) == "Only 1 of class “b” among 41 rows: hardly determined."
    many = sample.model_copy(update={"rows": 45, "class_counts": tuple(range(10))})
    assert small_class(many, [f"c{i}" for i in range(10)]) == (
        "Only 0 to 9 of each of 10 classes among 45 rows: hardly determined."
    )


def test_a_candidate_within_its_budget_needs_no_remark(evaluation: Evaluation) -> None:
    first = evaluation.candidates[0]
    assert within_budget(first, evaluation) is None
    short = first.model_copy(update={"fitted_rows": 20_000})
    large = evaluation.model_copy(update={"training_rows": 476_169})
    assert within_budget(short, large) == "fitted on 20,000 of 476,169 rows (budget)"


def test_what_is_lost_without_the_suspects(heart: Contract, evaluation: Evaluation) -> None:
    contract, found = with_suspects(heart, evaluation, ("thal",))
    assert found.selection is not None
    assert found.ablation is not None
    winner = found.candidate(found.selection.winner)
    before, after = winner.resampled.estimates["roc_auc"], found.ablation.resampled.estimates["roc_auc"]
    text = without_suspects(contract, found)
    assert text.startswith(
        f"thal may know the answer. Without it, ROC-AUC is {after.value:.3f} instead of {before.value:.3f} cross-"
    )
    with pytest.raises(ValueError, match="nothing was measured"):
        without_suspects(heart, evaluation)


def test_values_of_many_categories_are_counted(heart: Contract) -> None:
    cities = tuple(Category(value=index, label=f"city {index}") for index in range(11_000))
    feature = CategoricalFeature(name="city", kind="categorical", description="City", categories=cities)
    assert values_of(feature).endswith(f"11 city 11, and {11_000 - MOST_CATEGORIES:,} more")
    assert values_of(heart.features[1]) == "0 female, 1 male"
    assert values_of(heart.features[0]) == "a whole number from 18 to 120"


def test_a_part_is_only_spoken_of_where_there_is_a_rest() -> None:
    assert part(57, 30, "features", "most correlated") == "Of 57 features, the 30 most correlated."
    assert part(30, 30, "features", "most correlated") == ""
