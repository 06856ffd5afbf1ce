"""From traffic to a message: the real predictor, Prometheus and Alertmanager, as shipped, but for the waiting.

First come requests like training's, then those of another hospital, with a fifth that the contract refuses; at the end
the predictor is killed.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import promql_parser
import pytest
import requests
import yaml

from monitoring import rules
from monitoring.dashboards import document
from monitoring.drawing.period import Period
from monitoring.measurements import Measurements
from monitoring.rendering import FOLDER
from monitoring.rules.rule import Alert, Record
from monitoring.stack.configuration import Configuration, Haste
from monitoring.stack.stack import Ports, Stack
from tests.monitoring import kubelet
from tests.monitoring.webhook import Receiver
from tests.programs import SERVERS, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import FinishedRun

HASTE = Haste(interval=1, patience=2)
SECONDS = 12
RATE = 150
ROWS = 900  # half of what comes from one site
PANELS = [
    pytest.param(panel, id=f"{path.stem}: {panel.section}: {panel.title}")
    for path in sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
    for panel in document.read(path.read_text(encoding="utf-8")).panels
]
RULES = [
    pytest.param(rule, id=f"{rule.name} {number}")
    for number, rule in enumerate(rule for group in rules.groups() for rule in group.rules)
]


@dataclass
class Proof:
    """The running stack, what its alerts told, and when its traffic began and ended."""

    stack: Stack
    measured: Measurements
    receiver: Receiver
    silent: list[Any]
    period: Period


def traffic(stack: Stack, table: str, *arguments: str) -> None:
    command = [
        *(sys.executable, "-m", "monitoring.load", "--host", stack.url("predictor"), "--table", table, "--truth"),
        *("--rate", str(RATE), "--duration", str(SECONDS), "--seed", "1", *arguments),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def until(found: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.2)
    raise AssertionError(f"after {seconds:.0f} s still no {what}")


@pytest.fixture(scope="module")
def proof(finished: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    require(*SERVERS)
    folder = tmp_path_factory.mktemp("stack")
    settings = ("--drift_rows", str(ROWS), "--truth_window", str(ROWS), "--drain_delay_seconds", "0")
    started = time.time()
    port, end = kubelet.serve()
    with Receiver() as receiver:
        configuration = Configuration(webhook=receiver.url, haste=HASTE)
        with Stack(finished.bundle, folder, Ports.free(), configuration, settings) as stack:
            targets = folder / "configuration" / "targets" / "node.yaml"
            known = yaml.safe_load(targets.read_text(encoding="utf-8"))
            targets.write_text(yaml.safe_dump([*known, {"targets": [f"127.0.0.1:{port}"]}]), encoding="utf-8")
            measured = Measurements(stack.url("prometheus"))
            requests.get(f"{stack.url('predictor')}/docs", timeout=10).raise_for_status()
            traffic(stack, "training", "--valid", "1", "--invalid", "0", "--odd", "0")
            time.sleep(HASTE.patience + 2 * HASTE.interval)
            silent = [alert for alert in measured.alerts() if alert.name != "PredictorVersionsMixed"]
            traffic(stack, "va", "--batches", "0.1", "--batch-rows", "5")
            time.sleep(2 * HASTE.interval)
            feature = {"feature": "ca"}
            yield Proof(stack, measured, receiver, silent, Period(started, time.time(), HASTE.interval, feature))
    end()


def finite(values: list[float]) -> bool:
    return any(math.isfinite(value) for value in values)


def test_traffic_like_trainings_stays_silent(proof: Proof) -> None:
    assert proof.silent == []


@pytest.mark.parametrize("panel", PANELS)
def test_every_query_of_every_panel_returns_what_the_panel_draws(panel: document.PanelDocument, proof: Proof) -> None:
    for answer in proof.period.ask(panel, proof.measured):
        expr = answer.target.expr
        assert answer.series, expr
        assert finite([value for series in answer.series for _, value in series.points]), expr
        names = [answer.legend(series) for series in answer.series]
        if answer.target.form == "heatmap":
            assert {float(series.labels["le"]) for series in answer.series} >= {math.inf}, expr
        elif answer.target.form == "time_series":
            assert len(set(names)) == len(names), f"{expr}: {names}"
        wanted = re.findall(r"\{\{\s*(\w+)\s*\}\}", answer.target.legend)
        optional = {"namespace", "pod"}
        for series in answer.series:
            assert set(wanted) - optional <= set(series.labels), f"{expr}: {series.labels}"
        if panel.unit == "percentunit" and panel.maximum == 1 and panel.kind != "heatmap":
            values = [value for series in answer.series for _, value in series.points if math.isfinite(value)]
            assert -1e-9 <= min(values) <= max(values) <= 1 + 1e-9, expr


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_healthy_and_has_something_to_look_at(rule: Record | Alert, proof: Proof) -> None:
    found = [item for item in proof.measured.rules() if item["name"] == rule.name]
    assert found
    assert {item["health"] for item in found} == {"ok"}, [item.get("lastError") for item in found]
    if isinstance(rule, Record):
        assert proof.measured.now(rule.name), rule.expr
        assert proof.measured.now(rule.expr), rule.expr
        return
    proof.measured.now(rule.expr)
    for selector in selectors(promql_parser.parse(rule.expr)):
        assert proof.measured.now(selector), f"{rule.name}: {selector}"


def selectors(node: Any) -> Iterator[str]:
    """What an expression reads, without ranges and offsets: nothing in it is a week old."""
    if isinstance(node, promql_parser.VectorSelector):
        matchers = ",".join(f"{item.name}{_operator(item)}'{item.value}'" for item in node.matchers.matchers)
        yield f"{node.name}{{{matchers}}}"
        return
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None:
            yield from selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from selectors(child)


def _operator(matcher: Any) -> str:
    return {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}[str(matcher.op).rpartition(".")[2]]


@pytest.mark.parametrize(
    ("name", "label", "among"),
    [
        ("PredictorFeatureDrift", "feature", {"ca", "thal", "slope"}),
        ("PredictorMissingValues", "feature", {"ca", "thal"}),
        ("PredictorPredictionDrift", "model", {"heart"}),
        ("PredictorRefusals", "model", {"heart"}),
        ("PredictorQualityBelowEvaluation", "measure", {"roc_auc"}),
    ],
)
def test_traffic_becomes_a_message_that_names_what_it_is_about(
    proof: Proof, name: str, label: str, among: set[str]
) -> None:
    told = until(
        lambda: {item["labels"][label]: item for item in proof.receiver.firing(name)}.keys() >= among and among,
        f"message of {name} about {among}",
    )
    assert told
    for item in proof.receiver.firing(name):
        if item["labels"][label] not in among:
            continue
        assert item["labels"]["severity"] == "warning"
        assert item["annotations"]["runbook_url"].endswith(f"#{name.lower()}")
        assert item["labels"][label] in item["annotations"]["description"]
        assert "{{" not in item["annotations"]["description"]
        assert "%!" not in item["annotations"]["description"]


def test_no_message_speaks_of_what_has_not_happened(proof: Proof) -> None:
    told = {item["labels"]["alertname"] for item in proof.receiver.told}
    assert told
    assert not told & {
        "PredictorAbsent",
        "PredictorCollapsed",
        "PredictorDown",
        "PredictorErrorBudgetBurn",
        "PredictorLatencyBudgetBurn",
        "PredictorModelErrors",
        "PredictorModelStale",
        "PredictorNotReady",
        "PredictorOverloaded",
        "PredictorRestarting",
    }


def test_a_killed_predictor_is_told_once_and_what_follows_from_it_is_kept_quiet(proof: Proof) -> None:
    proof.stack.predictor.kill()
    (told,) = until(lambda: proof.receiver.firing("PredictorAbsent"), "message of PredictorAbsent")[:1]
    assert told["labels"]["severity"] == "critical"
    held = f"{proof.stack.url('alertmanager')}/api/v2/alerts"

    def suppressed() -> bool:
        found = requests.get(held, timeout=10).json()
        states = [item["status"]["state"] for item in found if item["labels"]["alertname"] == "PredictorDown"]
        return states == ["suppressed"]

    assert until(suppressed, "PredictorDown that is kept quiet")
