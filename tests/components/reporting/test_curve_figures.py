"""Curves are those of the rows they claim, of two classes and of more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from components.reporting.curve_figures import (
    calibration,
    calibration_by_class,
    curves,
    curves_by_class,
    one_against_rest,
    reach,
)
from tests.components.reporting.drawn import legend_of, points, texts

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from components.learning.evaluation import Evaluation
    from contract.schema import Contract


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
            "class_counts": tuple(np.bincount(labels).tolist()),
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
    negative = item.held_out.model_copy(update={"labels": (0,) * 61, "class_counts": (61, 0)})
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


def lines_of(axes: Axes) -> list[npt.NDArray[np.float64]]:
    """The curves, without the line of chance."""
    found = [np.asarray(line.get_xydata(), dtype=np.float64) for line in axes.lines]
    return [line for line in found if len(line) > 2]


def test_curves_of_three_classes_are_means_over_the_classes(species: Evaluation) -> None:
    figure = curves(species.candidates, "forest")
    roc, recall = figure.axes
    for axes in (roc, recall):
        assert len(lines_of(axes)) == 3
        assert not points(axes)  # there is no threshold
    for item, curve, found in zip(species.candidates, lines_of(roc), lines_of(recall), strict=True):
        pairs = one_against_rest(item.held_out)
        assert len(pairs) == 3
        area = np.mean([roc_auc_score(truth, probability) for truth, probability in pairs])
        assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(area, abs=5e-3)
        assert area == pytest.approx(item.held_out.estimates["roc_auc"].value)
        precision = np.mean([average_precision_score(truth, probability) for truth, probability in pairs])
        assert np.trapezoid(found[:, 1], found[:, 0]) == pytest.approx(precision, abs=5e-3)
    chance = next(line for line in recall.lines if len(np.asarray(line.get_xydata())) == 2)
    assert np.asarray(chance.get_ydata())[0] == pytest.approx(1 / 3)


def test_the_winner_has_a_curve_for_each_class_with_its_areas(iris: Contract, species: Evaluation) -> None:
    forest = species.candidate("forest")
    figure = curves_by_class(forest, iris.target.labels, [0, 2])
    pairs = one_against_rest(forest.held_out)
    for text, position in zip(legend_of(figure), (0, 2), strict=True):
        truth, probability = pairs[position]
        area, precision = roc_auc_score(truth, probability), average_precision_score(truth, probability)
        assert text == f"{iris.target.labels[position]}: ROC-AUC {area:.3f}, PR-AUC {precision:.3f}"
    assert len(lines_of(figure.axes[0])) == 2


def test_a_class_without_rows_has_no_curve(iris: Contract, species: Evaluation) -> None:
    forest = species.candidate("forest")
    labels = tuple(min(label, 1) for label in forest.held_out.labels)
    lacking = forest.model_copy(update={"held_out": forest.held_out.model_copy(update={"labels": labels})})
    figure = curves_by_class(lacking, iris.target.labels, [0, 1, 2])
    assert len(lines_of(figure.axes[0])) == 2
    assert legend_of(figure)[2] == "virginica: of one class alone"
    assert len(lines_of(curves([lacking], None).axes[0])) == 1


def test_calibration_of_three_classes_counts_a_row_for_each(iris: Contract, species: Evaluation) -> None:
    figure = calibration(species.candidates, None)
    for axes, item in zip(figure.axes, species.candidates, strict=True):
        title, *counts = texts(axes)
        assert title == item.title
        assert sum(map(int, counts)) == 3 * item.out_of_fold.rows
    by_class = calibration_by_class(species.candidate("forest"), iris.target.labels, [0, 1, 2])
    assert [texts(axes)[0] for axes in by_class.axes] == list(iris.target.labels)
    assert all(sum(map(int, texts(axes)[1:])) == 120 for axes in by_class.axes)


def test_calibration_of_a_rare_class_looks_where_its_probabilities_are(evaluation: Evaluation) -> None:
    first = evaluation.candidates[0]
    rng = np.random.default_rng(0)
    probability = rng.beta(2, 48, 5000)
    labels = (rng.random(5000) < probability).astype(int)
    rare = first.out_of_fold.model_copy(
        update={"labels": tuple(labels.tolist()), "probabilities": tuple(probability.tolist())}
    )
    assert reach([rare]) == 0.2
    assert reach([first.out_of_fold]) == 1
    (axes,) = calibration([first.model_copy(update={"out_of_fold": rare})], "claim").axes
    assert axes.get_xlim() == (0, 0.2)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", ".05", ".1", ".15", ".2"]
    curve = next(np.asarray(line.get_xydata()) for line in axes.lines if line.get_marker() == "o")
    assert len(curve) >= 8  # in the last bins there is hardly a row
    assert curve[:4, 1] == pytest.approx(curve[:4, 0], abs=0.02)
