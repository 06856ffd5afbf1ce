"""How long requests and the model take, and how many rows come at once."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Section
from monitoring.dashboards.panel import COUNT, SECONDS, Query, Step, heatmap, percent, time_series
from monitoring.dashboards.promql import DATA, MODEL, average, buckets, quantile
from monitoring.objectives import OBJECTIVES

DURATION = "predictor_request_duration_seconds"
INFERENCE_DURATION = "predictor_inference_duration_seconds"

OBJECTIVE = (Step("green"), Step("red", OBJECTIVES.latency_seconds))
PROMISE = f"{percent(OBJECTIVES.latency)} should stay below {OBJECTIVES.latency_seconds:g} s, the dashed line"


def _quantiles(histogram: str, matchers: str, label: str | None = None) -> tuple[Query, ...]:
    labels, prefix = ((label,), f"{{{{{label}}}}} ") if label else ((), "")
    shares = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    return tuple(Query(quantile(share, histogram, matchers, *labels), f"{prefix}{name}") for share, name in shares)


LATENCY = Section(
    "Latency",
    (
        time_series(
            "Latency",
            f"Time from a request's head to the end of its answer, for requests with data: {PROMISE}. Worry when p99"
            " stays above it.",
            *_quantiles(DURATION, DATA),
            Query(average(DURATION, DATA), "average"),
            unit=SECONDS,
            minimum=0,
            steps=OBJECTIVE,
            alerts=("PredictorLatencyBudgetBurn",),
            covers=(
                "heart pipeline: Request Latency",
                "heart monitoring: Request Duration p95",
                "iris serving: Latency p95",
                "Porto Seguro inference: Latency p95",
            ),
        ),
        time_series(
            "Latency by route",
            f"The same for each route, of every kind: {PROMISE} for those with data. Explaining takes longer than"
            " predicting. Worry when one route is slow and the others aren't.",
            *_quantiles(DURATION, MODEL, "route"),
            unit=SECONDS,
            minimum=0,
            steps=OBJECTIVE,
            alerts=("PredictorLatencyBudgetBurn",),
            covers=("heart monitoring: Request Duration p95", "Porto Seguro inference: Latency p95"),
        ),
        heatmap(
            "Latency heatmap",
            "How many requests with data took how long. Two bands mean two kinds of request, a few rows and many; worry"
            " when a band rises.",
            Query(buckets(DURATION, DATA), "{{le}}"),
            unit=SECONDS,
            alerts=("PredictorLatencyBudgetBurn",),
        ),
    ),
)

INFERENCE = Section(
    "Model and rows",
    (
        time_series(
            "Inference latency",
            "Time that scoring a batch takes, without reading the request or writing the answer. If it is far below the"
            " latency, requests wait or are large; if it is most of it, the model is what is slow.",
            *_quantiles(INFERENCE_DURATION, MODEL, "model"),
            unit=SECONDS,
            minimum=0,
            width=12,
            covers=("heart monitoring: Prediction Latency", "road accidents: p95"),
        ),
        time_series(
            "Average inference time",
            "The mean of the same: seconds of scoring for a batch. Worry when it grows without more rows in a batch.",
            Query(average(INFERENCE_DURATION, MODEL, "model"), "{{model}}"),
            unit=SECONDS,
            minimum=0,
            width=12,
            covers=("road accidents: Avg Inference Time",),
        ),
        time_series(
            "Rows in a request",
            "How many rows clients send at once; quantiles are estimates within a bucket, so one row may show as 0.7."
            " Large requests explain a high latency.",
            *_quantiles("predictor_request_rows", MODEL),
            Query(average("predictor_request_rows"), "average"),
            unit=COUNT,
            minimum=0,
            width=12,
            covers=("Porto Seguro inference: Batch size",),
        ),
        time_series(
            "Rows scored together",
            "Requests that come at the same time are scored in one batch. Above the rows in a request, batching works;"
            " it should grow with the load.",
            *_quantiles("predictor_batch_rows", MODEL),
            Query(average("predictor_batch_rows"), "average"),
            unit=COUNT,
            minimum=0,
            width=12,
            covers=("Porto Seguro inference: Batch size",),
        ),
    ),
)
