"""The table of all panels, for people: what each shows, and what became of the predecessors' panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.dashboards.panel import UNITS
from monitoring.dashboards.predecessors import PREDECESSORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitoring.dashboards.dashboard import Dashboard
    from monitoring.dashboards.panel import Panel

HEAD = """# Dashboards

Rendered by `python -m monitoring render` from `monitoring/dashboards/`; the JSON that Grafana loads is in
`monitoring/grafana/dashboards/`. `$model`, `$namespace`, `$feature`, `$pod` and `$instance` are chosen at the top of a
dashboard; the name that begins with two underscores is Grafana's own.
"""


def markdown(dashboards: Sequence[Dashboard]) -> str:
    """Both tables. Raises `KeyError` for a panel with a unit that has no words yet."""
    found = [(dashboard, panel) for dashboard in dashboards for panel in _panels(dashboard)]
    return "\n".join([HEAD, *_all(found), "", *_predecessors(found), ""])


def _panels(dashboard: Dashboard) -> Iterator[Panel]:
    for section in dashboard.sections:
        yield from section.panels


def _all(found: Sequence[tuple[Dashboard, Panel]]) -> Iterator[str]:
    yield "| dashboard | panel | what it shows | query | unit | stands in for |"
    yield "|---|---|---|---|---|---|"
    for dashboard, panel in found:
        queries = "<br>".join(f"`{query.expr}`" for query in panel.queries)
        cells = (dashboard.name, panel.title, panel.description, queries, UNITS[panel.unit], "<br>".join(panel.covers))
        yield _row(*cells)


def _predecessors(found: Sequence[tuple[Dashboard, Panel]]) -> Iterator[str]:
    yield "## What became of the predecessors' panels"
    yield ""
    yield "| predecessor | panel | what was wrong with it | here |"
    yield "|---|---|---|---|"
    for predecessor in PREDECESSORS:
        here = [f"{dashboard.name}: {panel.title}" for dashboard, panel in found if predecessor.name in panel.covers]
        yield _row(predecessor.system, predecessor.title, predecessor.fault, "<br>".join(here))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
