"""What is recorded of requests, rows, drift and quality, over all replicas of a model."""

from __future__ import annotations

from monitoring.objectives import DATA_ROUTES
from monitoring.rules.rule import Group, Record

DATA = f'route=~"{DATA_ROUTES}"'
"""Selects the routes that carry data, in the metrics by route."""

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

REQUEST_WINDOWS = ("15m", "1h", "6h", "1d", "3d")
"""Windows that requests are counted over: those of silence and the long ones of burn rates."""


def groups() -> tuple[Group, ...]:
    """All that is recorded but the burn rates."""
    return (_of_requests(), _of_values(), _of_drift(), _of_quality())


def _of_requests() -> Group:
    return Group(
        "predictor.requests",
        (
            Record(
                "model:predictor_requests:rate5m",
                f"sum by (namespace, model) (rate(predictor_requests_total{{{DATA}}}[5m]))",
            ),
            *(
                Record(
                    f"model:predictor_requests:increase{window}",
                    f"sum by (namespace, model) (increase(predictor_requests_total{{{DATA}}}[{window}]))",
                )
                for window in REQUEST_WINDOWS
            ),
            *(
                Record(
                    f"model:predictor_request_duration_seconds:{name}_5m",
                    f"""
                    histogram_quantile(
                      {quantile},
                      sum by (namespace, model, le) (rate(predictor_request_duration_seconds_bucket{{{DATA}}}[5m]))
                    )
                    """,
                )
                for name, quantile in QUANTILES.items()
            ),
            # Whoever asks to have a row explained may have it refused just the same.
            Record(
                "model:predictor_refusals_per_requests:ratio_rate30m",
                f"""
                sum by (namespace, model) (rate(predictor_errors_total{{kind="refused"}}[30m]))
                /
                sum by (namespace, model) (rate(predictor_requests_total{{route=~"{DATA_ROUTES}|v1[.]explain"}}[30m]))
                """,
            ),
            Record(
                "model_feature:predictor_refused_values_per_requests:ratio_rate30m",
                f"""
                sum by (namespace, model, feature) (rate(predictor_refused_values_total[30m]))
                / on (namespace, model) group_left
                sum by (namespace, model) (rate(predictor_requests_total{{route=~"{DATA_ROUTES}|v1[.]explain"}}[30m]))
                """,
            ),
        ),
    )


def _of_values() -> Group:
    return Group(
        "predictor.values",
        (
            Record("model:predictor_rows:rate5m", "sum by (namespace, model) (rate(predictor_predictions_total[5m]))"),
            Record(
                "model:predictor_rows:increase1h",
                "sum by (namespace, model) (increase(predictor_predictions_total[1h]))",
            ),
            Record(
                "model_label:predictor_predictions:increase1h",
                "sum by (namespace, model, label) (increase(predictor_predictions_total[1h]))",
            ),
            Record(
                "model_label:predictor_predictions_per_rows:ratio_rate1h",
                """
                model_label:predictor_predictions:increase1h
                / on (namespace, model) group_left
                model:predictor_rows:increase1h
                """,
            ),
            Record(
                "model_feature:predictor_missing_values_per_rows:ratio_rate1h",
                """
                sum by (namespace, model, feature) (increase(predictor_missing_values_total[1h]))
                / on (namespace, model) group_left
                model:predictor_rows:increase1h
                """,
            ),
        ),
    )


def _of_drift() -> Group:
    """Drift by replica is of that replica's own window, and the load balancer deals rows to them by chance.

    So the mean is what the whole model sees, with less noise than any one of them. The largest would grow with the
    number of replicas, without any drift. A replica with too few rows says NaN, which is left out: a new one would
    silence all others.
    """
    return Group(
        "predictor.drift",
        tuple(
            Record(f"{level}:{metric}:avg", f"avg by ({labels}) ({metric} >= 0)")
            for level, labels, metrics in (
                (
                    "model_feature",
                    "namespace, model, feature",
                    ("predictor_feature_drift_psi", "predictor_feature_drift_psi_chance"),
                ),
                (
                    "model_label",
                    "namespace, model, label",
                    ("predictor_prediction_drift_psi", "predictor_prediction_drift_psi_chance"),
                ),
            )
            for metric in metrics
        ),
    )


def _of_quality() -> Group:
    """As with drift, each replica knows the truth of the rows that it answered itself, or NaN."""
    return Group(
        "predictor.quality",
        tuple(
            Record(
                f"model_measure:predictor_{kind}_quality{end}:avg",
                f"avg by (namespace, model, measure) (predictor_{kind}_quality{end} >= 0)",
            )
            for kind in ("truth", "evaluated")
            for end in ("", "_low", "_high")
        ),
    )
