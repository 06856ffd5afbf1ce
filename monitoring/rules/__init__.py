"""Recording and alerting rules, for Prometheus' own configuration and for its operator.

Modules: `recording` and `burn_rate` record; `burn_rate`, `service_alerts` and `model_alerts` alert. All numbers are in
`monitoring.objectives`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.rules import burn_rate, model_alerts, recording, service_alerts
from monitoring.rules.document import prometheus_rule, rule_file
from monitoring.rules.rule import Alert

if TYPE_CHECKING:
    from monitoring.rules.rule import Group


def groups() -> tuple[Group, ...]:
    """Every group, in the order in which one builds on the other."""
    return (*recording.groups(), *burn_rate.groups(), *service_alerts.groups(), *model_alerts.groups())


def files() -> dict[str, str]:
    """The rendered files by their path inside this package's folder `monitoring`."""
    everything = groups()
    alerting = [group for group in everything if any(isinstance(rule, Alert) for rule in group.rules)]
    recorded = [group for group in everything if group not in alerting]
    return {
        "prometheus/rules/recording.yaml": rule_file(recorded),
        "prometheus/rules/alerts.yaml": rule_file(alerting),
        "kubernetes/prometheus-rule.yaml": prometheus_rule(everything),
    }
