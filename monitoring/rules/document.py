"""Groups as the YAML that Prometheus reads, and as the resource that its operator reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.rules.rule import Group

_WIDTH = 120
_LONG = 100
_ORIGIN = "# Rendered from monitoring/rules by `python -m monitoring render`; change it there.\n"
_SELECTED = """\
# An operator only reads rules with the labels that its Prometheus selects by. `release: kube-prometheus-stack` is what
# that Helm chart selects by if it is installed under this name. For another, let kustomize replace it:
#   labels:
#     - pairs: {release: monitoring}
"""


class _Dumper(yaml.SafeDumper):
    """Writes strings of several lines as such, long ones folded, and lists indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else ">" if len(text) > _LONG else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


def rule_file(groups: Sequence[Group]) -> str:
    """The text of a file for Prometheus' `rule_files`."""
    return _ORIGIN + _yaml(_groups(groups))


def prometheus_rule(groups: Sequence[Group]) -> str:
    """The text of a PrometheusRule, for where Prometheus Operator runs."""
    return (
        _ORIGIN
        + _SELECTED
        + _yaml(
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PrometheusRule",
                "metadata": {
                    "name": "concord-predictor",
                    "labels": {
                        "app.kubernetes.io/name": "predictor",
                        "app.kubernetes.io/part-of": "concord",
                        "release": "kube-prometheus-stack",
                    },
                },
                "spec": _groups(groups),
            }
        )
    )


def _groups(groups: Sequence[Group]) -> dict[str, Any]:
    return {"groups": [group.document() for group in groups]}


def _yaml(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
