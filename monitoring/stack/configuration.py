"""The shipped configuration in a folder of its own, with the targets of one stack.

`Haste` is for demonstrations and tests only: it changes how often is looked and how long an alert must hold, never
what is asked.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED = Path(__file__).parents[1]

_NOBODY = "nobody"
_WEBHOOK = "webhook"


@dataclass(frozen=True)
class Haste:
    """Seconds between two looks, and seconds for which an alert must hold and Alertmanager waits for others."""

    interval: int
    patience: int


@dataclass(frozen=True)
class Configuration:
    """What differs from the shipped files besides the targets. `webhook` is a URL that is told of every alert."""

    webhook: str | None = None
    haste: Haste | None = None

    def write(self, folder: Path, targets: Mapping[str, str]) -> None:
        """Write what Prometheus and Alertmanager read into `folder`; `targets` has an address, host:port, by job."""
        prometheus, alertmanager = folder / "prometheus.yaml", folder / "alertmanager.yaml"
        for name in ("targets", "rules"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED / "prometheus" / "prometheus.yaml", prometheus)
        shutil.copy(SHIPPED / "alertmanager" / "alertmanager.yaml", alertmanager)
        for rules in (SHIPPED / "prometheus" / "rules").glob("*.yaml"):
            shutil.copy(rules, folder / "rules")
        for job, address in targets.items():
            _save(folder / "targets" / f"{job}.yaml", [{"targets": [address]}])
        if self.webhook:
            _save(alertmanager, _told(_load(alertmanager), self.webhook))
        if self.haste:
            _save(prometheus, _hurried(_load(prometheus), self.haste))
            _save(alertmanager, _prompt(_load(alertmanager), self.haste))
            for rules in (folder / "rules").glob("*.yaml"):
                _save(rules, _impatient(_load(rules), self.haste))


def _told(content: dict[str, Any], webhook: str) -> dict[str, Any]:
    content["receivers"].append({"name": _WEBHOOK, "webhook_configs": [{"url": webhook, "send_resolved": True}]})
    for route in (content["route"], *content["route"]["routes"]):
        if route["receiver"] == _NOBODY:
            route["receiver"] = _WEBHOOK
    return content


def _hurried(content: dict[str, Any], haste: Haste) -> dict[str, Any]:
    content["global"] |= {"scrape_interval": f"{haste.interval}s", "evaluation_interval": f"{haste.interval}s"}
    content["global"]["scrape_timeout"] = f"{haste.interval}s"
    return content


def _impatient(content: dict[str, Any], haste: Haste) -> dict[str, Any]:
    for group in content["groups"]:
        group.pop("interval", None)
        for rule in group["rules"]:
            if "alert" in rule:
                rule["for"] = f"{haste.patience}s"
    return content


def _prompt(content: dict[str, Any], haste: Haste) -> dict[str, Any]:
    content["route"] |= {"group_wait": f"{haste.patience}s", "group_interval": f"{haste.patience}s"}
    return content


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _save(path: Path, content: Any) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
