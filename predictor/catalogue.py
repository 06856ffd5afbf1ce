"""Every metric of the predictor: its name, type, labels, unit and meaning, in the order of the page.

What is given out is built from this list, and so is the table in the documentation; neither can say what the other
doesn't. Names and units follow Prometheus' conventions: base units, ratios from 0 to 1, `_total` for counters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "predictor_"
_FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}


class Entry(NamedTuple):
    """One metric. `name` lacks the prefix and, of a counter, `_total`; labels are from fixed sets."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    unit: str
    meaning: str

    @property
    def full_name(self) -> str:
        """As Prometheus stores it; a histogram's series add `_bucket`, `_count` and `_sum`."""
        return f"{PREFIX}{self.name}{'_total' if self.kind == 'counter' else ''}"


_CHANCE = "What its PSI stays below by chance, 99.9 % of the time; NaN until the window has enough rows."
_QUALITY = "over the rows labelled last; NaN until there are enough."
_EVALUATED = "on rows held out of training; absent if the bundle doesn't say."

CATALOGUE = (
    Entry("requests", "counter", ("model", "route", "status"), "requests", "Requests answered, by HTTP status."),
    Entry(
        "request_duration_seconds",
        "histogram",
        ("model", "route"),
        "seconds",
        "Time from a request's head to the end of its answer.",
    ),
    Entry("requests_in_flight", "gauge", (), "requests", "Requests being answered now."),
    Entry("errors", "counter", ("model", "kind"), "requests", "Requests that failed, by kind of error."),
    Entry("request_rows", "histogram", ("model",), "rows", "Rows of a request that was scored."),
    Entry("batch_rows", "histogram", ("model",), "rows", "Rows scored together."),
    Entry("inference_duration_seconds", "histogram", ("model",), "seconds", "Time to score a batch."),
    Entry("predictions", "counter", ("model", "label"), "rows", "Rows answered, by the class decided on."),
    Entry(
        "prediction_probability",
        "histogram",
        ("model", "label"),
        "probability",
        "A row's probability of the class that is the label: of two the positive one, of more each.",
    ),
    Entry(
        "prediction_confidence",
        "histogram",
        ("model", "label"),
        "probability",
        "A row's probability of the class decided on, which is the label.",
    ),
    Entry(
        "unusual_values",
        "counter",
        ("model", "feature"),
        "values",
        "Values outside the usual range, answered all the same.",
    ),
    Entry("missing_values", "counter", ("model", "feature"), "values", "Values missing in rows that were answered."),
    Entry(
        "feature_values",
        "counter",
        ("model", "feature", "bin"),
        "values",
        "Values answered, by bin of the training profile.",
    ),
    Entry(
        "refused_values",
        "counter",
        ("model", "feature", "rule"),
        "values",
        "Values that the contract refuses, by rule.",
    ),
    Entry(
        "profile_share",
        "gauge",
        ("model", "feature", "bin"),
        "ratio",
        "Share of the training rows in a bin, or missing.",
    ),
    Entry(
        "feature_drift_psi",
        "gauge",
        ("model", "feature"),
        "PSI",
        "PSI of a feature's live values against training; NaN until the window has enough rows.",
    ),
    Entry("feature_drift_psi_chance", "gauge", ("model", "feature"), "PSI", _CHANCE),
    Entry(
        "prediction_drift_psi",
        "gauge",
        ("model", "label"),
        "PSI",
        "PSI of the live probabilities of a class against training; NaN until the window has enough rows.",
    ),
    Entry("prediction_drift_psi_chance", "gauge", ("model", "label"), "PSI", _CHANCE),
    Entry("drift_window_rows", "gauge", ("model",), "rows", "Rows in the window that drift is told from."),
    Entry(
        "truth_rows",
        "counter",
        ("model", "actual", "predicted"),
        "rows",
        "Rows whose true label came, by true class and class decided on.",
    ),
    Entry("truth_unmatched", "counter", ("model",), "labels", "True labels whose prediction isn't known here."),
    Entry("truth_waiting_rows", "gauge", ("model",), "rows", "Predictions remembered, without a true label yet."),
    Entry("truth_window_rows", "gauge", ("model",), "rows", "Labelled rows that quality is told from."),
    Entry(
        "truth_confusion_rows",
        "gauge",
        ("model", "actual", "predicted"),
        "rows",
        "Of these rows, how many had which true class and were decided how.",
    ),
    Entry("truth_quality", "gauge", ("model", "measure"), "ratio", f"How good the predictions were, {_QUALITY}"),
    Entry("truth_quality_low", "gauge", ("model", "measure"), "ratio", f"Low end of its 95 % interval, {_QUALITY}"),
    Entry("truth_quality_high", "gauge", ("model", "measure"), "ratio", f"High end of its 95 % interval, {_QUALITY}"),
    Entry("evaluated_quality", "gauge", ("model", "measure"), "ratio", f"How good the predictions were {_EVALUATED}"),
    Entry(
        "evaluated_quality_low", "gauge", ("model", "measure"), "ratio", f"Low end of its 95 % interval {_EVALUATED}"
    ),
    Entry(
        "evaluated_quality_high", "gauge", ("model", "measure"), "ratio", f"High end of its 95 % interval {_EVALUATED}"
    ),
    Entry("model_ready", "gauge", ("model",), "boolean", "1 if the model answers, 0 while it is being stopped."),
    Entry(
        "model_info",
        "gauge",
        ("model", "version", "digest", "run_id", "candidate"),
        "always 1",
        "Which bundle is served; always 1.",
    ),
    Entry(
        "model_created_timestamp_seconds",
        "gauge",
        ("model",),
        "seconds since 1970",
        "When the bundle was sealed; NaN if it doesn't say.",
    ),
    Entry(
        "model_threshold",
        "gauge",
        ("model",),
        "probability",
        "Probability from which a row is decided positive; absent with more than two classes.",
    ),
)


def families() -> Mapping[str, Any]:
    """A new, empty family of `prometheus_client` for each metric, by its name without prefix and suffix."""
    return {
        entry.name: _FAMILIES[entry.kind](f"{PREFIX}{entry.name}", entry.meaning, labels=entry.labels)
        for entry in CATALOGUE
    }
