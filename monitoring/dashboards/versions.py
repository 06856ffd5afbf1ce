"""Which bundles are served, and how a canary does beside the champion."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Section
from monitoring.dashboards.panel import (
    COUNT,
    DATE,
    RATIO,
    REQUESTS,
    SECONDS,
    Query,
    Step,
    merged,
    table,
    time_series,
    worse_above,
)
from monitoring.dashboards.promql import DATA, MODEL, highest, of_version, rate, ratio, total
from monitoring.objectives import OBJECTIVES

BUNDLE = ("version", "candidate", "digest", "run_id")
KEYS = ("model", *BUNDLE)
BY_VERSION = ("model", "version")
LEGEND = "{{model}} {{version}}"

CREATED = highest(of_version(f"predictor_model_created_timestamp_seconds{{{MODEL}}}", *BUNDLE), *KEYS)
THRESHOLD = highest(of_version(f"predictor_model_threshold{{{MODEL}}}", *BUNDLE), *KEYS)
REQUESTS_BY_VERSION = of_version(rate("predictor_requests_total", DATA))
PREDICTIONS_BY_VERSION = of_version(rate("predictor_predictions_total"))


def _failed() -> str:
    return of_version(rate("predictor_requests_total", f'{DATA}, status=~"5.."'))


def _mean_probability() -> str:
    histogram = "predictor_prediction_probability"
    return ratio(of_version(rate(f"{histogram}_sum")), of_version(rate(f"{histogram}_count")), *BY_VERSION, "label")


def _p95() -> str:
    series = of_version(rate("predictor_request_duration_seconds_bucket", DATA))
    return f"histogram_quantile(0.95, {total(series, 'le', *BY_VERSION)})"


SHARES = (
    f"{total(PREDICTIONS_BY_VERSION, *BY_VERSION, 'label')} / on (model, version) group_left ()"
    f" ({total(PREDICTIONS_BY_VERSION, *BY_VERSION)} > 0)"
)

VERSIONS = Section(
    "Versions: champion beside canary",
    (
        table(
            "Model versions",
            "Every bundle that is served: on how many instances, sealed when, by which run of the pipeline, and from"
            f" which probability on it decides positive (of two classes). Worry about a version that nobody rolled"
            f" out, or older than {OBJECTIVES.stale_days} days.",
            Query(f"count by ({', '.join(KEYS)}) (predictor_model_info{{{MODEL}}})", instant=True),
            Query(f"{CREATED} * 1000", instant=True),
            Query(f"time() - {CREATED}", instant=True),
            Query(THRESHOLD, instant=True),
            unit=COUNT,
            width=24,
            height=6,
            units={"sealed": DATE, "age": SECONDS, "threshold": RATIO},
            reshaping=merged(KEYS, "instances", "sealed", "age", "threshold"),
            alerts=("PredictorVersionsMixed", "PredictorModelStale"),
            covers=("heart monitoring: Model Status",),
            empty="no model",
        ),
        time_series(
            "Requests by version",
            "Requests with data by the version that answered them: how a canary's share of traffic grows.",
            Query(total(REQUESTS_BY_VERSION, *BY_VERSION), LEGEND),
            unit=REQUESTS,
            alerts=("PredictorVersionsMixed",),
        ),
        time_series(
            "Server error ratio by version",
            "Share of requests with data answered with a 5xx. Roll back when the canary's is above the champion's.",
            Query(ratio(_failed(), REQUESTS_BY_VERSION, *BY_VERSION), LEGEND),
            unit=RATIO,
            maximum=None,
            steps=worse_above(round(1 - OBJECTIVES.availability, 6)),
            alerts=("PredictorErrorBudgetBurn", "PredictorModelErrors"),
            empty="no traffic",
        ),
        time_series(
            "Latency p95 by version",
            "95 % of requests with data are answered faster. Roll back when the canary is slower for alike requests.",
            Query(_p95(), LEGEND),
            unit=SECONDS,
            minimum=0,
            steps=(Step("green"), Step("red", OBJECTIVES.latency_seconds)),
            alerts=("PredictorLatencyBudgetBurn",),
            empty="no traffic",
        ),
        time_series(
            "Share of each class by version",
            "Shares of a version's rows, by the class decided on. Both get a random part of the same traffic: a clear"
            " difference is the models'.",
            Query(SHARES, "{{model}} {{version}}: {{label}}"),
            unit=RATIO,
            width=12,
            alerts=("PredictorCollapsed", "PredictorPredictionDrift"),
            empty="no traffic",
        ),
        time_series(
            "Mean probability by version",
            "Mean probability of the positive class, or with more than two of each. Calibrated models agree on the mean"
            " of the same traffic.",
            Query(_mean_probability(), "{{model}} {{version}}: {{label}}"),
            unit=RATIO,
            width=12,
            alerts=("PredictorPredictionDrift",),
            empty="no traffic",
        ),
    ),
)
