"""The dashboards as Grafana gets them: complete, in place, the same each time, and what is committed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import monitoring
from monitoring import dashboards, rules
from monitoring.dashboards import document
from monitoring.dashboards.panel import UNITS, Query, stat
from monitoring.dashboards.predecessors import PREDECESSORS
from monitoring.dashboards.promql import MODEL
from monitoring.objectives import RUNBOOK

if TYPE_CHECKING:
    from monitoring.dashboards.document import DashboardDocument, PanelDocument

FOLDER = Path(monitoring.__file__).parent
COLUMNS = 24
UIDS = ("concord-service", "concord-model", "concord-infrastructure")
ALERTS = {
    rule["alert"]
    for group in yaml.safe_load(rules.files()["kubernetes/prometheus-rule.yaml"])["spec"]["groups"]
    for rule in group["rules"]
    if "alert" in rule
}

DOCUMENTS = dashboards.documents()
EACH = pytest.mark.parametrize("dashboard", DOCUMENTS, ids=UIDS)
PANELS = [
    pytest.param(panel, id=f"{dashboard.uid} {panel.title}") for dashboard in DOCUMENTS for panel in dashboard.panels
]


def datasources(raw: Any) -> list[Any]:
    """Every reference to a data source, at any depth."""
    if isinstance(raw, dict):
        here = [raw["datasource"]] if "datasource" in raw else []
        return here + [found for value in raw.values() for found in datasources(value)]
    return [found for value in raw for found in datasources(value)] if isinstance(raw, list) else []


@pytest.mark.parametrize("name", sorted(dashboards.files()))
def test_what_is_committed_is_what_the_code_renders(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == dashboards.files()[name]


def test_nothing_else_is_committed_among_the_dashboards() -> None:
    found = {str(path.relative_to(FOLDER)) for path in (FOLDER / "grafana" / "dashboards").iterdir()}
    assert found == {name for name in dashboards.files() if name.endswith(".json")}


def test_another_process_renders_the_same() -> None:
    code = "import json, sys; from monitoring import dashboards; json.dump(dashboards.files(), sys.stdout)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={"PYTHONHASHSEED": "7"}, cwd=FOLDER.parent, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == dashboards.files()


def test_uids_stay() -> None:
    assert tuple(dashboard.uid for dashboard in DOCUMENTS) == UIDS
    assert tuple(dashboard.uid for dashboard in dashboards.dashboards()) == UIDS


@EACH
def test_a_dashboard_is_for_grafana_11(dashboard: DashboardDocument) -> None:
    assert dashboard.raw["schemaVersion"] == 41
    assert dashboard.raw["tags"] == ["concord"]
    assert dashboard.raw["refresh"] == "30s"
    assert dashboard.raw["editable"] is False
    assert "id" not in dashboard.raw


@EACH
def test_a_dashboard_links_to_the_others_and_to_the_runbook(dashboard: DashboardDocument) -> None:
    others, runbook = dashboard.raw["links"]
    assert (others["type"], others["tags"]) == ("dashboards", ["concord"])
    assert others["includeVars"]
    assert others["keepTime"]
    assert (runbook["type"], runbook["url"]) == ("link", RUNBOOK)


@EACH
def test_the_data_source_is_only_ever_the_variable(dashboard: DashboardDocument) -> None:
    found = datasources(dashboard.raw)
    assert len(found) > 2 * len(dashboard.panels)
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in found)
    first = dashboard.raw["templating"]["list"][0]
    assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")
    assert "current" not in first


@EACH
def test_all_stands_for_a_regular_expression_that_needs_no_label(dashboard: DashboardDocument) -> None:
    for variable in dashboard.raw["templating"]["list"][1:]:
        assert variable["type"] == "query"
        assert variable["refresh"] == 2
        assert variable["query"].startswith("label_values(")
        if variable["name"] == "feature":
            assert not variable["multi"]
            assert not variable["includeAll"]
        else:
            assert variable["multi"]
            assert variable["allValue"] == document.EVERYTHING[variable["name"]]
            assert variable["current"]["value"] == "$__all"


@EACH
def test_panels_have_numbers_of_their_own_and_never_overlap(dashboard: DashboardDocument) -> None:
    numbers = [panel["id"] for panel in dashboard.raw["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = [panel["gridPos"] for panel in dashboard.raw["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


@EACH
def test_lines_of_panels_are_full(dashboard: DashboardDocument) -> None:
    lines: dict[int, list[PanelDocument]] = {}
    for panel in dashboard.panels:
        lines.setdefault(panel.place[1], []).append(panel)
    for panels in lines.values():
        assert sum(panel.place[2] for panel in panels) == COLUMNS, [panel.title for panel in panels]
        assert len({panel.place[3] for panel in panels}) == 1, [panel.title for panel in panels]


@EACH
def test_titles_are_told_apart(dashboard: DashboardDocument) -> None:
    titles = [panel.title for panel in dashboard.panels]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: PanelDocument) -> None:
    assert panel.title
    assert panel.section
    assert panel.description.endswith(".")
    assert len(panel.description) > 25
    assert panel.unit in UNITS
    assert panel.targets
    assert [target.reference for target in panel.targets] == [*"ABCDEF"][: len(panel.targets)]
    assert all(target.legend for target in panel.targets)
    assert panel.steps
    assert panel.steps[0][0] is None
    rising = [value for value, _ in panel.steps[1:] if value is not None]
    assert rising == sorted(rising)
    assert len(rising) == len(panel.steps) - 1


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_points_to_the_runbook_by_the_alerts_that_exist(panel: PanelDocument) -> None:
    for link, raw in zip(panel.links, panel.raw["links"], strict=True):
        assert raw["title"] in ALERTS
        assert link == f"{RUNBOOK}#{raw['title'].lower()}"


def test_every_alert_is_reached_from_a_panel() -> None:
    linked = {link["title"] for dashboard in DOCUMENTS for panel in dashboard.panels for link in panel.raw["links"]}
    assert linked == ALERTS


def test_series_of_several_queries_are_told_apart() -> None:
    for dashboard in DOCUMENTS:
        for panel in dashboard.panels:
            if panel.kind == "timeseries":
                legends = [target.legend for target in panel.targets]
                assert len(set(legends)) == len(legends), panel.title


def test_nothing_that_a_predecessor_shows_is_lost() -> None:
    covered = {
        name
        for dashboard in dashboards.dashboards()
        for section in dashboard.sections
        for panel in section.panels
        for name in panel.covers
    }
    assert covered == {predecessor.name for predecessor in PREDECESSORS}
    systems = [predecessor.system for predecessor in PREDECESSORS]
    assert {system: systems.count(system) for system in systems} == {
        "heart pipeline": 4,
        "heart monitoring": 11,
        "iris serving": 6,
        "Porto Seguro inference": 9,
        "road accidents": 5,
    }


def test_gauges_and_courses_of_a_machine_are_both_there() -> None:
    for title in ("CPU usage", "Memory", "Disk usage"):
        name = f"Porto Seguro inference: {title}"
        kinds = {
            panel.kind
            for section in dashboards.dashboards()[2].sections
            for panel in section.panels
            if name in panel.covers
        }
        assert {"gauge", "timeseries"} <= kinds


def test_the_table_has_every_panel_and_every_query() -> None:
    lines = (FOLDER / "dashboards.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if re.match(r"\| (service|model|infrastructure) \|", line)]
    assert len(rows) == sum(len(dashboard.panels) for dashboard in DOCUMENTS)
    for dashboard in DOCUMENTS:
        for panel in dashboard.panels:
            row = next(row for row in rows if f"| {dashboard.uid.removeprefix('concord-')} | {panel.title} |" in row)
            assert all(f"`{target.expr}`".replace("|", r"\|") in row for target in panel.targets)
            assert len(re.split(r"(?<!\\)\|", row)) == 8
    assert not [line for line in lines if line.startswith("| heart ") and line.endswith("|  |")]


def test_a_changed_panel_changes_what_is_rendered() -> None:
    service = dashboards.dashboards()[0]
    panel = stat("Another", "Something else.", Query(f"sum(predictor_model_ready{{{MODEL}}})"))
    first, *others = service.sections
    changed = replace(service, sections=(replace(first, panels=(*first.panels, panel)), *others))
    assert changed.text() != service.text()
    added = [found for found in document.read(changed.text()).panels if found.title == "Another"]
    assert [(found.section, found.kind, found.unit, found.place[0]) for found in added] == [("Now", "stat", "short", 0)]
