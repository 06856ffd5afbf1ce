"""A model of three classes behind the shipped Prometheus: every panel about models has something to show."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from monitoring.dashboards import document
from monitoring.drawing.period import Period
from monitoring.measurements import Measurements
from monitoring.rendering import FOLDER
from monitoring.stack.configuration import Configuration, Haste
from monitoring.stack.stack import Ports, Stack
from tests.programs import SERVERS, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HASTE = Haste(interval=1, patience=2)
LABELS = {"setosa", "versicolor", "virginica"}
MODEL = document.read((FOLDER / "grafana" / "dashboards" / "model.json").read_text(encoding="utf-8"))
PANELS = [pytest.param(panel, id=f"{panel.section}: {panel.title}") for panel in MODEL.panels]


@pytest.fixture(scope="module")
def measured(flowers: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Measurements, Period]]:
    require(*SERVERS)
    settings = ("--drift_rows", "500", "--truth_window", "500", "--drain_delay_seconds", "0")
    started = time.time()
    with Stack(flowers, tmp_path_factory.mktemp("stack"), Ports.free(), Configuration(haste=HASTE), settings) as stack:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "monitoring.load", "--host", stack.url("predictor"), "--truth"),
                *("--rate", "150", "--duration", "8", "--seed", "1"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        time.sleep(2 * HASTE.interval)
        period = Period(started, time.time(), HASTE.interval, {"feature": "petal_length"})
        yield Measurements(stack.url("prometheus")), period


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_shows_something_but_a_threshold(
    panel: document.PanelDocument, measured: tuple[Measurements, Period]
) -> None:
    prometheus, period = measured
    for answer in period.ask(panel, prometheus):
        expr = answer.target.expr
        if "predictor_model_threshold" in expr:
            assert answer.series == []
            continue
        assert any(math.isfinite(value) for series in answer.series for _, value in series.points), expr
        names = [answer.legend(series) for series in answer.series]
        if answer.target.form == "time_series":
            assert len(set(names)) == len(names), f"{expr}: {names}"
        if re.search(r"\{\{\s*label\s*\}\}", answer.target.legend):
            assert {series.labels["label"] for series in answer.series} == LABELS, expr


def test_a_class_alone_can_be_chosen(measured: tuple[Measurements, Period]) -> None:
    prometheus, period = measured
    (panel,) = [panel for panel in MODEL.panels if panel.title == "Probability over time"]
    chosen = Period(period.start, period.end, period.interval, {**period.chosen, "class": "virginica"})
    found = [series for answer in chosen.ask(panel, prometheus) for series in answer.series]
    assert {series.labels["label"] for series in found} == {"virginica"}


def test_the_recorded_drift_is_told_by_class(measured: tuple[Measurements, Period]) -> None:
    prometheus, _ = measured
    found = prometheus.now("model_label:predictor_prediction_drift_psi:avg")
    assert {series.labels["label"] for series in found} == LABELS
    assert all(series.value < 0.2 for series in found)
    assert not prometheus.firing("PredictorPredictionDrift")
    assert not prometheus.firing("PredictorCollapsed")
