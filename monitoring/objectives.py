"""Every number that rules and dashboards share: what is promised, and from where on somebody is told.

Change one, run `python -m monitoring render`, and alerts, panels' thresholds and the promises in the runbook follow.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Objectives:
    """What the predictor promises. Ratios are from 0 to 1, durations in seconds."""

    availability: float = 0.999
    """Share of requests with data that aren't answered with a 5xx, over `period_days`: 43 minutes of outage a month."""

    latency_seconds: float = 0.025
    """What a request with data should stay below; a bound of the histogram, so that the share is exact. A row takes
    0.5 ms with 16 connections, 100 rows 5 ms (`benchmarks/serving.md`)."""

    latency: float = 0.99
    """Share of requests with data that stay below it."""

    period_days: int = 30
    """Days that the two promises are about. Burn rates are relative to their error budget."""

    drift_psi: float = 0.2
    """PSI from which a distribution has moved: Siddiqi's (2006) rule of thumb, whose 0.1 is "somewhat". An alert also
    wants more than chance explains (`predictor_feature_drift_psi_chance`)."""

    refused_ratio: float = 0.05
    """Share of requests with data that the contract refuses: above it, some client speaks another coding."""

    bad_requests: int = 10
    """Requests that must have failed, been slow or been refused in an alert's window before their share means anything:
    of 20 requests at night, one is 5 %. Bad ones are counted, not all, so that a quiet table's outage is told too."""

    traffic_requests: int = 10
    """Requests with data to be expected in a window before none at all means that something is broken: if they come
    independently, a window that expects 10 stays empty by chance once in 22,000 times."""

    missing_excess: float = 0.1
    """How far a feature's share of missing values may be above that of training: a field that a client stopped
    sending is far above, and single patients without a measurement are far below."""

    missing_rows: int = 200
    """Rows an hour from which a feature's share of missing values is judged: it is then known to within 7 points."""

    one_class_rows: int = 200
    """Rows an hour from which predictions of one class only mean that the model has collapsed."""

    stale_days: int = 90
    """Age of a model from which it should have been trained anew."""

    restarts_an_hour: int = 3
    """Starts of one predictor in an hour from which it isn't being deployed any more but failing over and over."""

    memory_bytes: int = 512 * 2**20
    """Resident memory of one predictor. A fresh one has 120 MiB and holds at most 64 MiB of bodies
    (`predictor.settings`), whatever the traffic: several times that is a leak, or bundles too many for a pod."""


OBJECTIVES = Objectives()

RUNBOOK = "https://github.com/ORGANISATION/concord/blob/main/monitoring/runbook.md"
"""Where alerts and panels point; each alert has a heading of its name there. Put in where your clone is published."""

DATA_ROUTES = "v1[.]predict|v2[.]infer|grpc[.]infer"
"""Regular expression of the routes that carry data: what the promises are about."""
