"""What is drawn of an evaluation: every candidate, its own numbers, its own threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.learning.evaluation import Importance
from components.reporting.evaluation_figures import (
    MOST_IMPORTANT,
    Origin,
    calibration,
    confusion_matrices,
    curves,
    importances,
    intervals,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from components.learning.evaluation import Evaluation
    from contract.schema import Contract


def texts(axes: Axes) -> list[str]:
    return [item.get_text() for item in axes.texts]


def points(axes: Axes, marker: str = "o") -> list[tuple[float, float]]:
    """Dots that stand alone."""
    lines = [np.asarray(line.get_xydata()) for line in axes.lines if line.get_marker() == marker]
    return [(float(line[0, 0]), float(line[0, 1])) for line in lines if len(line) == 1]


def legend_of(figure: Figure) -> list[str]:
    return [item.get_text() for item in figure.legends[0].get_texts()]


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


def test_curves_are_those_of_the_held_out_rows(evaluation: Evaluation) -> None:
    figure = curves(evaluation.candidates, "logistic")
    roc, recall = figure.axes
    lines = [np.asarray(line.get_xydata()) for line in roc.lines if len(np.asarray(line.get_xydata())) > 2]
    for line, item in zip(lines, evaluation.candidates, strict=True):
        sample = item.held_out
        area = np.trapezoid(line[:, 1], line[:, 0])
        assert area == pytest.approx(roc_auc_score(sample.labels, sample.probabilities))
    assert legend_of(figure)[0].startswith("Logistic regression (winner): ROC-AUC 0.")
    assert sum("(winner)" in label for label in legend_of(figure)) == 1
    confusion = evaluation.candidates[0].held_out.confusion
    assert points(roc)[0] == pytest.approx((confusion.false_positive / 33, confusion.true_positive / 28))
    found = confusion.true_positive
    assert points(recall)[0] == pytest.approx((found / 28, found / (found + confusion.false_positive)))


def test_curves_of_many_rows_stay_light(evaluation: Evaluation) -> None:
    item = evaluation.candidates[0]
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 2, 20_000), rng.random(20_000)
    many = item.held_out.model_copy(
        update={
            "rows": 20_000,
            "positives": int(labels.sum()),
            "labels": tuple(labels.tolist()),
            "probabilities": tuple(probabilities.tolist()),
        }
    )
    roc, recall = curves([item.model_copy(update={"held_out": many})], None).axes
    for axes, ends in ((roc, [[0, 0], [1, 1]]), (recall, [[1, labels.mean()], [0, 1]])):
        line = max((np.asarray(line.get_xydata()) for line in axes.lines), key=len)
        assert len(line) == 500
        assert line[[0, -1]] == pytest.approx(np.array(ends))


def test_curves_of_one_class_are_left_out(evaluation: Evaluation) -> None:
    item = evaluation.candidates[0]
    negative = item.held_out.model_copy(update={"labels": (0,) * 61, "positives": 0})
    figure = curves([item.model_copy(update={"held_out": negative})], None)
    assert len(figure.axes[0].lines) == 1


def test_calibration_counts_every_row_once(evaluation: Evaluation) -> None:
    figure = calibration(evaluation.candidates, "disease")
    assert len(figure.axes) == 3
    for axes, item in zip(figure.axes, evaluation.candidates, strict=True):
        title, *counts = texts(axes)
        assert title == item.title
        assert sum(map(int, counts)) == item.out_of_fold.rows == 242
        curve = next(line for line in axes.lines if line.get_marker() == "o")
        assert len(np.asarray(curve.get_xydata())) == len(counts)


def test_confusion_matrices_show_counts_shares_and_threshold(heart: Contract, evaluation: Evaluation) -> None:
    figure = confusion_matrices(evaluation.candidates, heart.target.labels)
    for axes, item in zip(figure.axes, evaluation.candidates, strict=True):
        found = texts(axes)
        assert found[:2] == [item.title, f"threshold {item.threshold:.3f}"]
        assert sum(int(text) for text in found[2::2]) == item.held_out.rows
        assert found[8] == str(item.held_out.confusion.true_positive)
        assert found[9] == f"{100 * item.held_out.confusion.true_positive / 28:.0f} %"


def test_importances_are_ranked_by_strength_and_bounded() -> None:
    items = [Importance(name=f"x{index}", kind="coefficient", value=(-1) ** index * index / 10) for index in range(40)]
    axes = importances(items).axes[0]
    labels = [item.get_text() for item in axes.get_yticklabels()]
    assert labels == [f"x{index}" for index in range(39, 39 - MOST_IMPORTANT, -1)]
    assert axes.get_xlabel() == "weight, in log-odds by standard deviation"
