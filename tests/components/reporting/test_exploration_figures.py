"""What is drawn of a table: every feature, every label, and the right lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle, StepPatch

from components.reporting.exploration_figures import (
    MOST_GAPS,
    box_plots,
    category_bars,
    class_balance,
    histograms,
    missing_values,
)
from components.reporting.figures import class_colours, to_svg
from components.reporting.summary import MOST_CLASSES, summarise
from components.reporting.wording import MOST_CATEGORIES
from contract.decision import TargetClass
from contract.features import CategoricalFeature, Category
from tests.components.reporting.drawn import texts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from components.reporting.summary import TableSummary
    from contract.schema import Contract


def bars(figure: Figure) -> list[float]:
    return [bar.get_width() for axes in figure.axes for bar in axes.patches if isinstance(bar, Rectangle)]


def test_class_balance_writes_rows_and_shares(summary: TableSummary) -> None:
    figure = class_balance(summary)
    assert texts(figure) == ["164 rows · 54.1 %", "139 rows · 45.9 %"]
    assert bars(figure) == [164, 139]
    assert [item.get_text() for item in figure.axes[0].get_yticklabels()] == ["no disease", "disease"]


def test_missing_values_shows_the_features_with_gaps_alone(summary: TableSummary) -> None:
    figure = missing_values(summary)
    assert texts(figure) == ["4 cells · 1.3 % of rows", "2 cells · 0.7 % of rows"]
    assert [item.get_text() for item in figure.axes[0].get_yticklabels()] == ["ca", "thal"]


def test_histograms_have_every_number_with_its_unit_and_sum_to_a_class(summary: TableSummary) -> None:
    figure = histograms(summary)
    assert [axes.get_xlabel() for axes in figure.axes] == ["years", "mmHg", "mg/dl", "beats/min", "mm"]
    for axes in figure.axes:
        steps = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
        assert [sum(patch.get_data()[0]) for patch in steps] == pytest.approx([100] * 4)


def test_bins_of_whole_numbers_hold_equally_many_of_them(summary: TableSummary) -> None:
    age = histograms(summary).axes[0]
    edges = next(patch for patch in age.patches if isinstance(patch, StepPatch)).get_data()[1]
    assert set(np.diff(edges)) == {np.diff(edges)[0]}
    assert np.diff(edges)[0] % 1 == 0
    assert edges[0] % 1 == 0.5


def test_categories_have_human_labels_counts_and_gaps(summary: TableSummary) -> None:
    figure = category_bars(summary)
    found = texts(figure)
    for label in ("asymptomatic", "left ventricular hypertrophy (Estes)", "reversible defect", "female", "yes"):
        assert label in found
    assert found.count("missing") == 2
    assert "105 · 76 %" in found
    assert len(figure.axes) == 8


def test_rare_ones_of_many_categories_are_added_up(heart: Contract, cleveland: pd.DataFrame) -> None:
    cities = tuple(Category(value=index, label=f"city {index}") for index in range(30))
    feature = CategoricalFeature(name="ca", kind="categorical", description="City", categories=cities)
    features = tuple(feature if item.name == "ca" else item for item in heart.features)
    codes = np.repeat(np.arange(30.0), 11)[: len(cleveland)]
    changed = summarise(heart.model_copy(update={"features": features}), cleveland.assign(ca=codes))
    panel = category_bars(changed).axes[6]
    labels = [item.get_text() for item in panel.texts if item.get_text().startswith(("city", "19 other"))]
    assert len(labels) == MOST_CATEGORIES
    assert labels[-1] == "19 other categories"
    assert sum(bar.get_width() for bar in panel.patches if isinstance(bar, Rectangle)) == pytest.approx(2)


def test_box_plots_show_the_quartiles_of_each_class(summary: TableSummary) -> None:
    figure = box_plots(summary)
    assert len(figure.axes) == 5
    medians = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_linewidth() == 1.6]  # type: ignore[index]
    assert medians == [np.median(summary.present("age", 0)), np.median(summary.present("age", 1))]


def test_a_feature_that_is_missing_throughout_is_still_drawn(heart: Contract, cleveland: pd.DataFrame) -> None:
    empty = summarise(heart, cleveland.assign(chol=np.nan, thal=np.nan))
    for draw in (histograms, box_plots, category_bars, missing_values):
        assert to_svg(draw(empty), "figure").startswith("<svg")
    assert "303 cells · 100.0 % of rows" in texts(missing_values(empty))


def test_three_classes_have_three_bars_boxes_and_histograms(flower_summary: TableSummary) -> None:
    balance = class_balance(flower_summary)
    assert texts(balance) == ["50 rows · 33.3 %"] * 3
    assert [item.get_text() for item in balance.axes[0].get_yticklabels()] == ["setosa", "versicolor", "virginica"]
    figure = histograms(flower_summary)
    assert [item.get_text() for item in figure.legends[0].get_texts()] == ["setosa", "versicolor", "virginica"]
    for axes in figure.axes:
        steps = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
        assert [sum(patch.get_data()[0]) for patch in steps] == pytest.approx([100] * 6)
    medians = [line.get_xdata()[0] for line in box_plots(flower_summary).axes[2].lines if line.get_linewidth() == 1.6]  # type: ignore[index]
    assert medians == [np.median(flower_summary.present("petal_length", index)) for index in range(3)]


def test_categories_of_three_classes(iris: Contract, flowers: pd.DataFrame) -> None:
    sizes = CategoricalFeature(
        name="size",
        kind="categorical",
        description="Size",
        categories=(Category(value="s", label="small"), Category(value="l", label="large")),
    )
    large = np.where(flowers["petal_length"] > 4.5, "l", "s")
    contract = iris.model_copy(update={"features": (sizes,)})
    figure = category_bars(summarise(contract, flowers.assign(size=large)))
    found = texts(figure)
    assert found[:2] == ["size", "Size"]
    assert [text for text in found if text in {"small", "large"}] == ["small", "large"]
    small = [((large == "s") & (flowers["species"] == label)).sum() for label in iris.target.labels]
    assert small[0] == 50
    assert found[3:6] == [f"{count} · {2 * count} %" for count in small]
    assert sum(bars(figure)) == pytest.approx(3)


def test_of_many_classes_the_most_frequent_have_colours_and_all_a_bar(iris: Contract, flowers: pd.DataFrame) -> None:
    labels = [f"species {index}" for index in range(15)]
    classes = tuple(TargetClass(label=label, values=(label,)) for label in labels)
    contract = iris.model_copy(update={"target": iris.target.model_copy(update={"classes": classes})})
    summary = summarise(contract, flowers.assign(species=[labels[index // 10] for index in range(150)]))
    balance = class_balance(summary)
    assert bars(balance) == [10] * 15
    assert len({bar.get_facecolor() for bar in balance.axes[0].patches}) == 1
    assert len(histograms(summary).legends[0].get_texts()) == len(class_colours(MOST_CLASSES)) == MOST_CLASSES


def test_of_many_features_with_gaps_those_with_the_most(heart: Contract, cleveland: pd.DataFrame) -> None:
    names = [f"x{index}" for index in range(MOST_GAPS + 10)]
    age = heart.features[0]
    features = tuple(age.model_copy(update={"name": name}) for name in names)
    frame = pd.DataFrame({name: np.where(np.arange(303) < 1 + index, np.nan, 50) for index, name in enumerate(names)})
    summary = summarise(heart.model_copy(update={"features": features}), frame.assign(num=cleveland["num"]))
    figure = missing_values(summary)
    assert len(bars(figure)) == MOST_GAPS
    assert texts(figure)[0] == "50 cells · 16.5 % of rows"
