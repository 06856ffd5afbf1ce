"""What is drawn of an evaluation: every candidate, its own numbers, its own threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from components.learning.evaluation import Confusion, Importance
from components.reporting.evaluation_figures import (
    MOST_IMPORTANT,
    Origin,
    confusion_matrices,
    importances,
    intervals,
)
from tests.components.reporting.drawn import legend_of, points, texts

if TYPE_CHECKING:
    from components.learning.evaluation import Evaluation
    from contract.schema import Contract


def test_intervals_draw_each_estimate_in_its_own_panel(evaluation: Evaluation) -> None:
    items = evaluation.candidates
    nested = Origin("nested", [item.resampled.estimates for item in items])
    held_out = Origin("held out", [item.held_out.estimates for item in items])
    figure = intervals([item.title for item in items], [nested, held_out], ["roc_auc", "brier"], 0)
    assert legend_of(figure) == ["nested", "held out"]
    for axes, metric in zip(figure.axes, ("roc_auc", "brier"), strict=True):
        expected = [source.estimates[row][metric].value for source in (nested, held_out) for row in range(3)]
        assert [x for x, _ in points(axes)] == expected
    assert texts(figure.axes[0]) == ["ROC-AUC", "higher is better"]
    assert texts(figure.axes[1]) == ["Brier", "lower is better"]


def test_intervals_leave_out_what_was_not_measured(evaluation: Evaluation) -> None:
    known = evaluation.candidates[0].held_out.estimates
    figure = intervals(["a", "b"], [Origin("held out", [known, {}])], ["roc_auc"])
    assert points(figure.axes[0]) == [(known["roc_auc"].value, 0)]
    assert not figure.legends


def test_an_average_over_the_classes_is_called_so(species: Evaluation) -> None:
    known = species.candidates[0].held_out.estimates
    figure = intervals(["a"], [Origin("held out", [known])], ["sensitivity", "brier"], averaged=["sensitivity"])
    assert texts(figure.axes[0]) == ["sensitivity", "macro-average"]
    assert texts(figure.axes[1]) == ["Brier", "lower is better"]


def test_confusion_matrices_show_counts_shares_and_threshold(heart: Contract, evaluation: Evaluation) -> None:
    figure = confusion_matrices(evaluation.candidates, heart.target.labels)
    for axes, item in zip(figure.axes, evaluation.candidates, strict=True):
        found = texts(axes)
        assert found[:2] == [item.title, f"threshold {item.threshold:.3f}"]
        assert sum(int(text) for text in found[2::2]) == item.held_out.rows
        assert found[8] == str(item.held_out.confusion.true_positive)
        assert found[9] == f"{100 * item.held_out.confusion.true_positive / 28:.0f} %"


def test_confusion_matrices_of_three_classes_have_nine_cells_and_no_threshold(
    iris: Contract, species: Evaluation
) -> None:
    figure = confusion_matrices(species.candidates, iris.target.labels)
    for axes, item in zip(figure.axes, species.candidates, strict=True):
        counts = item.held_out.confusion.counts
        found = texts(axes)
        right = sum(counts[index][index] for index in range(3))
        assert found[:2] == [item.title, f"{right} of 30 right"]
        assert [int(text) for text in found[2::2]] == [count for row in counts for count in row]
        assert len(found) == 2 + 2 * 9
        assert [label.get_text() for label in axes.get_xticklabels()] == list(iris.target.labels)


@pytest.mark.parametrize("classes", [5, 9, 26])
def test_confusion_matrices_of_many_classes_stay_readable(species: Evaluation, classes: int) -> None:
    counts = tuple(tuple(90 if row == column else 2 for column in range(classes)) for row in range(classes))
    first = species.candidates[0]
    sample = first.held_out.model_copy(update={"confusion": Confusion(counts=counts), "rows": 90 * classes})
    figure = confusion_matrices([first.model_copy(update={"held_out": sample})], [f"class {i}" for i in range(classes)])
    (axes,) = figure.axes
    assert len(axes.patches) == classes**2
    size = axes.get_window_extent()
    if len(texts(axes)) > 2:
        assert size.width / classes > 30
        assert size.height / classes > 30
    assert len(texts(axes)) == (2 if classes > 20 else 2 + 2 * classes**2)


def test_importances_are_ranked_by_strength_and_bounded() -> None:
    items = [Importance(name=f"x{index}", kind="coefficient", value=(-1) ** index * index / 10) for index in range(40)]
    axes = importances(items).axes[0]
    labels = [item.get_text() for item in axes.get_yticklabels()]
    assert labels == [f"x{index}" for index in range(39, 39 - MOST_IMPORTANT, -1)]
    assert axes.get_xlabel() == "weight, in log-odds by standard deviation"


def test_shuffling_costs_an_average_over_more_classes() -> None:
    items = [Importance(name="x", kind="permutation", value=0.1)]
    assert importances(items).axes[0].get_xlabel() == "loss of ROC-AUC when shuffled"
    label = importances(items, "macro-average").axes[0].get_xlabel()
    assert label == "loss of ROC-AUC (macro-average) when shuffled"
