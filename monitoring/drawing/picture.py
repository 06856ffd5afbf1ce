"""A section of a dashboard as one picture, its panels where Grafana puts them."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from components.reporting.figures import MUTED, heading, styled
from monitoring.drawing.chart import draw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitoring.dashboards.document import DashboardDocument, PanelDocument
    from monitoring.drawing.period import Period
    from monitoring.measurements import Measurements

_COLUMNS = 24
_INCHES = 14.0
_ROW_INCHES = 0.36
_HEAD_INCHES = 0.45
_TOP, _RIGHT = 0.5, 0.2
_LEFT = {"stat": 0.2, "gauge": 0.2, "table": 0.2, "piechart": 0.2, "bargauge": 1.3}
_BOTTOM = {"timeseries": 0.75, "barchart": 0.6, "bargauge": 0.35, "heatmap": 0.35}
"""Inches beside and below a panel's axes for what is written there; 0.75 and 0.1 for all other kinds."""
_DPI = 100


def pictures(dashboard: DashboardDocument, measurements: Measurements, period: Period, folder: Path) -> list[Path]:
    """Draw each section of a dashboard into `folder`; says which files.

    Raises `monitoring.errors.NoAnswer` if Prometheus can't be asked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for section, panels in groupby(dashboard.panels, key=lambda panel: panel.section):
        path = folder / f"{dashboard.uid.removeprefix('concord-')}-{_slug(section)}.png"
        figure = _section(f"{dashboard.title}: {section}", tuple(panels), measurements, period)
        figure.savefig(path, dpi=_DPI, facecolor="white", metadata={"Software": None})
        drawn.append(path)
    return drawn


@styled
def _section(title: str, panels: Sequence[PanelDocument], measurements: Measurements, period: Period) -> Figure:
    top = min(panel.place[1] for panel in panels)
    rows = max(panel.place[1] + panel.place[3] for panel in panels) - top
    height = _HEAD_INCHES + rows * _ROW_INCHES
    figure = Figure(figsize=(_INCHES, height))
    figure.text(0.012, 1 - 0.22 / height, title, fontsize=12, color=MUTED, va="center")
    for panel in panels:
        x, y, width, tall = panel.place
        beside, under = _LEFT.get(panel.kind, 0.75), _BOTTOM.get(panel.kind, 0.1)
        left = _INCHES * x / _COLUMNS + beside
        below = height - _HEAD_INCHES - (y - top + tall) * _ROW_INCHES + under
        inner = _INCHES * width / _COLUMNS - beside - _RIGHT
        space = tall * _ROW_INCHES - _TOP - under
        axes = figure.add_axes((left / _INCHES, below / height, inner / _INCHES, space / height))
        heading(axes, panel.title)
        draw(axes, panel, period.ask(panel, measurements), period)
    return figure


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
