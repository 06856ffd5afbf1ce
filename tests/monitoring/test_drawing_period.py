"""What stands for Grafana's variables in a picture's queries, and what its series are called."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitoring import dashboards
from monitoring.dashboards.document import EVERYTHING, Target
from monitoring.drawing.period import Answer, Period
from monitoring.errors import NoAnswer, UnknownVariable
from monitoring.measurements import Measurements, Series

if TYPE_CHECKING:
    from collections.abc import Callable

PANELS = {panel.title: panel for dashboard in dashboards.documents() for panel in dashboard.panels}


@pytest.mark.parametrize(
    ("seconds", "interval", "step"),
    [(60, 15, 15), (3600, 15, 15), (4 * 3600, 15, 60), (86_400, 15, 360), (86_401, 15, 361), (10, 2, 2)],
)
def test_a_line_has_at_most_240_points_none_closer_than_a_scrape(seconds: int, interval: int, step: int) -> None:
    period = Period(1000, 1000 + seconds, interval)
    assert period.step == step
    assert seconds / period.step <= 240


def test_everything_is_shown_unless_something_is_chosen() -> None:
    values = Period(0, 3600, 15).values
    assert EVERYTHING.items() <= values.items()
    assert "feature" not in values
    chosen = Period(0, 3600, 15, {"model": "heart", "feature": "ca"}).values
    assert (chosen["model"], chosen["feature"]) == ("heart", "ca")
    assert chosen["instance"] == EVERYTHING["instance"]
    assert EVERYTHING["model"] != "heart"


@pytest.mark.parametrize(
    ("seconds", "interval", "rate"), [(3600, 15, "60s"), (86_400, 15, "375s"), (60, 1, "4s"), (60, 0.4, "2s")]
)
def test_rates_look_back_four_scrapes_or_further_than_a_step(seconds: int, interval: float, rate: str) -> None:
    period = Period(0, seconds, interval)
    assert period.values["__rate_interval"] == rate
    assert period.values["__range"] == f"{seconds}s"
    assert int(period.values["__interval"][:-1]) >= period.step


def test_a_panel_is_asked_for_the_course_or_for_the_end(lone_prometheus: str) -> None:
    counted = 'count_over_time(up{job=~"$job", instance=~"${instance}"}[$__rate_interval]) > bool 0'
    targets = (
        Target("A", "vector(time())", "course", False, "time_series"),
        Target("B", "vector(time())", "end", True, "time_series"),
        Target("C", counted, "", True, "table"),
    )
    end = time.time()
    period = Period(end - 60, end, 15, {"job": "it.*"})
    course, instant, filled = period.ask(replace(PANELS["Latency"], targets=targets), Measurements(lone_prometheus))
    assert [len(answer.series[0].points) for answer in (course, instant)] == [5, 1]
    assert course.series[0].points[0][1] == pytest.approx(end - 60, abs=0.01)
    assert instant.series[0].value == pytest.approx(end, abs=0.01)
    assert [answer.target for answer in (course, instant, filled)] == list(targets)
    assert [series.value for series in filled.series] == [1]


def test_a_panel_about_one_feature_needs_its_name(free_port: Callable[[], int]) -> None:
    nobody = Measurements(f"http://127.0.0.1:{free_port()}")
    panel = PANELS["Values of one feature, beside training"]
    with pytest.raises(UnknownVariable, match=r"\$feature"):
        Period(0, 60, 15).ask(panel, nobody)
    with pytest.raises(NoAnswer):
        Period(0, 60, 15, {"feature": "ca"}).ask(panel, nobody)


@pytest.mark.parametrize(
    ("legend", "expected"),
    [
        ("p95", "p95"),
        ("{{model}}: {{label}}", "heart: disease"),
        ("{{ model }} {{pod}}", "heart"),
        ("{{pod}}", ""),
        ("", "heart, disease"),
    ],
)
def test_a_series_is_called_by_its_labels(legend: str, expected: str) -> None:
    series = Series({"model": "heart", "label": "disease"}, ((0.0, 1.0),))
    assert Answer(Target("A", "x", legend, False, "time_series"), [series]).legend(series) == expected
