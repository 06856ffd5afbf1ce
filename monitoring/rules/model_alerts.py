"""Alerts on the model: is what it sees, says and gets right still what it was trained and evaluated on."""

from __future__ import annotations

from monitoring.objectives import OBJECTIVES
from monitoring.rules.phrases import MODEL, each
from monitoring.rules.rule import Alert, Group


def groups() -> tuple[Group, ...]:
    """What can be wrong with the data, with the model's answers, and with which model it is."""
    return (
        Group("predictor.data", (_feature_drift(), _prediction_drift(), _missing_values())),
        Group("predictor.answers", (_collapsed(), _quality())),
        Group("predictor.versions", (_stale(), _mixed())),
    )


def _feature_drift() -> Alert:
    return Alert(
        "PredictorFeatureDrift",
        f"""
        model_feature:predictor_feature_drift_psi:avg > {OBJECTIVES.drift_psi}
        and
        model_feature:predictor_feature_drift_psi:avg > model_feature:predictor_feature_drift_psi_chance:avg
        """,
        severity="warning",
        lasting="15m",
        summary=f"{{{{ $labels.feature }}}} of {MODEL} isn't distributed as in training.",
        description=f"Feature {{{{ $labels.feature }}}} of model {MODEL} has a PSI of"
        f' {{{{ $value | printf "%.2f" }}}} against training: more than {OBJECTIVES.drift_psi}, and more than chance'
        " explains.",
    )


def _prediction_drift() -> Alert:
    return Alert(
        "PredictorPredictionDrift",
        f"""
        model_label:predictor_prediction_drift_psi:avg > {OBJECTIVES.drift_psi}
        and
        model_label:predictor_prediction_drift_psi:avg > model_label:predictor_prediction_drift_psi_chance:avg
        """,
        severity="warning",
        lasting="15m",
        summary=f"The probabilities of {MODEL} aren't distributed as in training.",
        description=f"The probabilities that model {MODEL} gives {{{{ $labels.label }}}} have a PSI of"
        f' {{{{ $value | printf "%.2f" }}}} against training: more than {OBJECTIVES.drift_psi}, and more than'
        " chance explains.",
    )


def _missing_values() -> Alert:
    trained = 'predictor_profile_share{bin="missing"}'
    of_feature = each(
        'max(predictor_profile_share{namespace=%q, model=%q, feature=%q, bin="missing"})',
        "namespace",
        "model",
        "feature",
    )
    return Alert(
        "PredictorMissingValues",
        f"""
        model_feature:predictor_missing_values_per_rows:ratio_rate1h
        > on (namespace, model, feature)
        max by (namespace, model, feature) ({trained}) + {OBJECTIVES.missing_excess}
        and on (namespace, model)
        model:predictor_rows:increase1h >= {OBJECTIVES.missing_rows}
        """,
        severity="warning",
        lasting="10m",
        summary=f"{{{{ $labels.feature }}}} of {MODEL} is missing more often than in training.",
        description=f"Feature {{{{ $labels.feature }}}} of model {MODEL} is missing in"
        " {{ $value | humanizePercentage }} of the rows of an hour"
        f"{of_feature}, in training in {{{{ .Value | humanizePercentage }}}}{{{{ end }}}}.",
    )


def _collapsed() -> Alert:
    """Every class was there in training, or there would be no model; no history is asked for.

    A model that says the same to everybody may well have done so since it was published.
    """
    return Alert(
        "PredictorCollapsed",
        f"""
        model_label:predictor_predictions:increase1h >= {OBJECTIVES.one_class_rows}
        and on (namespace, model)
        count by (namespace, model) (model_label:predictor_predictions:increase1h > 0) == 1
        """,
        severity="critical",
        lasting="5m",
        summary=f"{MODEL} says the same to everybody.",
        description=f'Model {MODEL} answered {{{{ $labels.label }}}} for all {{{{ $value | printf "%.0f" }}}} rows of'
        " an hour. In training it met others too.",
    )


def _quality() -> Alert:
    """Live and evaluated value each lie outside the other's 95 % interval.

    So neither few labels nor a small held-out set is enough by itself. Of the Brier score, less is better.
    """
    live, evaluated = "model_measure:predictor_truth_quality", "model_measure:predictor_evaluated_quality"
    low, high = (
        each(f"{evaluated}_{bound}:avg{{namespace=%q, model=%q, measure=%q}}", "namespace", "model", "measure")
        for bound in ("low", "high")
    )
    return Alert(
        "PredictorQualityBelowEvaluation",
        f"""
        (
          {live}:avg{{measure!="brier"}} < {evaluated}_low:avg
          and
          {live}_high:avg < {evaluated}:avg
        )
        or
        (
          {live}:avg{{measure="brier"}} > {evaluated}_high:avg
          and
          {live}_low:avg > {evaluated}:avg
        )
        """,
        severity="warning",
        lasting="15m",
        summary=f"{{{{ $labels.measure }}}} of {MODEL} is worse than evaluated.",
        description=f"By the labels that came in, {{{{ $labels.measure }}}} of model {MODEL} is"
        f' {{{{ $value | printf "%.3f" }}}}. Its evaluation promised {low}{{{{ .Value | printf "%.3f" }}}}{{{{ end }}}}'
        f' to {high}{{{{ .Value | printf "%.3f" }}}}{{{{ end }}}} (95% interval).',
    )


def _stale() -> Alert:
    return Alert(
        "PredictorModelStale",
        f"""
        time() - max by (namespace, model) (predictor_model_created_timestamp_seconds) > {OBJECTIVES.stale_days} * 86400
        """,
        severity="warning",
        lasting="1h",
        summary=f"{MODEL} is old.",
        description=f"The newest bundle of model {MODEL} was made {{{{ $value | humanizeDuration }}}} ago, more than"
        f" {OBJECTIVES.stale_days} days.",
    )


def _mixed() -> Alert:
    query = "count by (version) (predictor_model_info{namespace=%q, model=%q})"
    versions = each(query, "namespace", "model", sort_by="version")
    return Alert(
        "PredictorVersionsMixed",
        "count by (namespace, model) (count by (namespace, model, version) (predictor_model_info)) > 1",
        severity="info",
        lasting="1d",
        summary=f"Several versions of {MODEL} are served.",
        description=f"For a day, {{{{ $value }}}} versions of model {MODEL} have been served at the same time:"
        f"{versions} {{{{ .Labels.version }}}}{{{{ end }}}}. A canary may have been forgotten.",
    )
