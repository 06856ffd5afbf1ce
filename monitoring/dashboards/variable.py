"""What a reader chooses at the top of a dashboard, and what "All" then stands for in a query."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as grafana

from monitoring.dashboards.promql import MODEL, NAMESPACE

DATASOURCE = grafana.DataSourceRef(type_val="prometheus", uid="${datasource}")

ANY = ".*"
PREDICTOR_PODS = ".+-predictor-.+"
"""KServe's names of pods that predict; no other series says so of a pod that never got to serve."""


@dataclass(frozen=True)
class Variable:
    """The values of a label. `everything` is the regular expression of "All"; None lets one value be chosen only."""

    name: str
    label: str
    description: str
    query: str
    everything: str | None = ANY

    def build(self) -> build.QueryVariable:
        """The same for Grafana, read anew whenever the time range changes."""
        variable = (
            build.QueryVariable(self.name)
            .label(self.label)
            .description(self.description)
            .datasource(DATASOURCE)
            .query(self.query)
            .refresh(grafana.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(grafana.VariableSort.ALPHABETICAL_ASC)
        )
        if self.everything is None:
            return variable
        chosen = grafana.VariableOption(selected=True, text="All", value="$__all")
        return variable.multi(multi=True).include_all(include_all=True).all_value(self.everything).current(chosen)


NAMESPACES = Variable(
    "namespace",
    "Namespace",
    "Namespace of the predictors; empty outside Kubernetes, where All is right.",
    "label_values(predictor_model_info, namespace)",
)
MODELS = Variable(
    "model",
    "Model",
    'Name of the model; All includes what is asked of no model ("other").',
    f"label_values(predictor_model_info{{{NAMESPACE}}}, model)",
)
FEATURES = Variable(
    "feature",
    "Feature",
    "Feature that the panels about one feature show.",
    f"label_values(predictor_feature_drift_psi{{{MODEL}}}, feature)",
    everything=None,
)
CLASSES = Variable(
    "class",
    "Class",
    "Class whose probabilities are shown: of two classes there are those of the positive one, of more those of each.",
    f"label_values(predictor_prediction_probability_count{{{MODEL}}}, label)",
)
PODS = Variable(
    "pod",
    "Pod",
    "Pods of KServe's predictors.",
    f'label_values(container_cpu_usage_seconds_total{{{NAMESPACE}, pod=~"{PREDICTOR_PODS}"}}, pod)',
    everything=PREDICTOR_PODS,
)
NODES = Variable(
    "instance",
    "Node",
    "Machine, by its node_exporter.",
    "label_values(node_uname_info, instance)",
)


def datasource() -> build.DatasourceVariable:
    """The Prometheus that all queries go to; Grafana starts with its default one."""
    return build.DatasourceVariable("datasource").label("Data source").type("prometheus")
