"""What Prometheus is told: every number of `predictor.accounting` under its name, with labels from fixed sets.

All series are there from the start, so that a rate begins at 0 and an alert never waits for a series. Labels come from
the bundles and from this package, never from a request.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime
from itertools import product, repeat
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.registry import Collector

from contract.quality import WATCHED, Interval
from predictor import catalogue
from predictor.accounting import OTHER, STATUSES, ModelAccount, RequestAccount
from predictor.drift import Window
from predictor.truth import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client import Metric

    from contract.errors import Violation
    from predictor.served import Served

    Families = Mapping[str, Any]

ROUTES = ("v1.predict", "v1.explain", "v1.truth", "v2.infer", "grpc.infer", "metadata", "ready")
"""What is told apart of one model."""

SERVER_ROUTES = ("docs", "metrics", "health", OTHER)
"""What is told apart of the server, as model "other": views of its page, scrapes, probes, and everything else."""

MISSING = "missing"
"""The bin of `profile_share` that isn't one of values."""

_UNKNOWN = Interval(value=math.nan, low=math.nan, high=math.nan)

KINDS = (
    "malformed",
    "refused",
    "too_large",
    "media_type",
    "not_found",
    "method",
    "slow",
    "not_ready",
    "overloaded",
    "internal",
    "disconnected",
)
"""Why a request wasn't answered: `predictor.errors.RequestError.kind`; "refused" by the contract; a failure of our own;
a client that went away."""


class Metrics(Collector):
    """The predictor's metrics, for `prometheus_client.REGISTRY.register`.

    `ready` tells of a model's name whether it answers; `clock` gives seconds and never goes back. All methods but
    `collect` are for the event loop's thread alone. `in_flight` is the number of requests being answered now.
    """

    def __init__(
        self,
        models: Sequence[Served],
        ready: Callable[[str], bool],
        window: Window | None = None,
        clock: Callable[[], float] = time.monotonic,
        memory: Memory | None = None,
    ) -> None:
        window, memory = window or Window(), memory or Memory()
        self.in_flight = 0
        self.models = {served.name: ModelAccount(served, window, memory, clock) for served in models}
        self._served = tuple(models)
        self._ready = ready
        self._routes = [
            *((name, route) for name in self.models for route in ROUTES),
            *((OTHER, route) for route in SERVER_ROUTES),
        ]
        self._numbers = {route: number for number, route in enumerate(self._routes)}
        self._requests = RequestAccount(len(self._routes))
        self._errors = Counter({(name, kind): 0 for name in (*self.models, OTHER) for kind in KINDS})
        self.answered = self._requests.answered

    def route(self, model: str, name: str) -> int:
        """The number to give `answered` for a model and one of `ROUTES`, or "other" and one of `SERVER_ROUTES`.

        What isn't known has the last one's.
        """
        return self._numbers.get((model, name), len(self._routes) - 1)

    def error(self, model: str, kind: str) -> None:
        """Count a request that failed, for one of `KINDS`; a model that isn't served counts as "other"."""
        self._errors[model if model in self.models else OTHER, kind] += 1

    def refused(self, model: str, violations: Sequence[Violation]) -> None:
        """Count the values for which a request to a model was refused."""
        if model in self.models:
            self.models[model].refused(violations)

    def collect(self) -> Iterator[Metric]:
        """Count what is pending and give everything out; safe in any thread."""
        families = catalogue.families()
        self._add_requests(families)
        with ExitStack() as locks:
            for account in self.models.values():
                locks.enter_context(account.lock)
                account.count()
            for served, account in zip(self._served, self.models.values(), strict=True):
                _add_rows(families, served, account)
                _add_features(families, served, account)
                _add_drift(families, served, account)
                _add_truth(families, served, account)
                self._add_model(families, served)
        yield from families.values()

    def close(self) -> None:
        """Count what is pending for the last time, and let go of all files."""
        for account in self.models.values():
            with account.lock:
                account.count()
                account.truth.close()

    def _add_requests(self, families: Families) -> None:
        requests, seconds = families["requests"], families["request_duration_seconds"]
        account = self._requests
        with account.lock:
            account.count()
            for number, route in enumerate(self._routes):
                for status, count in zip((*STATUSES, OTHER), account.statuses[number].tolist(), strict=True):
                    requests.add_metric((*route, str(status)), count)
                seconds.add_metric(route, account.seconds.buckets(number), float(account.seconds.sums[number]))
        families["requests_in_flight"].add_metric((), self.in_flight)
        for labels, count in list(self._errors.items()):
            families["errors"].add_metric(labels, count)

    def _add_model(self, families: Families, served: Served) -> None:
        name, manifest = served.name, served.bundle.manifest
        families["model_ready"].add_metric((name,), self._ready(name))
        facts = (name, manifest.version, manifest.digest, manifest.run_id, manifest.candidate)
        families["model_info"].add_metric(facts, 1)
        families["model_created_timestamp_seconds"].add_metric((name,), _timestamp(manifest.created))
        if served.threshold is not None:
            families["model_threshold"].add_metric((name,), served.threshold)


def _add_rows(families: Families, served: Served, account: ModelAccount) -> None:
    name = served.name
    for label, count in zip(served.labels, account.classes.tolist(), strict=True):
        families["predictions"].add_metric((name, label), count)
    for family, histogram in (
        ("request_rows", account.requests),
        ("batch_rows", account.batches),
        ("inference_duration_seconds", account.inference),
    ):
        families[family].add_metric((name,), histogram.buckets(), float(histogram.sums[0]))
    probability, confidence = account.probability, account.confidence
    for number, distribution in enumerate(served.bundle.profile.probabilities):
        families["prediction_probability"].add_metric(
            (name, distribution.name), probability.buckets(number), float(probability.sums[number])
        )
    for number, label in enumerate(served.labels):
        families["prediction_confidence"].add_metric(
            (name, label), confidence.buckets(number), float(confidence.sums[number])
        )


def _add_features(families: Families, served: Served, account: ModelAccount) -> None:
    profile = served.bundle.profile
    counts = account.window.by_distribution(account.cells)[: len(profile.features)]
    for distribution, by_bin, outside in zip(profile.features, counts, account.unusual.tolist(), strict=True):
        cells = by_bin.tolist()
        labels = (served.name, distribution.name)
        families["unusual_values"].add_metric(labels, outside)
        families["missing_values"].add_metric(labels, cells[-1])
        for name, count in zip(distribution.labels, cells, strict=False):
            families["feature_values"].add_metric((*labels, name), count)
        in_training = zip((*distribution.labels, MISSING), (*distribution.counts, distribution.missing), strict=True)
        for name, count in in_training:
            families["profile_share"].add_metric((*labels, name), count / profile.rows)
    for key, count in list(account.refusals.items()):
        families["refused_values"].add_metric((served.name, *key), count)


def _add_drift(families: Families, served: Served, account: ModelAccount) -> None:
    profile = served.bundle.profile
    kinds = [*repeat("feature", len(profile.features)), *repeat("prediction", len(profile.probabilities))]
    distributions = (*profile.features, *profile.probabilities)
    for kind, distribution, drift in zip(kinds, distributions, account.window.drift(), strict=True):
        labels = served.name, distribution.name
        families[f"{kind}_drift_psi"].add_metric(labels, drift.psi)
        families[f"{kind}_drift_psi_chance"].add_metric(labels, drift.chance)
    families["drift_window_rows"].add_metric((served.name,), account.window.rows)


def _add_truth(families: Families, served: Served, account: ModelAccount) -> None:
    name, labels, truth = served.name, served.labels, account.truth
    families["truth_unmatched"].add_metric((name,), truth.unmatched)
    families["truth_waiting_rows"].add_metric((name,), truth.waiting_rows)
    families["truth_window_rows"].add_metric((name,), truth.window_rows)
    in_window, ever = truth.window_confusion().ravel().tolist(), truth.confusion.ravel().tolist()
    for classes, rows, all_rows in zip(product(labels, labels), in_window, ever, strict=True):
        families["truth_confusion_rows"].add_metric((name, *classes), rows)
        families["truth_rows"].add_metric((name, *classes), all_rows)
    live, evaluated = truth.quality(), served.bundle.profile.quality
    for measure in WATCHED:
        _add_interval(families, "truth_quality", (name, measure), live.get(measure, _UNKNOWN))
        if measure in evaluated:
            _add_interval(families, "evaluated_quality", (name, measure), evaluated[measure])


def _add_interval(families: Families, family: str, labels: tuple[str, str], interval: Interval) -> None:
    families[family].add_metric(labels, interval.value)
    families[f"{family}_low"].add_metric(labels, interval.low)
    families[f"{family}_high"].add_metric(labels, interval.high)


def _timestamp(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return math.nan


def page() -> tuple[bytes, str]:
    """The metrics page in Prometheus' text format, and its content type; takes milliseconds, in any thread."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
