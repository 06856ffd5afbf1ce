"""Alerts on the service: is it there, does it answer, does it keep up."""

from __future__ import annotations

from monitoring.objectives import OBJECTIVES
from monitoring.rules.phrases import INSTANCE, MODEL, each
from monitoring.rules.rule import Alert, Group

_MIB = 2**20

PREDICTORS = 'job="predictor"'
"""Selects the predictors among all that is scraped."""


def groups() -> tuple[Group, ...]:
    """What can be wrong with processes, and with requests."""
    return (
        Group("predictor.processes", (_absent(), _down(), _not_ready(), _restarting(), _memory_high())),
        Group("predictor.traffic", (*_no_traffic(), _errors(), _overloaded(), _refusals())),
    )


def _absent() -> Alert:
    return Alert(
        "PredictorAbsent",
        f"absent(up{{{PREDICTORS}}} == 1)",
        severity="critical",
        lasting="5m",
        summary="No predictor can be scraped.",
        description="Prometheus has no predictor to scrape, or none that answers. Most likely no model is served; in"
        " any case no other alert on models can fire.",
    )


def _down() -> Alert:
    return Alert(
        "PredictorDown",
        f"up{{{PREDICTORS}}} == 0",
        severity="warning",
        lasting="5m",
        summary=f"Predictor {INSTANCE} can't be scraped.",
        description=f"Prometheus has had no answer from predictor {INSTANCE} for 5 minutes.",
    )


def _not_ready() -> Alert:
    return Alert(
        "PredictorNotReady",
        "predictor_model_ready == 0",
        severity="critical",
        lasting="5m",
        summary=f"Model {MODEL} isn't ready.",
        description=f"Predictor {INSTANCE} runs, but has answered requests to model {{{{ $labels.model }}}} with 503"
        " for 5 minutes. Stopping takes half a minute, so it hangs.",
    )


def _restarting() -> Alert:
    return Alert(
        "PredictorRestarting",
        f"changes(process_start_time_seconds{{{PREDICTORS}}}[1h]) >= {OBJECTIVES.restarts_an_hour}",
        severity="warning",
        lasting="0s",
        summary=f"Predictor {INSTANCE} starts over and over.",
        description=f"Predictor {INSTANCE} has started {{{{ $value }}}} times in an hour.",
    )


def _memory_high() -> Alert:
    return Alert(
        "PredictorMemoryHigh",
        f"process_resident_memory_bytes{{{PREDICTORS}}} > {OBJECTIVES.memory_bytes // _MIB} * 1024 * 1024",
        severity="warning",
        lasting="15m",
        summary=f"Predictor {INSTANCE} takes much memory.",
        description=f"Predictor {INSTANCE} has held more than {OBJECTIVES.memory_bytes // _MIB} MiB for 15 minutes,"
        " now {{ $value | humanize1024 }}B. At its container's limit it is killed.",
    )


def _no_traffic() -> tuple[Alert, Alert]:
    """Silence, compared with the same time a week ago, else a day ago, so that nights and weekends are no alarm.

    In its first day there is only the mean of all hours so far. A table with few requests has no quarter of an hour
    that is sure to have one; its days are compared.
    """
    least = OBJECTIVES.traffic_requests
    quarter, day = "model:predictor_requests:increase15m", "model:predictor_requests:increase1d"
    summary = f"No requests reach {MODEL}."
    return (
        Alert(
            "PredictorNoTraffic",
            f"""
            (
                {quarter} offset 1w
              or
                {quarter} offset 1d
              or
                {day} offset 15m / 96
            ) >= {least}
            and
            {quarter} == 0
            """,
            severity="warning",
            lasting="0s",
            summary=summary,
            description=f"Model {MODEL} has had no request with data for 15 minutes; about"
            ' {{ $value | printf "%.0f" }} were to be expected.',
            labels={"window": "15m"},
        ),
        Alert(
            "PredictorNoTraffic",
            f"""
            (
                {day} offset 1w
              or
                {day} offset 1d
            ) >= {least}
            and
            {day} == 0
            """,
            severity="warning",
            lasting="0s",
            summary=summary,
            description=f"Model {MODEL} has had no request with data for a day; about"
            ' {{ $value | printf "%.0f" }} were to be expected.',
            labels={"window": "1d"},
        ),
    )


def _errors() -> Alert:
    return Alert(
        "PredictorModelErrors",
        'sum by (namespace, model) (increase(predictor_errors_total{kind="internal"}[15m])) > 0',
        severity="warning",
        lasting="0s",
        summary=f"The predictor itself fails on requests to {MODEL}.",
        description=f'{{{{ $value | printf "%.0f" }}}} requests to {MODEL} were answered with 500 in 15 minutes. None'
        " of them should be: it is a fault in the predictor or in the bundle, not in the request.",
    )


def _overloaded() -> Alert:
    return Alert(
        "PredictorOverloaded",
        'sum by (namespace, model) (increase(predictor_errors_total{kind="overloaded"}[5m])) > 0',
        severity="warning",
        lasting="10m",
        summary=f"The predictor turns away requests to {MODEL}.",
        description=f"For 10 minutes, requests to {MODEL} have been answered with 503 because as many are being"
        ' answered as memory and time allow: {{ $value | printf "%.0f" }} in the last 5.',
    )


def _refusals() -> Alert:
    values = "increase(predictor_refused_values_total{namespace=%q, model=%q}[30m])"
    worst = each(f"topk(1, sum by (feature, rule) ({values}) > 0)", "namespace", "model")
    return Alert(
        "PredictorRefusals",
        f"""
        model:predictor_refusals_per_requests:ratio_rate30m > {OBJECTIVES.refused_ratio}
        and
        sum by (namespace, model) (increase(predictor_errors_total{{kind="refused"}}[30m])) >= {OBJECTIVES.bad_requests}
        """,
        severity="warning",
        lasting="10m",
        summary=f"The contract refuses many requests to {MODEL}.",
        description=f"{{{{ $value | humanizePercentage }}}} of the requests to {MODEL} were refused in 30 minutes"
        f"{worst}, most often as feature {{{{ .Labels.feature }}}} breaks the rule {{{{ .Labels.rule }}}}"
        "{{ end }}.",
    )
