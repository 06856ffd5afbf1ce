"""The rules' code: what a recorded series is called, what is rendered where, and that each name asked for exists."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from monitoring import rules
from monitoring.objectives import DATA_ROUTES, OBJECTIVES
from monitoring.rules.burn_rate import BURN_RATES
from monitoring.rules.document import rule_file
from monitoring.rules.rule import Alert, Group, Record
from predictor.accounting import SECONDS
from predictor.catalogue import CATALOGUE
from predictor.metrics import KINDS, ROUTES

MONITORING = Path(rules.__file__).parents[1]
RULES = [rule for group in rules.groups() for rule in group.rules]
RECORDS = [rule for rule in RULES if isinstance(rule, Record)]
RECORDED = {record.name for record in RECORDS}
HISTOGRAMS = {entry.full_name for entry in CATALOGUE if entry.kind == "histogram"}
EXPOSED = {entry.full_name for entry in CATALOGUE} - HISTOGRAMS
EXPOSED |= {f"{name}{suffix}" for name in HISTOGRAMS for suffix in ("_bucket", "_sum", "_count")}
KNOWN = {*EXPOSED, *RECORDED, "up", "process_start_time_seconds", "process_resident_memory_bytes"}
LEVELS = {
    "model": "namespace, model",
    "model_feature": "namespace, model, feature",
    "model_label": "namespace, model, label",
    "model_measure": "namespace, model, measure",
}
ALLOWED = {"route": set(ROUTES), "kind": set(KINDS), "bin": {"missing"}, "measure": {"brier"}, "job": {"predictor"}}


def selectors(expr: str) -> list[Any]:
    """Every place where an expression asks for series."""
    found: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expr), visit)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_an_expression_asks_only_for_series_that_exist(rule: Alert | Record) -> None:
    names = {selector.name for selector in selectors(rule.expr)}
    assert names
    assert names <= KNOWN


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_an_expression_selects_by_values_that_the_predictor_gives(rule: Alert | Record) -> None:
    for selector in selectors(rule.expr):
        for matcher in selector.matchers.matchers:
            if matcher.name == "status":
                assert re.fullmatch(matcher.value, "503")
                assert not re.fullmatch(matcher.value, "400")
            elif matcher.name == "le":
                assert float(matcher.value) in SECONDS
                assert "." in matcher.value  # as `prometheus_client` writes it: 1.0, never 1
            else:
                values = matcher.value.replace("[.]", ".").split("|")
                assert set(values) <= ALLOWED[matcher.name]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_recorded_name_says_which_labels_are_left(record: Record) -> None:
    level, metric, operation = record.name.split(":")
    assert f"by ({LEVELS[level]}" in record.expr or f"{level}:" in record.expr
    assert metric.startswith("predictor_")
    assert re.fullmatch(r"(rate|increase|ratio_rate|p\d\d_)\d+[mhd]|avg", operation)


def test_a_series_is_recorded_once_and_before_it_is_asked_for() -> None:
    assert len(RECORDED) == len(RECORDS)
    seen: set[str] = set()
    for rule in RULES:
        if isinstance(rule, Alert):
            assert {selector.name for selector in selectors(rule.expr)} <= seen | (KNOWN - RECORDED), rule.name
        else:
            seen.add(rule.name)


def test_a_recorded_window_is_the_one_that_its_name_tells() -> None:
    for record in RECORDS:
        operation = record.name.rsplit(":", 1)[1]
        windows = set(re.findall(r"\[(\w+)\]", record.expr))
        assert all(operation.endswith(window) for window in windows), record.name


def test_the_promises_are_about_all_routes_with_data_and_no_other() -> None:
    assert {route for route in ROUTES if re.fullmatch(DATA_ROUTES, route)} == {"v1.predict", "v2.infer", "grpc.infer"}


def test_burn_rates_are_those_of_the_workbook_for_a_month() -> None:
    assert OBJECTIVES.period_days == 30
    assert [(rate.factor, rate.long, rate.short, rate.severity) for rate in BURN_RATES] == [
        (14.4, "1h", "5m", "critical"),
        (6.0, "6h", "30m", "critical"),
        (3.0, "1d", "2h", "warning"),
        (1.0, "3d", "6h", "warning"),
    ]


def test_what_is_committed_is_what_is_rendered() -> None:
    files = rules.files()
    assert set(files) == {
        "prometheus/rules/recording.yaml",
        "prometheus/rules/alerts.yaml",
        "kubernetes/prometheus-rule.yaml",
    }
    for name, text in files.items():
        assert (MONITORING / name).read_text(encoding="utf-8") == text, "run python -m monitoring render"
        assert text.startswith("# Rendered from monitoring/rules by `python -m monitoring render`")


def test_the_operator_gets_the_groups_that_prometheus_gets() -> None:
    files = {name: yaml.safe_load(text) for name, text in rules.files().items()}
    recording, alerts, resource = (
        files[name]
        for name in (
            "prometheus/rules/recording.yaml",
            "prometheus/rules/alerts.yaml",
            "kubernetes/prometheus-rule.yaml",
        )
    )
    assert resource["kind"] == "PrometheusRule"
    assert resource["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    by_name = {group["name"]: group for group in (*recording["groups"], *alerts["groups"])}
    assert {group["name"]: group for group in resource["spec"]["groups"]} == by_name
    assert len(resource["spec"]["groups"]) == len(by_name) == len(rules.groups())
    assert not [rule for group in recording["groups"] for rule in group["rules"] if "alert" in rule]
    assert not [rule for group in alerts["groups"] for rule in group["rules"] if "record" in rule]


def test_yaml_keeps_lines_and_reads_back_as_it_was_written() -> None:
    expr = """
        up
        and
        up == 1
    """
    alert = Alert("Name", expr, "info", "5m", "short", "word " * 40 + '{{ printf "%.2f" $value }}', {"window": "1d"})
    document = Group("group", (alert, replace(alert, name="Other")), interval="1m").document()
    assert document["interval"] == "1m"
    assert document["rules"][0]["expr"] == "up\nand\nup == 1"
    text = rule_file([Group("group", (alert,))])
    assert "expr: |-\n          up\n          and\n          up == 1\n" in text
    assert "description: >-\n" in text
    (group,) = yaml.safe_load(text)["groups"]
    assert group["rules"][0]["annotations"]["description"] == alert.description
    assert "interval" not in group
