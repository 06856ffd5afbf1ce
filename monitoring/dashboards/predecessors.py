"""Every panel that the predecessors have, and what was wrong with it: none may get lost, nor any fault be kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Predecessor:
    """A panel of a system that this one replaces."""

    system: str
    title: str
    fault: str

    @property
    def name(self) -> str:
        """What `Panel.covers` calls it."""
        return f"{self.system}: {self.title}"


def _panels(system: str, **faults: str) -> tuple[Predecessor, ...]:
    return tuple(Predecessor(system, title, fault) for title, fault in faults.items())


PREDECESSORS: tuple[Predecessor, ...] = (
    *_panels(
        "heart pipeline",
        **{
            "Request Rate (req/s)": "a window of 5 minutes, whatever range is looked at",
            "Request Latency": "p50 and p95 of all routes at once, probes and the metrics page included",
            "Predictions by Label": "the counter itself: since the start of whichever process lives longest",
            "Median Prediction Confidence": "a window of 5 minutes, whatever range is looked at",
        },
    ),
    *_panels(
        "heart monitoring",
        **{
            "Total API Requests": "a rate under the name of a total, a line for each pod and path",
            "Request Duration p95": "quantile by pod: buckets weren't summed",
            "Predictions by Result": "a line for each pod",
            "Confidence": "buckets weren't summed: cells of one pod hide those of another",
            "Active Requests": "a line for each pod, without a unit",
            "Error Rate": "refusals of the schema were never counted",
            "Model Status": "a value for each pod, without saying which",
            "Prediction Latency": "quantiles by pod: buckets weren't summed",
            "Total Predictions": "lost with each restart",
            "Total Errors": "lost with each restart; red from 10 on, whatever the traffic",
            "Success Rate": "100 times a ratio, without a unit; NaN without traffic",
        },
    ),
    *_panels(
        "iris serving",
        **{
            "Request rate": "built by hand in a volume: not in its repository",
            "Latency p95": "built by hand in a volume",
            "Error rate": "refused requests weren't counted",
            "Input feature monitoring": "the last value seen, of one request",
            "Prediction distribution": "built by hand in a volume",
            "Service health": "built by hand in a volume",
        },
    ),
    *_panels(
        "Porto Seguro inference",
        **{
            "CPU usage": "in hundredths, without a unit",
            "Memory": "without a unit",
            "Disk usage": "one hard-coded device: empty on every other machine",
            "Page views": "counted the UI's own polling of the health route",
            "Request count": "a rate under the name of a count",
            "Error rate": "errors a second, not their share",
            "Latency p95": "quantile by process: buckets weren't summed",
            "Batch size": "buckets meant for seconds: everything above 10 rows was 10",
            "Prediction distribution": "the median alone, of probabilities that were not calibrated",
        },
    ),
    *_panels(
        "road accidents",
        **{
            "Total Predictions": "attempts and errors counted as predictions",
            "Avg Inference Time": "seconds labelled as milliseconds",
            "Requests/sec by Status": "a window of 1 minute, whatever range is looked at",
            "p95": "over a summary, which has no buckets: empty",
            "Error Rate %": "unknown paths and wrong methods counted as errors",
        },
    ),
)
"""The Porto Seguro board has CPU and memory twice, as a gauge and over time: eleven panels in nine names."""
