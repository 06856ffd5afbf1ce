"""The runbook: a section for every alert, what it links to and asks for exists, and it promises what the code does."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from monitoring import rules
from monitoring.objectives import OBJECTIVES, RUNBOOK
from monitoring.rules.rule import Alert, Record
from predictor.catalogue import CATALOGUE
from predictor.settings import PREFIX, Settings

MONITORING = Path(rules.__file__).parents[1]
TEXT = (MONITORING / "runbook.md").read_text(encoding="utf-8")
RULES = [rule for group in rules.groups() for rule in group.rules]
ALERTS = [rule for rule in RULES if isinstance(rule, Alert)]
NAMES = list(dict.fromkeys(alert.name for alert in ALERTS))
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))
QUERIES = [line for block in re.findall(r"```promql\n(.*?)```", TEXT, flags=re.DOTALL) for line in block.splitlines()]
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL) for line in block.splitlines()]
FAMILIES = {entry.full_name for entry in CATALOGUE}
RECORDED = {rule.name for rule in RULES if isinstance(rule, Record)}
OTHERS = {
    "up",
    "ALERTS",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "container_cpu_usage_seconds_total",
}


def test_every_alert_has_a_section_and_every_section_is_an_alert() -> None:
    assert re.findall(r"^## (.*)$", TEXT, flags=re.MULTILINE) == list(SECTIONS)
    assert sorted(SECTIONS) == sorted(NAMES)


def test_every_alert_points_to_its_section() -> None:
    anchors = {f"{RUNBOOK}#{name.lower()}" for name in SECTIONS}
    assert {alert.document()["annotations"]["runbook_url"] for alert in ALERTS} == anchors
    assert RUNBOOK.endswith("/monitoring/runbook.md")


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    section = SECTIONS[name]
    assert re.findall(r"^\*\*(Means|Look|Do)\.\*\*", section, flags=re.MULTILINE) == ["Means", "Look", "Do"]
    assert "```promql\n" in section
    assert re.search(r"^1\. ", section, flags=re.MULTILINE)


def test_the_table_lists_the_alerts_with_their_severities() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| ([a-z, ]+) \| .+\. \|$", TEXT, flags=re.MULTILINE)
    assert [name for name, _, _ in rows] == list(SECTIONS)
    for name, anchor, severities in rows:
        assert anchor == name.lower()
        expected = dict.fromkeys(alert.severity for alert in ALERTS if alert.name == name)
        assert severities.split(", ") == list(expected)


def test_it_promises_what_the_objectives_say() -> None:
    promised = re.search(
        r"Promised over (\S+) days: (\S+)% of the requests with data aren't answered with a 5xx,"
        r" and (\S+)% take at most (\S+) ms\.",
        TEXT,
    )
    assert promised
    assert [float(number) for number in promised.groups()] == [
        pytest.approx(number)
        for number in (
            OBJECTIVES.period_days,
            OBJECTIVES.availability * 100,
            OBJECTIVES.latency * 100,
            OBJECTIVES.latency_seconds * 1000,
        )
    ]


def test_links_within_it_lead_somewhere() -> None:
    targets = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert targets <= {name.lower() for name in SECTIONS}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_can_be_pasted_and_asks_for_what_exists(query: str) -> None:
    names: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            names.add(str(node.name))

    promql_parser.walk(promql_parser.parse(query), visit)
    assert names
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    assert families <= FAMILIES | RECORDED | OTHERS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_can_be_pasted(command: str) -> None:
    words = shlex.split(command)  # raises ValueError where a quotation mark is open
    assert words[0] in {"kubectl", "curl"} or re.fullmatch(r"[A-Z]+=\S+", words[0])
    if words[0] == "kubectl":
        assert words[1:3] == ["-n", "$NAMESPACE"]
    for patch in (words[position + 1] for position, word in enumerate(words) if word == "-p"):
        assert json.loads(patch)["spec"]


def test_the_panels_that_it_names_exist() -> None:
    named = {(board, " ".join(panel.split())) for board, panel in re.findall(r"\*\*(\w+) \u203a\s+([^*]+)\*\*", TEXT)}
    titles = {
        (path.stem.capitalize(), panel["title"])
        for path in (MONITORING / "grafana" / "dashboards").glob("*.json")
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
    }
    assert named
    assert named <= titles


def test_the_settings_that_it_names_exist() -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", TEXT))
    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    knobs = set(re.findall(r"`([a-z]+_[a-z_]+)`\s+in\s+`monitoring/objectives\.py`", TEXT))
    assert knobs
    assert all(hasattr(OBJECTIVES, knob) for knob in knobs)
