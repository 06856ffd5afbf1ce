"""Prometheus' own tool on what is committed: the rules are rules, each alert fires when it should, and not when not."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring import rules
from monitoring.rules.rule import Alert
from tests.programs import require

PROMETHEUS = Path(rules.__file__).parents[1] / "prometheus"
FILES = sorted((PROMETHEUS / "rules").glob("*.yaml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yaml"))
ALERTS = {rule.name for group in rules.groups() for rule in group.rules if isinstance(rule, Alert)}


@pytest.fixture(scope="session")
def promtool() -> str:
    require("promtool")
    return str(shutil.which("promtool"))


def run(*command: str | Path) -> tuple[bool, str]:
    """Whether a command succeeds, and what it says."""
    finished = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    return finished.returncode == 0, finished.stdout + finished.stderr


def test_the_rules_are_rules(promtool: str) -> None:
    well, said = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *FILES)
    assert well, said
    assert said.count("SUCCESS") == len(FILES) == 2


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_they_do_as_the_scenarios_say(promtool: str, path: Path) -> None:
    well, said = run(promtool, "test", "rules", path)
    assert well, said


def scenarios() -> list[tuple[str, bool]]:
    """Every alert that is looked at, and whether it should fire."""
    found: list[tuple[str, bool]] = []
    for path in TESTS:
        document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for scenario in document["tests"]:
            found += [(look["alertname"], bool(look.get("exp_alerts"))) for look in scenario.get("alert_rule_test", [])]
    return found


def test_every_alert_has_a_scenario_where_it_fires_and_one_where_it_does_not() -> None:
    looked_at = scenarios()
    assert {name for name, _ in looked_at} == ALERTS  # a name that is misspelt would be silent for ever
    assert {name for name, fires in looked_at if fires} == ALERTS
    assert {name for name, fires in looked_at if not fires} == ALERTS


def test_every_rule_of_an_alert_fires_somewhere() -> None:
    expected = set()
    for path in TESTS:
        for scenario in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for look in scenario.get("alert_rule_test", []):
                for alert in look.get("exp_alerts", []):
                    labels = alert["exp_labels"]
                    expected.add((look["alertname"], labels["severity"], labels.get("long"), labels.get("window")))
    assert expected == {
        (rule.name, rule.severity, rule.labels.get("long"), rule.labels.get("window"))
        for group in rules.groups()
        for rule in group.rules
        if isinstance(rule, Alert)
    }


def test_every_recorded_series_is_looked_at() -> None:
    asked = "\n".join(path.read_text(encoding="utf-8") for path in TESTS)
    patterns = re.findall(r'__name__=~"([^"]+)"', asked)
    for group in rules.groups():
        for rule in group.rules:
            if not isinstance(rule, Alert):
                assert rule.name in asked or any(re.fullmatch(pattern, rule.name) for pattern in patterns), rule.name


@pytest.mark.parametrize(
    ("expr", "fires"),
    [
        pytest.param("vector(0) > 1", True, id="an alert that never fires"),
        pytest.param("vector(1)", False, id="always"),
    ],
)
def test_the_scenarios_notice(promtool: str, tmp_path: Path, expr: str, fires: bool) -> None:
    """Scenarios that should fire find the first kind of broken alert, those that shouldn't find the second."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    broken = [{"alert": name, "expr": expr} for name in sorted(ALERTS)]
    contents = {"recording": [], "alerts": [{"name": "broken", "rules": broken}]}
    for name, groups in contents.items():
        (tmp_path / "rules" / f"{name}.yaml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    for path in TESTS:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        document.pop("group_eval_order", None)
        for scenario in document["tests"]:
            scenario.pop("promql_expr_test", None)
            looks = scenario.get("alert_rule_test", [])
            scenario["alert_rule_test"] = [look for look in looks if bool(look.get("exp_alerts")) == fires]
        (tmp_path / "tests" / path.name).write_text(yaml.safe_dump(document), encoding="utf-8")
    well, said = run(promtool, "test", "rules", *sorted((tmp_path / "tests").glob("*.yaml")))
    assert not well
    assert set(re.findall(r"alertname: (\w+), time", said)) == ALERTS
