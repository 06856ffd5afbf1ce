"""A dashboard as a list of sections, laid out and rendered to the JSON that Grafana loads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as grafana

from monitoring.dashboards import variable
from monitoring.dashboards.visualization import drawn
from monitoring.objectives import RUNBOOK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana_foundation_sdk.cog.builder import Builder

    from monitoring.dashboards.panel import Panel
    from monitoring.dashboards.variable import Variable

COLUMNS = 24
TAG = "concord"
FIRING = 'ALERTS{alertname=~"Predictor.+", alertstate="firing"}'


@dataclass(frozen=True)
class Section:
    """Panels under a heading, from left to right and then down."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """A page of Grafana. `name` is its file's; the uid stays, so that links keep working."""

    name: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    sections: tuple[Section, ...]

    @property
    def uid(self) -> str:
        """What Grafana knows the dashboard by, whichever instance of it."""
        return f"{TAG}-{self.name}"

    def build(self) -> grafana.Dashboard:
        """Grafana's model of it."""
        dashboard = (
            build.Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags([TAG])
            .readonly()
            .refresh("30s")
            .time("now-1h", "now")
            .timezone("browser")
            .tooltip(grafana.DashboardCursorSync.CROSSHAIR)
            .links(_links())
            .annotation(_alerts())
            .with_variable(variable.datasource())
        )
        for chosen in self.variables:
            dashboard.with_variable(chosen.build())
        for number, (item, position) in enumerate(_places(self.sections), start=1):
            if isinstance(item, Section):
                dashboard.with_row(build.Row(item.title).id(number).grid_pos(position))
            else:
                dashboard.with_panel(drawn(item, number, position))
        return dashboard.build()

    def text(self) -> str:
        """The JSON, the same each time."""
        return json.dumps(self.build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _places(sections: tuple[Section, ...]) -> Iterator[tuple[Section | Panel, grafana.GridPos]]:
    top = 0
    for section in sections:
        yield section, grafana.GridPos(x=0, y=top, w=COLUMNS, h=1)
        top, left, height = top + 1, 0, 0
        for panel in section.panels:
            if left + panel.width > COLUMNS:
                top, left, height = top + height, 0, 0
            yield panel, grafana.GridPos(x=left, y=top, w=panel.width, h=panel.height)
            left, height = left + panel.width, max(height, panel.height)
        top += height


def _links() -> list[Builder[grafana.DashboardLink]]:
    others = build.DashboardLink("Concord").type(grafana.DashboardLinkType.DASHBOARDS).tags([TAG])
    runbook = build.DashboardLink("Runbook").type(grafana.DashboardLinkType.LINK).icon("doc").url(RUNBOOK)
    return [others.include_vars(include_vars=True).keep_time(keep_time=True), runbook.target_blank(target_blank=True)]


def _alerts() -> build.AnnotationQuery:
    alerts = build.AnnotationQuery().name("Alerts that fire").datasource(variable.DATASOURCE).expr(FIRING)
    return alerts.enable(enable=True).hide(hide=False).icon_color("red")
