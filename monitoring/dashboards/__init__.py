"""Grafana's dashboards as code: three pages, rendered to the JSON that Grafana loads and to a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.dashboards import document, table
from monitoring.dashboards.infrastructure import INFRASTRUCTURE
from monitoring.dashboards.model import MODEL_DASHBOARD
from monitoring.dashboards.service import SERVICE

if TYPE_CHECKING:
    from monitoring.dashboards.dashboard import Dashboard
    from monitoring.dashboards.document import DashboardDocument


def dashboards() -> tuple[Dashboard, ...]:
    """All dashboards, the one to open first in front; `build()` gives Grafana's model of one."""
    return SERVICE, MODEL_DASHBOARD, INFRASTRUCTURE


def documents() -> tuple[DashboardDocument, ...]:
    """The same as Grafana has them, read from what is rendered: every panel with its queries."""
    return tuple(document.read(dashboard.text()) for dashboard in dashboards())


def files() -> dict[str, str]:
    """The rendered files by their path inside this package's folder `monitoring`."""
    pages = {f"grafana/dashboards/{dashboard.name}.json": dashboard.text() for dashboard in dashboards()}
    return {**pages, "dashboards.md": table.markdown(dashboards())}
