"""The drift of a real hospital, from traffic to alert, on this machine and in minutes.

A model of Cleveland's patients first gets requests like those of Cleveland, and Prometheus stays silent; then those of
the V.A. Medical Center in Long Beach, where patients are older, sicker and less often examined: it fires, and names the
features that moved. Everything is as shipped; only waiting is shorter (`monitoring.stack.configuration.Haste`).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitoring import rendering
from monitoring.dashboards import document
from monitoring.drawing.period import Period
from monitoring.drawing.picture import pictures
from monitoring.errors import Unexpected
from monitoring.measurements import Measurements
from monitoring.objectives import OBJECTIVES
from monitoring.stack.configuration import Configuration, Haste
from monitoring.stack.stack import Ports, Stack

if TYPE_CHECKING:
    from collections.abc import Callable

RATE = 60
"""Requests a second."""

HOME, ABROAD = "training", "va"
"""The contract's names of the tables that traffic is drawn from."""

DRIFT = "PredictorFeatureDrift"
_HASTE = Haste(interval=2, patience=6)
_ALERT_SECONDS = 60.0
_PSI = "max by (feature) (predictor_feature_drift_psi)"


class Demo:
    """Runs once. `seconds` is how long each site's traffic lasts; `say` takes what is to be told, line by line."""

    def __init__(self, bundle: Path, seconds: int, say: Callable[[str], None]) -> None:
        self._bundle = bundle
        self._seconds = seconds
        self._say = say

    def run(self, folder: Path) -> dict[str, float]:
        """Show it, and draw all dashboards into `folder`; returns the PSI of each feature that the alerts name.

        Raises `Unexpected` if an alert on drift fires at home or none does abroad, or what the stack raises.
        """
        started = time.time()
        with tempfile.TemporaryDirectory(prefix="concord-demo-") as temporary:
            # The window holds less than a minute's rows, so that it is the other site's within the demonstration.
            rows = max(400, RATE * self._seconds // 2)
            stack = Stack(
                self._bundle,
                Path(temporary),
                Ports.free(),
                Configuration(haste=_HASTE),
                ("--drift_rows", str(rows), "--truth_window", str(rows), "--drain_delay_seconds", "0"),
            )
            with stack:
                measured = Measurements(stack.url("prometheus"))
                self._say(f"Prometheus  {stack.url('prometheus')}/alerts (until the end of this)")
                self._traffic(stack.url("predictor"), HOME)
                self._silent(measured)
                self._traffic(stack.url("predictor"), ABROAD)
                moved = self._fired(measured)
                feature = max(moved, key=lambda name: moved[name])
                period = Period(started, time.time(), _HASTE.interval, {"feature": feature})
                drawn = draw_dashboards(measured, folder, period)
        self._say(f"Pictures    {len(drawn)} in {folder}")
        return moved

    def _traffic(self, predictor: str, table: str) -> None:
        self._say(f"Traffic     {RATE} requests/s for {self._seconds} s, drawn from {table}, true labels afterwards")
        command = [
            *(sys.executable, "-m", "monitoring.load", "--host", predictor, "--table", table, "--truth"),
            *("--rate", str(RATE), "--duration", str(self._seconds), "--batches", "0"),
            *("--valid", "96", "--invalid", "2", "--odd", "2", "--seed", "7"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise Unexpected(f"the traffic wasn't answered as it should be:\n{done.stdout}{done.stderr}")

    def _silent(self, measured: Measurements) -> None:
        found = {series.labels["feature"]: series.value for series in measured.now(_PSI)}
        firing = {alert.labels["feature"] for alert in measured.firing(DRIFT)}
        moved = firing | {name for name, psi in found.items() if not psi < OBJECTIVES.drift_psi}
        highest = max(found.values())
        if moved:
            raise Unexpected(
                f"{DRIFT} fires, or soon will, for {', '.join(sorted(moved))} (PSI up to {highest:.2f}) on traffic like"
                " training's"
            )
        self._say(f"Silent      the highest PSI of a feature is {highest:.3f}, below {OBJECTIVES.drift_psi}")

    def _fired(self, measured: Measurements) -> dict[str, float]:
        expected = {series.labels["feature"] for series in measured.now(f"{_PSI} > {OBJECTIVES.drift_psi}")}
        deadline = time.monotonic() + _ALERT_SECONDS
        named: set[str] = set()
        while time.monotonic() < deadline and not (expected and named >= expected):
            time.sleep(_HASTE.interval)
            named = {alert.labels["feature"] for alert in measured.firing(DRIFT)}
        if not named:
            raise Unexpected(f"{DRIFT} doesn't fire on the traffic of {ABROAD}")
        found = {series.labels["feature"]: series.value for series in measured.now(_PSI)}
        moved = {name: found[name] for name in sorted(named, key=lambda name: -found[name])}
        self._say(f"Fires       {DRIFT} names {len(moved)} of {len(found)} features; PSI:")
        for name, psi in moved.items():
            self._say(f"            {name:<10} {psi:5.2f}")
        return moved


def draw_dashboards(measured: Measurements, folder: Path, period: Period) -> list[Path]:
    """Draw every section of every dashboard; says which files. Of the features the first is shown unless one is chosen.

    Raises `Unexpected` if no predictor was scraped in that time, and `monitoring.errors.NoAnswer`.
    """
    features = measured.now("max by (feature) (predictor_profile_share)", period.end)
    if not features:
        raise Unexpected("Prometheus hasn't scraped a predictor in that time; make monitor starts both")
    chosen = {"feature": features[0].labels["feature"], **period.chosen}
    return [
        path
        for dashboard in sorted((rendering.FOLDER / "grafana" / "dashboards").glob("*.json"))
        for path in pictures(
            document.read(dashboard.read_text(encoding="utf-8")), measured, replace(period, chosen=chosen), folder
        )
    ]
