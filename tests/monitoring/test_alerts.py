"""What every alert must say, in words for whoever is woken by it."""

from __future__ import annotations

import re

import pytest

from monitoring import rules
from monitoring.objectives import RUNBOOK
from monitoring.rules.phrases import INSTANCE, MODEL, each
from monitoring.rules.rule import Alert

ALERTS = [rule for group in rules.groups() for rule in group.rules if isinstance(rule, Alert)]
OF_PROCESSES = {"PredictorAbsent", "PredictorDown", "PredictorNotReady", "PredictorRestarting", "PredictorMemoryHigh"}
OF_FEATURES = {"PredictorFeatureDrift", "PredictorMissingValues"}
PAGES = {
    "PredictorAbsent",
    "PredictorNotReady",
    "PredictorCollapsed",
    "PredictorErrorBudgetBurn",
    "PredictorLatencyBudgetBurn",
}


@pytest.fixture(params=ALERTS, ids=lambda alert: " ".join([alert.name, *alert.labels.values()]))
def alert(request: pytest.FixtureRequest) -> Alert:
    found: Alert = request.param
    return found


def test_it_has_all_that_a_person_needs(alert: Alert) -> None:
    document = alert.document()
    assert document["labels"]["severity"] in {"critical", "warning", "info"}
    annotations = document["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert annotations["runbook_url"] == f"{RUNBOOK}#{alert.name.lower()}"
    assert annotations["summary"].endswith(".")
    assert annotations["description"].endswith(".")
    assert annotations["summary"] != annotations["description"]


def test_it_is_called_after_the_predictor_and_what_is_wrong(alert: Alert) -> None:
    assert re.fullmatch(r"Predictor([A-Z][a-z]+)+", alert.name)


def test_it_names_what_it_is_about(alert: Alert) -> None:
    if alert.name == "PredictorAbsent":
        assert "$labels" not in alert.summary + alert.description
        return
    if alert.name in OF_PROCESSES:
        assert INSTANCE in alert.description
    else:
        assert MODEL in alert.summary
        assert MODEL in alert.description
    if alert.name in OF_FEATURES:
        assert "{{ $labels.feature }}" in alert.summary
        assert "{{ $labels.feature }}" in alert.description


def test_a_number_comes_with_its_unit(alert: Alert) -> None:
    shown = re.findall(r"\{\{ (?:\$value|\.Value)(?: \| ([^}]+?))? \}\}", alert.description)
    formats = {
        "humanizePercentage",
        "humanize1024",
        "humanizeDuration",
        'printf "%.0f"',
        'printf "%.2f"',
        'printf "%.3f"',
    }
    assert set(shown) <= {*formats, ""}
    if "" in shown:
        assert re.search(r"\{\{ \$value \}\} (times|versions)", alert.description)
    if re.search(r":ratio_rate|_per_", alert.expr) and alert.name != "PredictorCollapsed":
        assert "humanizePercentage" in shown


def test_templates_are_closed(alert: Alert) -> None:
    for text in (alert.summary, alert.description):
        assert text.count("{{") == text.count("}}")
        opened = len(re.findall(r"\{\{ (?:with|range|if) ", text))
        assert opened == text.count("{{ end }}")


def test_only_what_costs_somebody_predictions_gets_people_up() -> None:
    assert {alert.name for alert in ALERTS if alert.severity == "critical"} == PAGES


def test_rules_of_one_name_are_told_apart_by_labels() -> None:
    keys = [(alert.name, *sorted(alert.labels.items())) for alert in ALERTS]
    assert len(set(keys)) == len(keys)


def test_a_query_within_a_template_is_quoted_and_filled_in() -> None:
    text = each('max(metric{model=%q, bin="missing"})', "model", sort_by="bin")
    assert text == (
        '{{ range sortByLabel "bin" (query (printf "max(metric{model=%q, bin=\\"missing\\"})" $labels.model)) }}'
    )
