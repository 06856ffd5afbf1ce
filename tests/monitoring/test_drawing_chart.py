"""Panels as they are shipped, drawn from hand-made series: what is to be read from them, and what mustn't be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, Wedge

from monitoring import dashboards
from monitoring.drawing.chart import draw
from monitoring.drawing.period import Answer, Period
from monitoring.measurements import Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from monitoring.dashboards.document import PanelDocument

ALL = [panel for dashboard in dashboards.documents() for panel in dashboard.panels]
PANELS = {panel.title: panel for panel in ALL}
START = 1_700_000_000.0
PERIOD = Period(START, START + 600, 15)
GREEN, YELLOW, RED, FAINT = "#2a8a57", "#d9a72b", "#c0392b", "#eef1f4"


def series(*values: float, **labels: str) -> Series:
    return Series(labels, tuple((START + 60 * number, value) for number, value in enumerate(values)))


def drawn(title: str, *found: list[Series]) -> Axes:
    """A panel's axes, with an answer for each query, really drawn."""
    panel = PANELS[title]
    figure = Figure()
    axes = figure.add_subplot()
    draw(axes, panel, [Answer(target, one) for target, one in zip(panel.targets, found, strict=True)], PERIOD)
    figure.draw_without_rendering()
    return axes


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def legend(axes: Axes) -> list[str]:
    found = axes.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def colour(artist: object) -> str:
    return to_hex(artist.get_facecolor())  # type: ignore[attr-defined]


def heights(line: Line2D) -> list[float]:
    found: list[float] = np.asarray(line.get_ydata()).tolist()
    return found


def wedges(axes: Axes) -> list[Wedge]:
    return [patch for patch in axes.patches if isinstance(patch, Wedge)]


def bars(axes: Axes) -> list[Rectangle]:
    return [patch for container in axes.containers for patch in container]


@pytest.mark.parametrize("panel", {panel.kind: panel for panel in ALL}.values(), ids=lambda panel: panel.kind)
@pytest.mark.parametrize("kind", ["none", "empty", "not a number", "infinite"])
def test_a_panel_without_a_number_says_so_and_draws_nothing(panel: PanelDocument, kind: str) -> None:
    found = {
        "none": [],
        "empty": [Series({"le": "1"}, ())],
        "not a number": [series(math.nan, math.nan, le="1")],
        "infinite": [series(math.inf, le="1")],
    }[kind]
    axes = drawn(panel.title, *([found] * len(panel.targets)))
    assert texts(axes) == ["no data"]
    assert not axes.lines
    assert not axes.patches
    assert not axes.collections
    assert not axes.tables
    assert axes.get_legend() is None


@pytest.mark.parametrize("panel", ALL, ids=lambda panel: panel.title)
@pytest.mark.parametrize("value", [0.0, 0.5, -1e9])
def test_every_panel_draws_one_number_whatever_it_is(panel: PanelDocument, value: float) -> None:
    labels = {"model": "heart", "label": "disease", "actual": "disease", "predicted": "disease", "le": "+Inf"}
    axes = drawn(panel.title, *([[series(value, **labels)]] * len(panel.targets)))
    nothing_to_share = panel.kind == "piechart" and value <= 0
    assert (texts(axes) == ["no data"]) == nothing_to_share


def test_a_number_is_large_in_the_colour_of_its_threshold() -> None:
    for value, said, expected in ((1.0, "100 %", GREEN), (0.5, "50 %", RED)):
        axes = drawn("Instances up", [series(value)])
        assert texts(axes) == [said]
        assert axes.texts[0].get_color() == expected
        assert float(axes.texts[0].get_fontsize()) > 15


def test_a_number_is_the_last_of_its_course() -> None:
    assert texts(drawn("Request rate", [series(1, 2, 3.5)])) == ["3.50/s"]


def test_words_stand_for_numbers_and_only_two_fit() -> None:
    found = [series(value, model=name) for name, value in (("heart", 1.0), ("iris", 0.0), ("third", 1.0))]
    axes = drawn("Models ready", found)
    assert texts(axes) == ["ready", "heart", "not ready", "iris"]
    assert [text.get_color() for text in axes.texts if "ready" in text.get_text()] == [GREEN, RED]


def test_a_version_is_told() -> None:
    axes = drawn("Version", [series(1, model="heart", version="20261121T072923Z")])
    assert "20261121T072923Z" in " ".join(texts(axes))


def test_decimals_are_those_of_the_panel() -> None:
    assert texts(drawn("Requests", [series(26_119)])) == ["26119"]
    assert "99.95 %" in texts(drawn("Availability", [series(0.9995)]))
    assert texts(drawn("Drift by feature", [series(0.2, model="heart", feature="ca")])) == ["0.200"]


@pytest.mark.parametrize(
    ("value", "share", "expected"), [(0.97, 0.97, YELLOW), (0.5, 0.5, RED), (7, 1, GREEN), (-3, 0, RED)]
)
def test_a_gauge_is_filled_to_its_value_and_never_over_its_scale(value: float, share: float, expected: str) -> None:
    scale, filled = wedges(drawn("Success ratio", [series(value)]))
    assert (scale.theta1, scale.theta2, colour(scale)) == (0, 180, FAINT)
    assert filled.theta2 == 180
    assert filled.theta2 - filled.theta1 == pytest.approx(180 * share)
    assert colour(filled) == expected


def test_a_gauge_without_a_value_beside_one_with_stays_empty() -> None:
    found = [series(math.nan, model="heart", label="disease"), series(0.8, model="heart", label="no disease")]
    axes = drawn("Median confidence", found)
    assert len(wedges(axes)) == 3
    assert texts(axes) == ["no value", "heart: disease", "80 %", "heart: no disease"]


def test_only_three_gauges_stand_side_by_side_and_one_alone_needs_no_name() -> None:
    found = [series(0.1 * number, instance=f"node{number}") for number in range(5)]
    axes = drawn("CPU used", found)
    assert len(wedges(axes)) == 6
    assert [text for text in texts(axes) if text.startswith("node")] == ["node0", "node1", "node2"]
    assert texts(drawn("CPU used", found[4:])) == ["40 %"]


def test_lines_have_names_and_the_axis_their_unit() -> None:
    axes = drawn("Requests by status", [series(5, 6, 7, status="400"), series(50, 60, 70, status="200")])
    assert legend(axes) == ["200", "400"]
    assert [heights(line) for line in axes.lines] == [[50, 60, 70], [5, 6, 7]]
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    assert all(label.get_text().endswith("/s") for label in axes.get_yticklabels())
    assert axes.get_ylim()[0] <= 0
    assert axes.get_xlim() == pytest.approx((START / 86_400, (START + 600) / 86_400))


def test_of_many_lines_the_highest_are_drawn() -> None:
    found = [series(1, 10.0 * number, status=f"{number:03}") for number in range(1, 21)]
    axes = drawn("Requests by status", found)
    assert legend(axes) == [f"{number:03}" for number in range(12, 21)]
    assert len(axes.lines) == 9


def test_a_line_without_a_number_is_never_among_the_highest() -> None:
    nothing = [series(math.nan, math.nan, status=f"nan{number}") for number in range(9)]
    axes = drawn("Requests by status", [*nothing, series(math.nan, 1, status="200")])
    assert "200" in legend(axes)
    assert len(axes.lines) == 9


def test_thresholds_are_dashed_lines() -> None:
    axes = drawn("Drift over time", [series(0.05, 0.3, model="heart", feature="ca")])
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert [(heights(line), line.get_color()) for line in dashed] == [([0.1, 0.1], YELLOW), ([0.2, 0.2], RED)]
    assert legend(axes) == ["heart ca"]
    assert not [line for line in drawn("Requests by status", [series(1)]).lines if line.get_linestyle() == "--"]


def test_a_line_at_nothing_still_has_room_above() -> None:
    low, high = drawn("Requests in flight", [series(0, 0, 0, instance="a")]).get_ylim()
    assert low == 0 < high


def test_a_ratio_goes_from_nothing_to_all() -> None:
    axes = drawn("Share of each class", [series(0.4, 0.5, model="heart", label="disease")])
    assert axes.get_ylim() == (0, 1)


def test_a_line_without_a_name_is_called_like_its_panel() -> None:
    assert legend(drawn("Instances over time", [series(1)])) == ["Instances over time"]


def test_long_names_are_cut_and_go_two_by_two() -> None:
    name = "an instance with a name that is much too long for a legend"
    axes = drawn("Requests in flight", [series(1, instance=name), series(2, instance="b")])
    assert legend(axes)[0].endswith("…")
    assert len(legend(axes)[0]) < len(name)


def test_a_heatmap_counts_what_lies_between_two_bounds() -> None:
    found = [series(3, 5, le="+Inf"), series(1, 1, le="0.005"), series(2, math.nan, le="0.025")]
    axes = drawn("Latency heatmap", found)
    (mesh,) = axes.collections
    counts = np.asarray(mesh.get_array()).reshape(3, 2)
    assert counts[:, 0].tolist() == [1, 1, 1]
    assert counts[0, 1] == 1
    assert np.isfinite(counts).all()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["≤ 5 ms", "≤ 25 ms", "≤ ∞"]


def test_a_heatmap_of_many_buckets_names_some() -> None:
    axes = drawn("Latency heatmap", [series(number, number, le=str(0.001 * number)) for number in range(1, 33)])
    assert len(axes.get_yticklabels()) == 8


def test_bars_have_their_values_and_the_colours_of_their_thresholds() -> None:
    found = [
        series(value, model="heart", feature=name)
        for name, value in (("ca", 0.9), ("age", 0.15), ("sex", 0.01), ("thal", math.nan))
    ]
    axes = drawn("Drift by feature", found)
    assert [bar.get_width() for bar in bars(axes)] == [0.9, 0.15, 0.01]
    assert [colour(bar) for bar in bars(axes)] == [RED, YELLOW, GREEN]
    assert texts(axes) == ["0.900", "0.150", "0.010"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["heart ca", "heart age", "heart sex"]
    top, bottom = axes.get_ylim()
    assert top > bottom


def test_of_many_bars_the_first_are_shown() -> None:
    axes = drawn("Drift by feature", [series(1 - 0.01 * n, model="m", feature=f"f{n}") for n in range(40)])
    assert len(bars(axes)) == 14
    assert axes.get_yticklabels()[-1].get_text() == "m f13"


def test_bars_of_two_queries_stand_side_by_side_in_the_order_of_the_bins() -> None:
    live = [series(0.6, bin="51 to 58"), series(0.1, bin="missing"), series(0.3, bin="below 45")]
    training = [series(0.5, bin="45 to 51"), series(math.nan, bin="below 45"), series(0.5, bin="other")]
    axes = drawn("Values of one feature, beside training", live, training)
    names = ["below 45", "45 to 51", "51 to 58", "other", "missing"]
    assert [label.get_text() for label in axes.get_xticklabels()] == names
    assert legend(axes) == ["live", "training"]
    first, second = axes.containers
    assert [bar.get_height() for bar in first] == [0.3, 0, 0.6, 0, 0.1]
    assert [bar.get_height() for bar in second][1:] == [0.5, 0, 0.5, 0]
    for one, other in zip(first, second, strict=True):
        assert one.get_x() + one.get_width() == pytest.approx(other.get_x())
    assert len({colour(bar) for bar in bars(axes)}) == 2


def test_bars_of_one_query_alone_need_no_other() -> None:
    axes = drawn("Missing values, beside training", [], [series(0.2, feature="ca")])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["ca"]


def test_a_pie_has_shares_and_leaves_out_what_there_is_none_of() -> None:
    found = [
        series(value, model="heart", label=name)
        for name, value in (("disease", 2500.0), ("no disease", 7500.0), ("never", 0.0), ("unknown", math.nan))
    ]
    axes = drawn("Rows by class", found)
    assert texts(axes) == ["heart: disease\n2500 (25 %)", "heart: no disease\n7500 (75 %)"]
    assert [wedge.theta2 - wedge.theta1 for wedge in wedges(axes)] == pytest.approx([90, 270])


def test_a_pie_of_nothing_says_so() -> None:
    axes = drawn("Rows by class", [series(0, model="heart", label=name) for name in ("disease", "no disease")])
    assert texts(axes) == ["no data"]
    assert not axes.patches


def test_a_table_has_a_head_and_a_row_for_each_label() -> None:
    found = [series(value, model="heart", feature=name, rule="out-of-range") for name, value in (("age", 3), ("ca", 9))]
    (table,) = drawn("Refused values by feature", found).tables
    said = {place: cell.get_text().get_text() for place, cell in table.get_celld().items()}
    assert [said[0, column] for column in range(4)] == ["model", "feature", "rule", "values"]
    assert [said[1, column] for column in range(4)] == ["heart", "ca", "out-of-range", "9"]
    assert [said[2, column] for column in range(4)] == ["heart", "age", "out-of-range", "3"]
    assert len(said) == 12


def test_a_table_never_grows_over_its_panel() -> None:
    found = [series(number, model="m", feature=f"f{number}", rule="r") for number in range(40)]
    axes = drawn("Refused values by feature", found)
    (table,) = axes.tables
    assert len({row for row, _ in table.get_celld()}) == 13
