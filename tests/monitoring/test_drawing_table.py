"""Grafana's transformations, done to hand-made answers of the panels that are shipped."""

from __future__ import annotations

import math
import random

import pytest

from monitoring import dashboards
from monitoring.drawing.period import Answer
from monitoring.drawing.table import cells, joining
from monitoring.measurements import Series

PANELS = {panel.title: panel for dashboard in dashboards.documents() for panel in dashboard.panels}
QUALITY, REFUSED = PANELS["Quality, live beside evaluation"], PANELS["Refused values by feature"]
VERSIONS, MATRIX = PANELS["Model versions"], PANELS["Confusion matrix"]


def one(value: float, **labels: str) -> Series:
    return Series(labels, ((1_700_000_000.0, value),))


def answers(panel: dashboards.document.PanelDocument, *series: list[Series]) -> list[Answer]:
    return [Answer(target, found) for target, found in zip(panel.targets, series, strict=True)]


@pytest.mark.parametrize(
    ("title", "label"),
    [("Values of one feature, beside training", "bin"), ("Missing values, beside training", "feature")],
)
def test_a_chart_is_joined_by_its_label(title: str, label: str) -> None:
    assert joining(PANELS[title]) == (label, ["live", "training"])


def test_queries_meet_in_the_row_of_their_label() -> None:
    values = [0.9, 0.8, 0.95, 0.91, 0.83, 0.97]
    head, rows = cells(QUALITY, answers(QUALITY, *([one(value, measure="roc_auc")] for value in values)))
    assert head == ["measure", "live", "live, low", "live, high", "evaluated", "evaluated, low", "evaluated, high"]
    assert rows == [["roc_auc", *(f"{value:.3f}" for value in values)]]


def test_a_query_without_a_row_leaves_its_cell_empty() -> None:
    found = [[one(0.9, measure="f1")], [], [], [one(0.91, measure="f1")], [], []]
    _, rows = cells(QUALITY, answers(QUALITY, *found))
    assert rows == [["f1", "0.900", "", "", "0.910", "", ""]]


def test_a_value_that_is_none_is_told_and_does_not_decide_the_order() -> None:
    names, live, evaluated = "abcdefg", [math.nan] * 7, [0.3, 0.9, math.nan, 0.5, 0.7, 0.1, 0.8]
    found = [
        [one(value, measure=name) for name, value in zip(names, values, strict=True)] for values in (live, evaluated)
    ]
    _, rows = cells(QUALITY, answers(QUALITY, found[0], [], [], found[1], [], []))
    assert [row[0] for row in rows] == ["b", "g", "e", "d", "a", "f", "c"]
    assert [row[1] for row in rows] == ["no value"] * 7
    assert rows[-1][4] == "no value"


def test_of_many_rows_the_highest_are_shown() -> None:
    series = [one(value, model="heart", feature=f"f{value}", rule="wrong-type") for value in range(30)]
    random.Random(3).shuffle(series)
    head, rows = cells(REFUSED, answers(REFUSED, series))
    assert head == ["model", "feature", "rule", "values"]
    assert [row[1] for row in rows] == [f"f{value}" for value in range(29, 17, -1)]
    assert [row[3] for row in rows] == [str(value) for value in range(29, 17, -1)]


def test_labels_that_are_long_are_cut_and_labels_that_lack_are_empty() -> None:
    series = [one(2, model="m" * 26, feature="x" * 27), one(1, model="heart", feature="ca", rule="missing-value")]
    _, rows = cells(REFUSED, answers(REFUSED, series))
    assert rows[0][:3] == ["m" * 26, "x" * 25 + "…", ""]
    assert rows[1] == ["heart", "ca", "missing-value", "1"]


def test_columns_have_units_of_their_own() -> None:
    labels = {"model": "heart", "version": "7", "candidate": "svm", "digest": "d1", "run_id": "r1"}
    values = [2, 1_700_000_000_000, 86_400, 0.25]
    head, rows = cells(VERSIONS, answers(VERSIONS, *([one(value, **labels)] for value in values)))
    row = dict(zip(head, rows[0], strict=True))
    assert row == {**labels, "instances": "2", "sealed": "2023-11-14 22:13", "age": "1 d", "threshold": "25 %"}


def test_a_matrix_has_a_row_for_what_is_and_a_column_for_what_was_said() -> None:
    found = [
        one(2500, actual="disease", predicted="disease"),
        one(3, actual="disease", predicted="no disease"),
        one(7, actual="no disease", predicted="no disease"),
    ]
    head, rows = cells(MATRIX, answers(MATRIX, found))
    assert head == ["actual \\ predicted", "disease", "no disease"]
    assert rows == [["disease", "2500", "3"], ["no disease", "0", "7"]]
