"""What Prometheus calls rules: recorded series, alerts, and the groups that are evaluated together."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any, Literal

from monitoring.objectives import RUNBOOK

Severity = Literal["critical", "warning", "info"]
"""critical: somebody gets up. warning: somebody looks at it in working hours. info: to be seen, nobody is told."""


@dataclass(frozen=True)
class Record:
    """A series computed ahead, so that alerts and panels agree and are cheap.

    `name` is level:metric:operation, as Prometheus advises: the level is the labels that are left. A namespace is
    always kept with the model, and isn't in the name: where scraping adds none, the label just isn't there.
    """

    name: str
    expr: str

    def document(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {"record": self.name, "expr": _lines(self.expr)}


@dataclass(frozen=True)
class Alert:
    """A condition that somebody should know of.

    `lasting` is how long it must hold, as Prometheus writes durations. `summary` and `description` are templates of
    Prometheus; the description gives the values. `labels` are told apart from those of other rules of the same name.
    """

    name: str
    expr: str
    severity: Severity
    lasting: str
    summary: str
    description: str
    labels: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": _lines(self.expr),
            "for": self.lasting,
            "labels": {"severity": self.severity, **self.labels},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOK}#{self.name.lower()}",
            },
        }


@dataclass(frozen=True)
class Group:
    """Rules evaluated one after the other, at the same time; `interval` apart, or else as Prometheus is set."""

    name: str
    rules: tuple[Record | Alert, ...]
    interval: str | None = None

    def document(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        interval = {"interval": self.interval} if self.interval else {}
        return {"name": self.name, **interval, "rules": [rule.document() for rule in self.rules]}


def _lines(expr: str) -> str:
    return dedent(expr).strip()
