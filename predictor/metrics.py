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
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from predictor.accounting import OTHER, STATUSES, ModelAccount, RequestAccount
from predictor.drift import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client import Metric

    from contract.errors import Violation
    from predictor.served import Served

ROUTES = ("v1.predict", "v1.explain", "v2.infer", "grpc.infer", "metadata", "ready")
"""What is told apart of one model; everything else is "other" of no model in particular."""

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
    ) -> None:
        window = window or Window()
        self.in_flight = 0
        self.models = {served.name: ModelAccount(served, window, clock) for served in models}
        self._served = tuple(models)
        self._ready = ready
        self._routes = [(name, route) for name in self.models for route in ROUTES] + [(OTHER, OTHER)]
        self._numbers = {route: number for number, route in enumerate(self._routes)}
        self._requests = RequestAccount(len(self._routes))
        self._errors = Counter({(name, kind): 0 for name in (*self.models, OTHER) for kind in KINDS})
        self.answered = self._requests.answered

    def route(self, model: str, name: str) -> int:
        """The number to give `answered` for a model and one of `ROUTES`; the same for all that isn't known."""
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
        yield from self._of_requests()
        with ExitStack() as locks:
            for account in self.models.values():
                locks.enter_context(account.lock)
                account.count()
            families = [*self._of_rows(), *self._of_features(), *self._of_drift(), *self._of_models()]
        yield from families

    def _of_requests(self) -> list[Metric]:
        requests = CounterMetricFamily(
            "predictor_requests", "Requests answered, by HTTP status.", labels=("model", "route", "status")
        )
        seconds = HistogramMetricFamily(
            "predictor_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            labels=("model", "route"),
        )
        account = self._requests
        with account.lock:
            account.count()
            for number, route in enumerate(self._routes):
                for status, count in zip((*STATUSES, OTHER), account.statuses[number].tolist(), strict=True):
                    requests.add_metric((*route, str(status)), count)
                seconds.add_metric(route, account.seconds.buckets(number), float(account.seconds.sums[number]))
        in_flight = GaugeMetricFamily(
            "predictor_requests_in_flight", "Requests being answered now.", value=self.in_flight
        )
        errors = CounterMetricFamily(
            "predictor_errors", "Requests that failed, by kind of error.", labels=("model", "kind")
        )
        for labels, count in list(self._errors.items()):
            errors.add_metric(labels, count)
        return [requests, seconds, in_flight, errors]

    def _of_rows(self) -> list[Metric]:
        predictions = CounterMetricFamily(
            "predictor_predictions", "Rows answered, by the class decided on.", labels=("model", "label")
        )
        sizes, batches, seconds, confidence = (
            HistogramMetricFamily(name, text, labels=("model",))
            for name, text in (
                ("predictor_request_rows", "Rows of a request that was scored."),
                ("predictor_batch_rows", "Rows scored together."),
                ("predictor_inference_duration_seconds", "Time to score a batch."),
                ("predictor_prediction_confidence", "The largest of a row's class probabilities."),
            )
        )
        probability = HistogramMetricFamily(
            "predictor_prediction_probability",
            "A row's probability of the positive class, which is the label.",
            labels=("model", "label"),
        )
        for served, account in zip(self._served, self.models.values(), strict=True):
            for label, count in zip(served.labels, account.classes.tolist(), strict=True):
                predictions.add_metric((served.name, label), count)
            for family, histogram in (
                (sizes, account.requests),
                (batches, account.batches),
                (seconds, account.inference),
                (confidence, account.confidence),
            ):
                family.add_metric((served.name,), histogram.buckets(), float(histogram.sums[0]))
            histogram = account.probability
            probability.add_metric((served.name, served.labels[-1]), histogram.buckets(), float(histogram.sums[0]))
        return [sizes, batches, seconds, predictions, probability, confidence]

    def _of_features(self) -> list[Metric]:
        unusual, missing, values, refusals = (
            CounterMetricFamily(name, text, labels=("model", *labels))
            for name, text, labels in (
                ("predictor_unusual_values", "Values outside the usual range, answered all the same.", ["feature"]),
                ("predictor_missing_values", "Values missing in rows that were answered.", ["feature"]),
                ("predictor_feature_values", "Values answered, by bin of the training profile.", ["feature", "bin"]),
                ("predictor_refused_values", "Values that the contract refuses, by rule.", ["feature", "rule"]),
            )
        )
        for served, account in zip(self._served, self.models.values(), strict=True):
            profile = served.bundle.profile.features
            counts = [cells.tolist() for cells in account.window.by_distribution(account.cells)[:-1]]
            for distribution, cells, outside in zip(profile, counts, account.unusual.tolist(), strict=True):
                labels = (served.name, distribution.name)
                unusual.add_metric(labels, outside)
                missing.add_metric(labels, cells[-1])
                for name, count in zip(distribution.labels, cells, strict=False):
                    values.add_metric((*labels, name), count)
            for key, count in list(account.refusals.items()):
                refusals.add_metric((served.name, *key), count)
        return [unusual, missing, values, refusals]

    def _of_drift(self) -> list[Metric]:
        chance = "What its PSI stays below by chance, 99.9 % of the time; NaN until the window has enough rows."
        features, features_chance, predictions, predictions_chance, rows = (
            GaugeMetricFamily(name, text, labels=labels)
            for name, text, labels in (
                (
                    "predictor_feature_drift_psi",
                    "PSI of a feature's live values against training; NaN until the window has enough rows.",
                    ("model", "feature"),
                ),
                ("predictor_feature_drift_psi_chance", chance, ("model", "feature")),
                (
                    "predictor_prediction_drift_psi",
                    "PSI of the live probabilities against training; NaN until the window has enough rows.",
                    ("model",),
                ),
                ("predictor_prediction_drift_psi_chance", chance, ("model",)),
                ("predictor_drift_window_rows", "Rows in the window that drift is told from.", ("model",)),
            )
        )
        for served, account in zip(self._served, self.models.values(), strict=True):
            *of_features, of_predictions = account.window.drift()
            for feature, drift in zip(served.features, of_features, strict=True):
                features.add_metric((served.name, feature.name), drift.psi)
                features_chance.add_metric((served.name, feature.name), drift.chance)
            predictions.add_metric((served.name,), of_predictions.psi)
            predictions_chance.add_metric((served.name,), of_predictions.chance)
            rows.add_metric((served.name,), account.window.rows)
        return [features, features_chance, predictions, predictions_chance, rows]

    def _of_models(self) -> list[Metric]:
        ready, created, threshold = (
            GaugeMetricFamily(name, text, labels=("model",))
            for name, text in (
                ("predictor_model_ready", "1 if the model answers, 0 while it is being stopped."),
                ("predictor_model_created_timestamp_seconds", "When the bundle was sealed; NaN if it doesn't say."),
                ("predictor_model_threshold", "Probability from which a row is decided positive."),
            )
        )
        info = GaugeMetricFamily(
            "predictor_model_info",
            "Which bundle is served; always 1.",
            labels=("model", "version", "digest", "run_id", "candidate"),
        )
        for served in self._served:
            manifest = served.bundle.manifest
            ready.add_metric((served.name,), self._ready(served.name))
            info.add_metric((served.name, manifest.version, manifest.digest, manifest.run_id, manifest.candidate), 1)
            created.add_metric((served.name,), _timestamp(manifest.created))
            threshold.add_metric((served.name,), served.threshold)
        return [ready, info, created, threshold]


def _timestamp(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return math.nan


def page() -> tuple[bytes, str]:
    """The metrics page in Prometheus' text format, and its content type; takes milliseconds, in any thread."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
