"""The table of all metrics, `metrics.md`: what each means, and which metrics of the predecessors it stands in for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from predictor.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

_H, _M, _I, _P, _A = (
    "heart pipeline",
    "heart monitoring",
    "iris serving",
    "Porto Seguro inference",
    "road accidents",
)


@dataclass(frozen=True)
class Predecessor:
    """A metric of a system that this one replaces; `now` are metrics of ours, or of the process or the node."""

    system: str
    metric: str
    now: tuple[str, ...]
    fault: str = ""


_NONE = "-"
_PATHS = "its label is the path as sent: every misspelt one is a new series"
_NO_MODEL = "no model in its labels"
_REQUESTS = ("predictor_requests_total",)
_SECONDS = ("predictor_request_duration_seconds",)
_CLASSES = ("predictor_predictions_total",)
_CONFIDENCE = ("predictor_prediction_confidence",)
_ERRORS = ("predictor_errors_total",)
_LAST_VALUE = "a gauge of the last value seen, whoever sent it"

PREDECESSORS = (
    Predecessor(_H, "api_requests_total", _REQUESTS, f"{_PATHS}; requests that raised weren't counted"),
    Predecessor(_H, "api_request_latency_seconds", _SECONDS, "buckets from 5 ms, above most answers"),
    Predecessor(_H, "predictions_total", _CLASSES, _NO_MODEL),
    Predecessor(_H, "prediction_confidence", _CONFIDENCE, _NO_MODEL),
    Predecessor(_H, "model_loaded", ("predictor_model_ready",), "stayed 1 while the server was being stopped"),
    Predecessor(_H, "active_requests", ("predictor_requests_in_flight",)),
    Predecessor(_M, "api_requests_total", _REQUESTS, _PATHS),
    Predecessor(_M, "predictions_total", _CLASSES),
    Predecessor(_M, "api_errors_total", _ERRORS, "what its documentation shows, refused values, never reached it"),
    Predecessor(_M, "api_request_duration_seconds", _SECONDS, _PATHS),
    Predecessor(_M, "prediction_duration_seconds", ("predictor_inference_duration_seconds",), "buckets from 5 ms"),
    Predecessor(_M, "prediction_confidence_score", _CONFIDENCE, "1.0 for everybody, and no alert on it"),
    Predecessor(_M, "active_requests", ("predictor_requests_in_flight",)),
    Predecessor(_M, "model_loaded", ("predictor_model_ready",), "1 although the scaler was missing"),
    Predecessor(_M, "model_info_info", ("predictor_model_info",), "no version, no digest; documented as model_info"),
    Predecessor(_I, "prediction_requests_total", _REQUESTS, "refused requests weren't counted"),
    Predecessor(_I, "prediction_errors_total", _ERRORS, "neither refusals nor kinds"),
    Predecessor(_I, "prediction_latency_seconds", _SECONDS, "buckets from 10 ms"),
    Predecessor(_I, "prediction_class_total", _CLASSES),
    *(
        Predecessor(_I, f"feature_{name}", ("predictor_feature_values_total",), _LAST_VALUE)
        for name in ("sepal_length", "sepal_width", "petal_length", "petal_width")
    ),
    Predecessor(_P, "inference_requests_total", _REQUESTS),
    Predecessor(_P, "inference_errors_total", _ERRORS),
    Predecessor(_P, "page_views_total", _REQUESTS, 'counted the page\'s own polling; here route="docs"'),
    Predecessor(_P, "inference_latency_seconds", _SECONDS),
    Predecessor(_P, "inference_prediction_value", ("predictor_prediction_probability",)),
    Predecessor(
        _P,
        "batch_size",
        ("predictor_request_rows", "predictor_batch_rows"),
        "buckets of latencies: 100 rows were shown as 10",
    ),
    Predecessor(_P, "node_cpu_seconds_total", ("node_cpu_seconds_total",)),
    Predecessor(_P, "node_memory_MemAvailable_bytes", ("node_memory_MemAvailable_bytes",)),
    Predecessor(_P, "node_filesystem_avail_bytes", ("node_filesystem_avail_bytes",), "of a device named in the query"),
    Predecessor(_P, "process_cpu_seconds_total", ("process_cpu_seconds_total",)),
    Predecessor(_P, "process_resident_memory_bytes", ("process_resident_memory_bytes",)),
    Predecessor(_A, "http_requests_total", _REQUESTS),
    Predecessor(_A, "inference_time_seconds", ("predictor_inference_duration_seconds",), "a summary: no quantile"),
    Predecessor(_A, "api_predict_total", _CLASSES, "successes and errors in one"),
)
"""Every metric that the predecessors expose, what became of it, and what was wrong with it."""

ELSEWHERE = {
    "process_": "`prometheus_client`, of the predictor's process",
    "node_": "node_exporter, of the machine",
}
"""Who gives out what isn't the predictor's own, by how its name begins."""

_HEAD = """\
# Metrics

<!-- Rendered by `python -m monitoring render` from predictor/catalogue.py and monitoring/metric_table.py. -->

What the predictor gives out at `/metrics`. Every series is there from the start, at 0, and every label has its values
from the bundle or from the code, never from a request: what isn't known counts as `other`. Beside these there are
`process_*` and `python_*` of `prometheus_client`, and a few of KServe's own that nothing here uses.
"""

_PREDECESSORS_HEAD = """\
## What became of the predecessors' metrics
"""


def files() -> dict[str, str]:
    """The rendered file by its path inside the folder `monitoring`."""
    ours = [
        (
            f"`{entry.full_name}`",
            entry.kind,
            ", ".join(entry.labels) or _NONE,
            entry.unit,
            entry.meaning,
            "; ".join(f"{item.system}: `{item.metric}`" for item in PREDECESSORS if entry.full_name in item.now)
            or _NONE,
        )
        for entry in CATALOGUE
    ]
    theirs = [
        (item.system, f"`{item.metric}`", ", ".join(f"`{name}`" for name in item.now), item.fault or _NONE)
        for item in PREDECESSORS
    ]
    return {
        "metrics.md": "\n".join(
            [
                _HEAD,
                *_table(("metric", "type", "labels", "unit", "meaning", "stands in for"), ours),
                "",
                _PREDECESSORS_HEAD,
                *_table(("system", "metric", "now", "what was wrong with it"), theirs),
                "",
            ]
        )
    }


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows)]
