"""What moves together: the right numbers in the right cells, for two classes and for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from components.reporting.correlation_figures import MOST_CORRELATED, correlation_heatmap, correlation_ranking
from components.reporting.figures import CLASSES, to_svg
from components.reporting.summary import summarise
from tests.components.reporting.drawn import rows_of, texts

if TYPE_CHECKING:
    from components.reporting.summary import TableSummary
    from contract.schema import Contract


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


def test_ranking_of_three_classes_has_a_dot_for_each(flower_summary: TableSummary) -> None:
    figure = correlation_ranking(flower_summary)
    assert rows_of(figure) == ["petal_length", "petal_width", "sepal_length", "sepal_width"]
    assert texts(figure)[0] == "\N{MINUS SIGN}0.923 setosa"
    assert texts(figure)[3] == "+0.603 setosa"
    dots = [np.asarray(item.get_offsets()) for item in figure.axes[0].collections]
    assert [len(item) for item in dots] == [3] * 4
    assert dots[0][:, 0] == pytest.approx(flower_summary.with_classes.loc["petal_length"])


def test_heatmap_of_three_classes_has_a_row_for_each(flower_summary: TableSummary) -> None:
    figure = correlation_heatmap(flower_summary)
    names = flower_summary.contract.feature_names
    assert rows_of(figure) == [*names[1:], *flower_summary.contract.target.labels]
    assert len(texts(figure)) == 3 * 4 / 2 + 3 * 4
    assert [label.get_fontweight() for label in figure.axes[0].get_yticklabels()] == ["normal"] * 3 + ["bold"] * 3


def test_a_class_with_the_name_of_a_feature_is_no_feature(iris: Contract, flowers: pd.DataFrame) -> None:
    target = iris.target
    first, *others = target.classes
    named = target.model_copy(update={"classes": (first.model_copy(update={"label": "sepal_width"}), *others)})
    figure = correlation_heatmap(summarise(iris.model_copy(update={"target": named}), flowers))
    assert rows_of(figure)[2:5] == ["petal_width", "sepal_width", "versicolor"]
    assert texts(figure)[0] == "\N{MINUS SIGN}0.12"


def test_of_many_features_the_strongest_are_drawn(heart: Contract, cleveland: pd.DataFrame) -> None:
    age = heart.features[0]
    names = [f"x{index}" for index in range(MOST_CORRELATED + 20)]
    rng = np.random.default_rng(0)
    diseased = (cleveland["num"] > 0).to_numpy()
    columns = {name: np.round(60 + diseased * index / 4 + rng.normal(0, 4, 303)) for index, name in enumerate(names)}
    contract = heart.model_copy(update={"features": tuple(age.model_copy(update={"name": name}) for name in names)})
    summary = summarise(contract, pd.DataFrame(columns).assign(num=cleveland["num"]))
    for draw in (correlation_heatmap, correlation_ranking):
        figure = draw(summary)
        assert len(rows_of(figure)) == MOST_CORRELATED
        assert "x49" in rows_of(figure)
        assert "x1" not in rows_of(figure)


def test_a_feature_that_is_missing_throughout_is_left_out(heart: Contract, cleveland: pd.DataFrame) -> None:
    empty = summarise(heart, cleveland.assign(chol=np.nan, thal=np.nan))
    for draw in (correlation_heatmap, correlation_ranking):
        assert to_svg(draw(empty), "figure").startswith("<svg")
        assert not {"chol", "thal"}.intersection(rows_of(draw(empty)))
