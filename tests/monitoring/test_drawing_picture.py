"""A dashboard becomes a picture for each of its sections, with what a real Prometheus has measured in it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.image import imread

from monitoring import dashboards
from monitoring.dashboards.document import Target
from monitoring.drawing.period import Period
from monitoring.drawing.picture import pictures
from monitoring.errors import NoAnswer
from monitoring.measurements import Measurements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitoring.dashboards.document import DashboardDocument

SERVICE = dashboards.documents()[0]
NOW = Target("A", "up", "{{job}}", True, "time_series")
COURSE = Target("A", "up", "{{job}}", False, "time_series")


@pytest.fixture
def dashboard() -> DashboardDocument:
    """Two sections of the service's dashboard, asking for what the lone Prometheus knows."""
    panels = tuple(
        replace(panel, targets=(NOW if panel.targets[0].instant else COURSE,))
        for panel in SERVICE.panels
        if panel.section in {"What is promised", "Traffic"}
    )
    return replace(SERVICE, panels=panels)


def ink(path: Path) -> float:
    """The share of a picture that isn't white."""
    return float(np.mean(imread(path)[..., :3].min(axis=2) < 0.99))


def test_a_section_is_a_picture_and_the_same_each_time(
    dashboard: DashboardDocument, lone_prometheus: str, tmp_path: Path
) -> None:
    measured, end = Measurements(lone_prometheus), time.time()
    period, before = Period(end - 60, end, 1), dict(rcParams)
    drawn = pictures(dashboard, measured, period, tmp_path / "new" / "folder")
    assert [path.name for path in drawn] == ["service-what-is-promised.png", "service-traffic.png"]
    assert sorted(tmp_path.rglob("*.png")) == sorted(drawn)
    assert all(0.005 < ink(path) < 0.5 for path in drawn)
    assert all(imread(path).shape[1] == 1400 for path in drawn)
    again = pictures(dashboard, measured, period, tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in drawn]
    assert dict(rcParams) == before


def test_what_was_not_measured_is_drawn_as_such(
    dashboard: DashboardDocument, lone_prometheus: str, tmp_path: Path
) -> None:
    measured, end = Measurements(lone_prometheus), time.time()
    today = pictures(dashboard, measured, Period(end - 60, end, 1), tmp_path / "today")
    before = pictures(dashboard, measured, Period(end - 1e6, end - 9e5, 15), tmp_path / "before")
    for one, other in zip(today, before, strict=True):
        assert one.name == other.name
        assert ink(other) < ink(one)


def test_without_an_answer_there_is_no_picture(
    dashboard: DashboardDocument, free_port: Callable[[], int], tmp_path: Path
) -> None:
    with pytest.raises(NoAnswer):
        pictures(dashboard, Measurements(f"http://127.0.0.1:{free_port()}"), Period(0, 60, 15), tmp_path)
    assert list(tmp_path.iterdir()) == []
