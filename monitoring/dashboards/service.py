"""Is it up, is it answered well, how fast: the page to open first."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Dashboard, Section
from monitoring.dashboards.latency import INFERENCE, LATENCY
from monitoring.dashboards.panel import (
    NUMBER,
    RATIO,
    REQUESTS,
    Query,
    Step,
    gauge,
    percent,
    stat,
    time_series,
    worse_above,
    worse_below,
)
from monitoring.dashboards.promql import DATA, MODEL, PERIOD, PREDICTOR, increase, lowest, rate, ratio, total
from monitoring.dashboards.traffic import ERRORS, ERRORS_TOTAL, NO_TRAFFIC, REQUESTS_TOTAL, TRAFFIC
from monitoring.dashboards.variable import MODELS, NAMESPACES
from monitoring.objectives import OBJECTIVES

SLOW = f'le="{OBJECTIVES.latency_seconds}"'


def _budget(spent: str, allowed: float) -> str:
    return f"1 - ({spent}) / {allowed:g}"


def _of_data(status: str, window: str) -> str:
    part = increase(REQUESTS_TOTAL, f'{DATA}, status=~"{status}"', window)
    return ratio(part, increase(REQUESTS_TOTAL, DATA, window))


def _slow_ratio(window: str) -> str:
    histogram = "predictor_request_duration_seconds"
    fast = increase(f"{histogram}_bucket", f"{DATA}, {SLOW}", window)
    return f"1 - {ratio(fast, increase(f'{histogram}_count', DATA, window))}"


BUDGET_STEPS = worse_below(0, 0.25)
BUDGET = (
    f"of the {OBJECTIVES.period_days} days' error budget. Below 0 the promise is broken; below a quarter, change"
    " nothing risky."
)

NOW = Section(
    "Now",
    (
        stat(
            "Models ready",
            "Whether each model answers on every instance. Worry when one doesn't for longer than a deployment takes.",
            Query(lowest(f"predictor_model_ready{{{MODEL}}}", "model"), "{{model}}", instant=True),
            unit=NUMBER,
            steps=worse_below(1),
            texts={"0": "not ready", "1": "ready"},
            alerts=("PredictorNotReady", "PredictorAbsent"),
            covers=("heart monitoring: Model Status",),
            empty="no model",
        ),
        stat(
            "Instances up",
            "Share of the predictor's instances that Prometheus reaches. Worry below 100 %.",
            Query(f"avg(up{{{PREDICTOR}}})", instant=True),
            unit=RATIO,
            steps=worse_below(1),
            alerts=("PredictorDown", "PredictorAbsent"),
            covers=("iris serving: Service health",),
            empty="no instance",
        ),
        stat(
            "Request rate",
            "Requests of every kind. Worry when it falls to nothing while clients are there.",
            Query(total(rate(REQUESTS_TOTAL))),
            unit=REQUESTS,
            alerts=("PredictorNoTraffic",),
            covers=(
                "heart pipeline: Request Rate (req/s)",
                "heart monitoring: Total API Requests",
                "iris serving: Request rate",
                "Porto Seguro inference: Request count",
            ),
        ),
        stat(
            "Requests",
            "Requests of every kind over the time shown.",
            Query(total(increase(REQUESTS_TOTAL)), instant=True),
            decimals=0,
            covers=("Porto Seguro inference: Request count",),
        ),
        stat(
            "Rows predicted",
            "Rows answered over the time shown, all classes together.",
            Query(total(increase("predictor_predictions_total")), instant=True),
            decimals=0,
            covers=("heart monitoring: Total Predictions", "road accidents: Total Predictions"),
        ),
        stat(
            "Errors",
            "Requests that failed over the time shown, of any kind. Errors by kind says whose fault they are.",
            Query(total(increase(ERRORS_TOTAL)), instant=True),
            decimals=0,
            steps=(Step("green"), Step("yellow", 1)),
            alerts=("PredictorModelErrors", "PredictorRefusals"),
            covers=("heart monitoring: Total Errors",),
        ),
    ),
)

PROMISES = Section(
    "What is promised",
    (
        gauge(
            "Success ratio",
            "Share of requests with data that were answered with 200 over the time shown. Worry when it is red: clients"
            " send what the contract refuses, or the predictor fails; the error ratios say which.",
            Query(_of_data("2..", "$__range"), instant=True),
            steps=worse_below(1 - OBJECTIVES.refused_ratio, 1 - OBJECTIVES.refused_ratio / 5),
            alerts=("PredictorRefusals", "PredictorErrorBudgetBurn"),
            covers=("heart monitoring: Success Rate",),
            empty=NO_TRAFFIC,
        ),
        gauge(
            "Availability",
            "Share of requests with data that weren't answered with a 5xx over the time shown. Promised:"
            f" {percent(OBJECTIVES.availability)}.",
            Query(f"1 - {_of_data('5..', '$__range')}", instant=True),
            decimals=2,
            steps=worse_below(OBJECTIVES.availability),
            alerts=("PredictorErrorBudgetBurn",),
            covers=("iris serving: Error rate", "Porto Seguro inference: Error rate"),
            empty=NO_TRAFFIC,
        ),
        stat(
            "Availability budget left",
            f"What is left of the availability's share {BUDGET}",
            Query(_budget(_of_data("5..", PERIOD), 1 - OBJECTIVES.availability), instant=True),
            unit=RATIO,
            height=6,
            minimum=None,
            maximum=1,
            steps=BUDGET_STEPS,
            alerts=("PredictorErrorBudgetBurn",),
            empty=NO_TRAFFIC,
        ),
        stat(
            "Latency budget left",
            f"What is left of the latency's share {BUDGET}",
            Query(_budget(_slow_ratio(PERIOD), 1 - OBJECTIVES.latency), instant=True),
            unit=RATIO,
            height=6,
            minimum=None,
            maximum=1,
            steps=BUDGET_STEPS,
            alerts=("PredictorLatencyBudgetBurn",),
            empty=NO_TRAFFIC,
        ),
        time_series(
            "Slow requests",
            f"Share of requests with data that took longer than {OBJECTIVES.latency_seconds:g} s. Promised: at most"
            f" {percent(1 - OBJECTIVES.latency)}, the dashed line.",
            Query(
                "1 - "
                + ratio(
                    rate("predictor_request_duration_seconds_bucket", f"{DATA}, {SLOW}"),
                    rate("predictor_request_duration_seconds_count", DATA),
                ),
                "slow",
            ),
            unit=RATIO,
            height=6,
            maximum=None,
            steps=worse_above(round(1 - OBJECTIVES.latency, 6)),
            alerts=("PredictorLatencyBudgetBurn",),
            empty=NO_TRAFFIC,
        ),
    ),
)

SERVICE = Dashboard(
    name="service",
    title="Concord: service",
    description="Whether the predictor is up, keeps what is promised, and how fast it answers.",
    variables=(NAMESPACES, MODELS),
    sections=(NOW, PROMISES, TRAFFIC, ERRORS, LATENCY, INFERENCE),
)
