"""How fast the error budgets of availability and latency are used up, and from where on somebody is told.

The method is that of Google's "Site Reliability Workbook", chapter 5: a long window says that it matters, a short one
that it still goes on. A budget is what an objective leaves: at an availability of 99.9 %, one request in a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.objectives import OBJECTIVES
from monitoring.rules.phrases import MODEL
from monitoring.rules.recording import DATA
from monitoring.rules.rule import Alert, Group, Record, Severity

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")

_HOURS = {"1h": 1, "6h": 6, "1d": 24, "3d": 72}


@dataclass(frozen=True)
class BurnRate:
    """An alarm once `share` of the period's budget is used up within the long window."""

    share: float
    long: str
    short: str
    lasting: str
    severity: Severity

    @property
    def factor(self) -> float:
        """How many times faster than the period allows; 1 uses up the budget just at its end."""
        return round(self.share * OBJECTIVES.period_days * 24 / _HOURS[self.long], 3)


BURN_RATES = (
    BurnRate(0.02, "1h", "5m", "2m", "critical"),
    BurnRate(0.05, "6h", "30m", "15m", "critical"),
    BurnRate(0.1, "1d", "2h", "1h", "warning"),
    BurnRate(0.1, "3d", "6h", "3h", "warning"),
)


@dataclass(frozen=True)
class Budget:
    """One objective: the ratio of bad requests that is recorded, and what an alert says of it."""

    alert: str
    ratio: str
    objective: float
    summary: str
    bad: str


AVAILABILITY = Budget(
    "PredictorErrorBudgetBurn",
    "model:predictor_failures_per_requests:ratio_rate",
    OBJECTIVES.availability,
    f"Requests to {MODEL} fail too often.",
    f"of the requests with data to {MODEL} were answered with a 5xx",
)
LATENCY = Budget(
    "PredictorLatencyBudgetBurn",
    "model:predictor_slow_per_requests:ratio_rate",
    OBJECTIVES.latency,
    f"Requests to {MODEL} are slow too often.",
    f"of the requests with data to {MODEL} took longer than {OBJECTIVES.latency_seconds * 1000:g} ms",
)


def groups() -> tuple[Group, ...]:
    """The recorded ratios, and the alerts on them."""
    return (_recorded(), _alerts())


def _recorded() -> Group:
    # The long windows read days of samples: once a minute is often enough for what moves in hours.
    return Group(
        "predictor.objectives",
        (*(_failures(window) for window in WINDOWS), *(_slow(window) for window in WINDOWS)),
        interval="1m",
    )


def _failures(window: str) -> Record:
    return Record(
        f"{AVAILABILITY.ratio}{window}",
        f"""
        sum by (namespace, model) (rate(predictor_requests_total{{{DATA}, status=~"5.."}}[{window}]))
        /
        sum by (namespace, model) (rate(predictor_requests_total{{{DATA}}}[{window}]))
        """,
    )


def _slow(window: str) -> Record:
    fast = f'{DATA}, le="{float(OBJECTIVES.latency_seconds)}"'
    return Record(
        f"{LATENCY.ratio}{window}",
        f"""
        1 -
        sum by (namespace, model) (rate(predictor_request_duration_seconds_bucket{{{fast}}}[{window}]))
        /
        sum by (namespace, model) (rate(predictor_request_duration_seconds_count{{{DATA}}}[{window}]))
        """,
    )


def _alerts() -> Group:
    return Group(
        "predictor.burn-rates", tuple(_alert(budget, rate) for budget in (AVAILABILITY, LATENCY) for rate in BURN_RATES)
    )


def _alert(budget: Budget, rate: BurnRate) -> Alert:
    allowed = 1 - budget.objective
    limit = f"{rate.factor:g} * {allowed:.6g}"
    days = OBJECTIVES.period_days
    return Alert(
        budget.alert,
        f"""
        {budget.ratio}{rate.long} > {limit}
        and
        {budget.ratio}{rate.short} > {limit}
        and
        {budget.ratio}{rate.long} * model:predictor_requests:increase{rate.long} >= {OBJECTIVES.bad_requests}
        """,
        severity=rate.severity,
        lasting=rate.lasting,
        summary=budget.summary,
        description=f"{{{{ $value | humanizePercentage }}}} {budget.bad} in {rate.long}; {allowed * 100:.4g}% may be."
        f" From {rate.factor * allowed * 100:.4g}% on, the budget of {days} days lasts {days / rate.factor:.2g} days.",
        labels={"long": rate.long, "short": rate.short},
    )
