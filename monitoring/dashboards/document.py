"""Reading a rendered dashboard: for what runs every query, draws the panels, or lists them.

It reads Grafana's JSON rather than the code that wrote it, so that it sees what Grafana sees.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitoring.dashboards.variable import ANY, PREDICTOR_PODS
from monitoring.errors import UnknownVariable

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYTHING = {"model": ANY, "class": ANY, "namespace": ANY, "instance": ANY, "pod": PREDICTOR_PODS}
"""What "All" stands for. `feature` has no such value: a panel about one feature needs its name."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class Target:
    """One query of a panel: `reference` is "A", "B", …; `form` is "time_series", "heatmap" or "table"."""

    reference: str
    expr: str
    legend: str
    instant: bool
    form: str

    def filled(self, values: Mapping[str, str]) -> str:
        """The query with values in place of Grafana's variables, as Prometheus takes it.

        `values` is by name without the dollar, `__rate_interval`, `__range` and `__interval` included, as durations.
        Raises `UnknownVariable` for one that isn't among them.
        """

        def value(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name not in values:
                raise UnknownVariable(f"${name} in {self.expr}: has no value; known are {', '.join(sorted(values))}")
            return values[name]

        return _VARIABLE.sub(value, self.expr)


@dataclass(frozen=True)
class PanelDocument:
    """A panel as Grafana has it. `steps` are its thresholds' values and colours, `place` is x, y, width and height."""

    number: int
    kind: str
    section: str
    title: str
    description: str
    unit: str
    targets: tuple[Target, ...]
    place: tuple[int, int, int, int]
    steps: tuple[tuple[float | None, str], ...]
    minimum: float | None
    maximum: float | None
    links: tuple[str, ...]
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class DashboardDocument:
    """A dashboard as Grafana has it, with the names of its variables."""

    uid: str
    title: str
    variables: tuple[str, ...]
    panels: tuple[PanelDocument, ...]
    raw: Mapping[str, Any]


def read(text: str) -> DashboardDocument:
    """A dashboard from its JSON."""
    raw = json.loads(text)
    panels, section = [], ""
    for panel in raw["panels"]:
        if panel["type"] == "row":
            section = panel["title"]
        else:
            panels.append(_panel(panel, section))
    names = tuple(variable["name"] for variable in raw["templating"]["list"])
    return DashboardDocument(raw["uid"], raw["title"], names, tuple(panels), raw)


def _panel(raw: dict[str, Any], section: str) -> PanelDocument:
    defaults = raw["fieldConfig"]["defaults"]
    grid = raw["gridPos"]
    return PanelDocument(
        number=raw["id"],
        kind=raw["type"],
        section=section,
        title=raw["title"],
        description=raw["description"],
        unit=defaults["unit"],
        targets=tuple(_target(target) for target in raw["targets"]),
        place=(grid["x"], grid["y"], grid["w"], grid["h"]),
        steps=tuple((step["value"], step["color"]) for step in defaults["thresholds"]["steps"]),
        minimum=defaults.get("min"),
        maximum=defaults.get("max"),
        links=tuple(link["url"] for link in raw.get("links", ())),
        raw=raw,
    )


def _target(raw: dict[str, Any]) -> Target:
    return Target(raw["refId"], raw["expr"], raw["legendFormat"], raw["instant"], raw["format"])
