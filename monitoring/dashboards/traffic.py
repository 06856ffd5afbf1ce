"""Who asks for what, what they are told, and whose fault a failure is."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Section
from monitoring.dashboards.panel import COUNT, NUMBER, RATIO, REQUESTS, Query, percent, time_series, worse_above
from monitoring.dashboards.promql import DATA, MODEL, NAMESPACE, PREDICTOR, rate, ratio, total
from monitoring.objectives import OBJECTIVES

REQUESTS_TOTAL = "predictor_requests_total"
ERRORS_TOTAL = "predictor_errors_total"
NO_TRAFFIC = "no traffic"

FAULTS_OF_OURS = "internal|overloaded|not_ready"
FAULTS_OF_CLIENTS = "malformed|refused|too_large|media_type|not_found|method|slow|disconnected"


def _status_ratio(status: str) -> str:
    return ratio(rate(REQUESTS_TOTAL, f'{DATA}, status=~"{status}"'), rate(REQUESTS_TOTAL, DATA))


TRAFFIC = Section(
    "Traffic",
    (
        time_series(
            "Requests by route",
            "Who asks for what. v1.predict, v2.infer and grpc.infer carry data; the others are about the model or the"
            " server. Worry when a route that clients use falls to nothing.",
            Query(total(rate(REQUESTS_TOTAL), "model", "route"), "{{model}} {{route}}"),
            unit=REQUESTS,
            alerts=("PredictorNoTraffic",),
            covers=("heart monitoring: Total API Requests", "Porto Seguro inference: Request count"),
        ),
        time_series(
            "Requests by status",
            "What clients are told. 400 is the contract's refusal, 503 that more is asked than can be held, 500 a"
            " failure of the predictor: worry about any of them that stays.",
            Query(total(rate(REQUESTS_TOTAL), "status"), "{{status}}"),
            unit=REQUESTS,
            stacked=True,
            alerts=("PredictorErrorBudgetBurn", "PredictorRefusals"),
            covers=("road accidents: Requests/sec by Status",),
        ),
        time_series(
            "Page views",
            "Views of /docs, the page to try the model from. Nothing to worry about.",
            Query(total(rate(REQUESTS_TOTAL, f'model="other", route="docs", {NAMESPACE}')), "/docs"),
            unit=REQUESTS,
            covers=("Porto Seguro inference: Page views",),
        ),
        time_series(
            "Requests in flight",
            "Requests being answered, by instance. Worry when it keeps growing: more comes than is answered, and beyond"
            " the limit clients get 503.",
            Query(total(f"predictor_requests_in_flight{{{NAMESPACE}}}", "instance"), "{{instance}}"),
            unit=COUNT,
            width=12,
            minimum=0,
            alerts=("PredictorOverloaded",),
            covers=("heart monitoring: Active Requests",),
        ),
        time_series(
            "Instances over time",
            "1 while Prometheus reaches an instance, 0 while it doesn't. Worry about gaps that no deployment explains.",
            Query(f"up{{{PREDICTOR}}}", "{{instance}} {{pod}}"),
            unit=NUMBER,
            width=12,
            minimum=0,
            maximum=1,
            alerts=("PredictorDown", "PredictorRestarting"),
            covers=("iris serving: Service health",),
        ),
    ),
)

ERRORS = Section(
    "Errors",
    (
        time_series(
            "Client error ratio",
            "Share of requests with data answered with a 4xx. The dashed line is where some client speaks another"
            " coding than the contract's.",
            Query(_status_ratio("4.."), "4xx"),
            unit=RATIO,
            width=12,
            maximum=None,
            steps=worse_above(OBJECTIVES.refused_ratio),
            alerts=("PredictorRefusals",),
            covers=("road accidents: Error Rate %", "iris serving: Error rate"),
            empty=NO_TRAFFIC,
        ),
        time_series(
            "Server error ratio",
            f"Share of requests with data answered with a 5xx. Above the dashed line for long,"
            f" {percent(OBJECTIVES.availability)} can't be kept.",
            Query(_status_ratio("5.."), "5xx"),
            unit=RATIO,
            width=12,
            maximum=None,
            steps=worse_above(round(1 - OBJECTIVES.availability, 6)),
            alerts=("PredictorErrorBudgetBurn", "PredictorModelErrors"),
            covers=(
                "road accidents: Error Rate %",
                "iris serving: Error rate",
                "Porto Seguro inference: Error rate",
            ),
            empty=NO_TRAFFIC,
        ),
        time_series(
            "Client errors by kind",
            "Requests turned away, by what was wrong with them; refused is the contract's word against values. Worry"
            " about refused: a client's coding, or the world, has changed.",
            Query(total(rate(ERRORS_TOTAL, f'{MODEL}, kind=~"{FAULTS_OF_CLIENTS}"'), "kind"), "{{kind}}"),
            unit=REQUESTS,
            width=12,
            alerts=("PredictorRefusals",),
            covers=("heart monitoring: Error Rate",),
        ),
        time_series(
            "Server errors by kind",
            "Requests that failed here: internal is a fault of the model or the code, overloaded more requests than can"
            " be held, not_ready asked before or after its time. Worry about any that stays.",
            Query(total(rate(ERRORS_TOTAL, f'{MODEL}, kind=~"{FAULTS_OF_OURS}"'), "kind"), "{{kind}}"),
            unit=REQUESTS,
            width=12,
            alerts=("PredictorModelErrors", "PredictorOverloaded", "PredictorNotReady"),
            covers=("heart monitoring: Error Rate", "Porto Seguro inference: Error rate"),
        ),
    ),
)
