"""The time that a picture shows, and what Prometheus says about it for one panel."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitoring.dashboards.document import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitoring.dashboards.document import PanelDocument, Target
    from monitoring.measurements import Measurements, Series

_POINTS = 240
"""Points of a line: one for every second pixel or so."""

_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Period:
    """From `start` to `end`, seconds since 1970, scraped every `interval` seconds.

    `chosen` gives values for the dashboard's variables by name; what isn't in it shows everything, as "All" does.
    """

    start: float
    end: float
    interval: float
    chosen: Mapping[str, str] = field(default_factory=dict)

    @property
    def step(self) -> float:
        """Seconds between two points: at least one scrape."""
        return max(self.interval, math.ceil((self.end - self.start) / _POINTS))

    @property
    def values(self) -> dict[str, str]:
        """What stands for Grafana's variables in a query.

        `__rate_interval` is four scrapes or one step and a scrape, as Grafana has it.
        """
        rate = max(4 * self.interval, self.step + self.interval)
        return {
            **EVERYTHING,
            "__rate_interval": f"{math.ceil(rate)}s",
            "__interval": f"{math.ceil(self.step)}s",
            "__range": f"{math.ceil(self.end - self.start)}s",
            **self.chosen,
        }

    def ask(self, panel: PanelDocument, measurements: Measurements) -> list[Answer]:
        """What each query of a panel gives. Raises `monitoring.errors.NoAnswer` or `UnknownVariable`."""
        return [Answer(target, self._series(target, measurements)) for target in panel.targets]

    def _series(self, target: Target, measurements: Measurements) -> list[Series]:
        expr = target.filled(self.values)
        if target.instant:
            return measurements.now(expr, self.end)
        return measurements.course(expr, self.start, self.end, self.step)


@dataclass(frozen=True)
class Answer:
    """A query and its series."""

    target: Target
    series: list[Series]

    def legend(self, series: Series) -> str:
        """What a series is called."""
        legend = self.target.legend or ", ".join(series.labels.values())
        return _LABEL.sub(lambda match: series.labels.get(match[1], ""), legend).strip()
