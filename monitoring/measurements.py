"""What Prometheus has measured, asked over its HTTP API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from monitoring.errors import NoAnswer

_SECONDS = 30


@dataclass(frozen=True)
class Series:
    """One series: its labels, and its points as seconds since 1970 and values; an instant query gives one point."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The last value."""
        return self.points[-1][1]


@dataclass(frozen=True)
class Alert:
    """An alert as Prometheus has it now; `state` is pending or firing."""

    name: str
    state: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Measurements:
    """A Prometheus server's answers. All methods raise `NoAnswer` if it has none, in its own words."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def now(self, expr: str, time: float | None = None) -> list[Series]:
        """The value of each series at a time, now unless given. A scalar is a series without labels."""
        data = self._ask("query", {"query": expr, **({"time": str(time)} if time is not None else {})})
        if data["resultType"] == "scalar":
            return [_series({}, [data["result"]])]
        return [_series(item["metric"], [item["value"]]) for item in data["result"]]

    def course(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """Each series from `start` to `end`, a point every `step` seconds."""
        parameters = {"query": expr, "start": str(start), "end": str(end), "step": str(step)}
        return [_series(item["metric"], item["values"]) for item in self._ask("query_range", parameters)["result"]]

    def alerts(self) -> list[Alert]:
        """What is pending or firing now."""
        return [
            Alert(item["labels"]["alertname"], item["state"], item["labels"], item["annotations"])
            for item in self._ask("alerts", {})["alerts"]
        ]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health, as Prometheus tells it."""
        return [rule for group in self._ask("rules", {})["groups"] for rule in group["rules"]]

    def firing(self, name: str) -> list[Alert]:
        """The alerts of one name that fire now."""
        return [alert for alert in self.alerts() if (alert.name, alert.state) == (name, "firing")]

    def _ask(self, what: str, parameters: dict[str, str]) -> Any:
        stranger = NoAnswer(f"{self._url} doesn't answer as Prometheus does; is it running? make monitor starts one")
        try:
            answer = (
                requests.post(f"{self._url}/api/v1/{what}", data=parameters, timeout=_SECONDS)
                if parameters
                else (requests.get(f"{self._url}/api/v1/{what}", timeout=_SECONDS))
            )
            content = answer.json()
        except requests.RequestException:
            raise stranger from None
        if not isinstance(content, dict):
            raise stranger
        if content.get("status") != "success":
            raise NoAnswer(f"{parameters.get('query', what)}: {content.get('error', 'no answer')}")
        return content["data"]


def _series(labels: dict[str, str], points: list[tuple[float, str]]) -> Series:
    return Series(labels, tuple((float(time), float(value)) for time, value in points))
