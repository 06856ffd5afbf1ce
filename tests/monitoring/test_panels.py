"""Every query of every panel: that it parses, asks for metrics that exist, and treats them as what they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import promql_parser
import pytest

from monitoring import dashboards
from monitoring.dashboards import promql
from monitoring.dashboards.document import EVERYTHING, Target
from monitoring.errors import UnknownVariable
from monitoring.objectives import OBJECTIVES
from predictor.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitoring.dashboards.document import PanelDocument

HISTOGRAMS = {entry.full_name for entry in CATALOGUE if entry.kind == "histogram"}
PREDICTOR = {entry.full_name for entry in CATALOGUE} - HISTOGRAMS
PREDICTOR |= {f"{name}{suffix}" for name in HISTOGRAMS for suffix in ("_bucket", "_sum", "_count")}
OTHERS = {
    "up",
    *("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"),
    *("process_start_time_seconds", "python_gc_collections_total"),
    *("node_cpu_seconds_total", "node_load1", "node_load5", "node_load15", "node_procs_running", "node_procs_blocked"),
    *("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
    *("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
    *("node_disk_read_bytes_total", "node_disk_written_bytes_total", "node_disk_io_time_seconds_total"),
    *("node_network_receive_bytes_total", "node_network_transmit_bytes_total"),
    *("container_cpu_usage_seconds_total", "container_cpu_cfs_periods_total"),
    *("container_cpu_cfs_throttled_periods_total", "container_memory_working_set_bytes"),
    *("container_spec_memory_limit_bytes", "container_network_receive_bytes_total"),
    *("container_network_transmit_bytes_total", "container_fs_reads_bytes_total", "container_fs_writes_bytes_total"),
}
VALUES = {**EVERYTHING, "feature": "age", "__rate_interval": "1m", "__range": "1h", "__interval": "15s"}
COUNTED = ("_total", "_bucket", "_sum", "_count")
GROWTH = {"rate", "increase"}
MEANT = {"model", "namespace", "class", "instance", "pod", "feature", "__rate_interval", "__range", "__interval"}

VARIABLES = {document.uid: set(document.variables) for document in dashboards.documents()}
PANELS = [(document.uid, panel) for document in dashboards.documents() for panel in document.panels]
QUERIES = [
    pytest.param(uid, target, id=f"{uid} {panel.title} {target.reference}")
    for uid, panel in PANELS
    for target in panel.targets
]


def parsed(target: Target) -> Any:
    return promql_parser.parse(target.filled(VALUES))


def nodes(expression: Any, inside: tuple[str, ...] = ()) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Every part of a query, with the names of the functions around it."""
    yield expression, inside
    if isinstance(expression, promql_parser.Call):
        for argument in expression.args:
            yield from nodes(argument, (*inside, expression.func.name))
    elif isinstance(expression, promql_parser.BinaryExpr):
        yield from nodes(expression.lhs, inside)
        yield from nodes(expression.rhs, inside)
    elif isinstance(expression, promql_parser.AggregateExpr | promql_parser.ParenExpr | promql_parser.UnaryExpr):
        yield from nodes(expression.expr, inside)
    elif isinstance(expression, promql_parser.MatrixSelector):
        yield from nodes(expression.vector_selector, inside)


def selectors(target: Target) -> Iterator[tuple[Any, tuple[str, ...]]]:
    return ((node, inside) for node, inside in nodes(parsed(target)) if isinstance(node, promql_parser.VectorSelector))


def asked(target: Target) -> set[str]:
    """The variables that Grafana must fill in."""
    return {first or second for first, second in re.findall(r"\$(?:\{(\w+)\}|(\w+))", target.expr)}


def broken(expr: str) -> list[str]:
    """What the rules of this module say against a query."""
    target = Target("A", expr, "", instant=False, form="time_series")
    wrong = []
    for node, inside in nodes(parsed(target)):
        if isinstance(node, promql_parser.Call) and node.func.name == "histogram_quantile" and not over_sums(node):
            wrong.append("a quantile over buckets that aren't summed by le")
        if isinstance(node, promql_parser.VectorSelector):
            name = str(node.name)
            if name not in PREDICTOR | OTHERS:
                wrong.append(f"{name} isn't a metric")
            if name.endswith(COUNTED) and not GROWTH & set(inside) and not counts_series(target, node):
                wrong.append(f"{name} is counted from a start that differs by instance")
            if not name.endswith(COUNTED) and GROWTH & set(inside):
                wrong.append(f"{name} isn't a counter")
    return wrong


def over_sums(quantile: Any) -> bool:
    summed = quantile.args[1]
    return (
        isinstance(summed, promql_parser.AggregateExpr)
        and str(summed.op) == "sum"
        and summed.modifier is not None
        and summed.modifier.type == promql_parser.AggModifierType.By
        and "le" in summed.modifier.labels
    )


def counts_series(target: Target, selector: Any) -> bool:
    """Whether a counter is only asked how many series it has, as for the number of cores."""
    expression = parsed(target)
    return (
        isinstance(expression, promql_parser.AggregateExpr)
        and str(expression.op) == "count"
        and any(node.prettify() == selector.prettify() for node, _ in nodes(expression.expr))
    )


@pytest.mark.parametrize(("uid", "target"), QUERIES)
def test_a_query_treats_metrics_as_what_they_are(uid: str, target: Target) -> None:
    assert broken(target.expr) == []


@pytest.mark.parametrize(
    ("expr", "wrong"),
    [
        ("rate(predictor_requests[5m])", "predictor_requests isn't a metric"),
        ("predictor_requests_total", "counted from a start"),
        ("sum(predictor_predictions_total)", "counted from a start"),
        ("rate(predictor_requests_in_flight[5m])", "isn't a counter"),
        ("histogram_quantile(0.95, rate(predictor_request_duration_seconds_bucket[5m]))", "aren't summed by le"),
        ("histogram_quantile(0.9, sum by (route) (rate(predictor_request_duration_seconds_bucket[5m])))", "summed by"),
        ("histogram_quantile(0.9, max by (le) (rate(predictor_request_duration_seconds_bucket[5m])))", "summed by"),
    ],
)
def test_the_faults_of_predecessors_would_be_seen(expr: str, wrong: str) -> None:
    assert any(wrong in found for found in broken(expr))


@pytest.mark.parametrize(("uid", "target"), QUERIES)
def test_a_query_asks_only_for_what_can_be_filled_in(uid: str, target: Target) -> None:
    assert asked(target) <= MEANT
    assert "$" not in target.filled(VALUES)


def test_a_variable_without_a_value_is_named() -> None:
    target = Target("A", 'up{pod="$pod"} + ${other}', "", instant=True, form="table")
    assert target.filled({"pod": "a", "other": "b"}) == 'up{pod="a"} + b'
    with pytest.raises(UnknownVariable, match=r"\$other in up.*has no value; known are pod$"):
        target.filled({"pod": "a"})


@pytest.mark.parametrize(("uid", "target"), QUERIES)
def test_a_query_uses_a_variable_of_its_own_dashboard(uid: str, target: Target) -> None:
    assert {name for name in asked(target) if not name.startswith("__")} <= VARIABLES[uid]


@pytest.mark.parametrize(("uid", "target"), QUERIES)
def test_no_device_and_no_machine_is_written_into_a_query(uid: str, target: Target) -> None:
    assert "/dev/" not in target.expr
    for selector, _ in selectors(target):
        for matcher in selector.matchers.matchers:
            if matcher.name in {"device", "mountpoint"}:
                assert matcher.op == promql_parser.MatchOp.NotRe
            assert matcher.name != "instance" or matcher.value == EVERYTHING["instance"]


@pytest.mark.parametrize(("uid", "target"), QUERIES)
def test_rates_follow_the_resolution_and_totals_the_range(uid: str, target: Target) -> None:
    assert len(re.findall(r"\[\$?\w+\]", target.expr)) == target.expr.count("[") - target.expr.count("[.]")
    for window in re.findall(r"\brate\(\w+\{[^}]*\}\[([^\]]+)\]", target.expr):
        assert window == "$__rate_interval"
    for window in re.findall(r"\bincrease\(\w+\{[^}]*\}\[([^\]]+)\]", target.expr):
        assert window in {"$__range", promql.PERIOD}
        assert target.instant


@pytest.mark.parametrize(("uid", "target"), QUERIES)
def test_all_namespaces_include_none(uid: str, target: Target) -> None:
    of_predictor = [node for node, _ in selectors(target) if str(node.name).startswith(("predictor_", "process_"))]
    for node in of_predictor:
        assert ("namespace", ".*") in {(matcher.name, matcher.value) for matcher in node.matchers.matchers}


@pytest.mark.parametrize(("uid", "panel"), [pytest.param(*item, id=f"{item[0]} {item[1].title}") for item in PANELS])
def test_units_fit_what_is_measured(uid: str, panel: PanelDocument) -> None:
    expr = panel.targets[0].expr
    if "histogram_quantile" in expr and "duration_seconds" in expr:
        assert panel.unit == "s"
        assert "* 1000" not in expr
    assert "* 100)" not in expr
    assert not expr.endswith("* 100")
    if panel.unit == "percentunit" and not panel.title.endswith("budget left") and panel.kind != "stat":
        assert panel.minimum == 0
    if panel.kind == "gauge":
        assert (panel.minimum, panel.maximum) == (0, 1)
    if panel.kind == "heatmap":
        assert {target.form for target in panel.targets} == {"heatmap"}
        assert "by (le)" in expr


def test_every_metric_of_the_predictor_is_on_a_panel() -> None:
    shown = {node.name for _, panel in PANELS for target in panel.targets for node, _ in selectors(target)}
    assert {entry.full_name for entry in CATALOGUE if entry.kind != "histogram"} - shown == set()
    assert {name for name in HISTOGRAMS if f"{name}_bucket" not in shown} == set()


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("Availability", OBJECTIVES.availability),
        ("Slow requests", 1 - OBJECTIVES.latency),
        ("Latency", OBJECTIVES.latency_seconds),
        ("Client error ratio", OBJECTIVES.refused_ratio),
        ("Server error ratio", 1 - OBJECTIVES.availability),
        ("Drift by feature", OBJECTIVES.drift_psi),
        ("Prediction drift", OBJECTIVES.drift_psi),
        ("Age", OBJECTIVES.stale_days * 86_400),
        ("Memory of the predictor", OBJECTIVES.memory_bytes),
        ("Restarts", OBJECTIVES.restarts_an_hour),
        ("Latency p95 by version", OBJECTIVES.latency_seconds),
    ],
)
def test_thresholds_are_the_objectives(title: str, number: float) -> None:
    panel = next(panel for _, panel in PANELS if panel.title == title)
    assert panel.steps[-1][0] == pytest.approx(number)


def test_budgets_are_of_what_is_promised() -> None:
    budgets = {panel.title: panel.targets[0].expr for _, panel in PANELS if "budget" in panel.title}
    assert budgets["Availability budget left"].endswith("/ 0.001")
    assert budgets["Latency budget left"].endswith("/ 0.01")
    assert all(f"[{OBJECTIVES.period_days}d]" in expr for expr in budgets.values())
    assert f'le="{OBJECTIVES.latency_seconds}"' in budgets["Latency budget left"]
