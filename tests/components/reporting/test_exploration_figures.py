"""What is drawn of a table: every feature, every label, and the right lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.patches import Rectangle, StepPatch

from components.reporting.exploration_figures import (
    MOST_CATEGORIES,
    box_plots,
    category_bars,
    class_balance,
    correlation_heatmap,
    correlation_ranking,
    histograms,
    missing_values,
)
from components.reporting.figures import CLASSES, to_svg
from components.reporting.summary import TableSummary, summarise
from contract.features import CategoricalFeature, Category

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from contract.schema import Contract


@pytest.fixture(name="summary", scope="module")
def _summary(heart: Contract, cleveland: pd.DataFrame) -> TableSummary:
    return summarise(heart, cleveland)


def texts(figure: Figure) -> list[str]:
    return [item.get_text() for axes in figure.axes for item in axes.texts]


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


def test_ranking_colours_the_sign_and_writes_r(summary: TableSummary) -> None:
    figure = correlation_ranking(summary)
    assert texts(figure)[:5] == ["+0.522", "+0.460", "+0.432", "+0.425", "−0.417"]  # noqa: RUF001
    colours = [patch.get_facecolor()[:3] for patch in figure.axes[0].patches]
    assert colours[4] != colours[0]
    assert len(set(colours)) == len(CLASSES)


def test_heatmap_names_the_target_by_its_positive_class(summary: TableSummary) -> None:
    figure = correlation_heatmap(summary)
    labels = [item.get_text() for item in figure.axes[0].get_yticklabels()]
    assert labels == [*summary.contract.feature_names[1:], "disease"]
    assert texts(figure)[-1] == "+0.52"
    assert len(texts(figure)) == 13 * 14 / 2


def test_a_feature_that_is_missing_throughout_is_still_drawn(heart: Contract, cleveland: pd.DataFrame) -> None:
    empty = summarise(heart, cleveland.assign(chol=np.nan, thal=np.nan))
    for draw in (histograms, box_plots, category_bars, correlation_heatmap, correlation_ranking, missing_values):
        assert to_svg(draw(empty), "figure").startswith("<svg")
    assert "303 cells · 100.0 % of rows" in texts(missing_values(empty))
