"""What happened, in numbers: kept as it comes, counted later and in bulk.

The event loop appends to plain lists, which costs a tenth of a microsecond; numpy counts a thousand entries at once,
when that many have come or somebody asks. Only the event loop writes. Another thread may count: an append is atomic,
only who holds the lock removes, and only from the front, so nothing is lost.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from prometheus_client.utils import floatToGoString

from contract.encoding import RULES
from predictor.drift import DriftWindow, Window
from predictor.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from contract.errors import Violation
    from contract.scorer import Answer, Floats
    from predictor.batching import Probabilities
    from predictor.served import Served
    from predictor.truth import Memory

T = TypeVar("T")

OTHER = "other"
"""The label of everything that isn't known beforehand, so that clients can't make series."""

PENDING = 512
"""Entries or rows after which the event loop counts them itself: a third of a millisecond of work. Half as many would
cost 0.1 µs more a row, twice as many pause one request in a hundred for twice as long."""

STATUSES = (200, 400, 404, 405, 408, 413, 415, 500, 503)
SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
INFERENCE_SECONDS = (0.00001, 0.000025, 0.00005, 0.0001, *SECONDS[:12])
PROBABILITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
CONFIDENCES = (*PROBABILITIES[:-1], 0.95, 0.99, 1.0)
_HIGHEST_STATUS = 599


class Histogram:
    """Counts of values by bucket, as Prometheus has them: a bucket holds what is at most its bound.

    `counts`, int64 (series, buckets), isn't cumulative and ends with what is above the last bound; `sums` is float64
    (series,).
    """

    def __init__(self, bounds: Sequence[float], series: int = 1) -> None:
        self._bounds = np.array(bounds, dtype=np.float64)
        self._names = [*map(floatToGoString, bounds), "+Inf"]
        self.counts = np.zeros((series, len(self._names)), dtype=np.int64)
        self.sums = np.zeros(series)

    def observe(self, values: npt.ArrayLike, series: npt.NDArray[np.intp] | int = 0) -> None:
        """Count values, of shape (values,), each in its series."""
        values = np.asarray(values, dtype=np.float64)
        of = np.broadcast_to(series, values.shape)
        cells = of * len(self._names) + np.searchsorted(self._bounds, values, side="left")
        self.counts += np.bincount(cells, minlength=self.counts.size).reshape(self.counts.shape)
        self.sums += np.bincount(of, weights=values, minlength=len(self.sums))

    def buckets(self, series: int = 0) -> list[tuple[str, float]]:
        """Each bound as Prometheus writes it, with the count of values up to it."""
        return list(zip(self._names, self.counts[series].cumsum().tolist(), strict=True))


class RequestAccount:
    """Answered requests by route and status. A route is a number below `routes`."""

    def __init__(self, routes: int) -> None:
        self.lock = threading.Lock()
        self.seconds = Histogram(SECONDS, routes)
        self.statuses = np.zeros((routes, len(STATUSES) + 1), dtype=np.int64)
        self._column = np.full(_HIGHEST_STATUS + 1, len(STATUSES))
        self._column[list(STATUSES)] = range(len(STATUSES))
        self._answered: list[tuple[int, int, float]] = []

    def answered(self, route: int, status: int, seconds: float) -> None:
        """Note one response."""
        answered = self._answered
        answered.append((route, status, seconds))
        if len(answered) >= PENDING and self.lock.acquire(blocking=False):
            try:
                self.count()
            finally:
                self.lock.release()

    def count(self) -> None:
        """Bring the numbers up to date; the caller holds `lock`."""
        answered = take(self._answered)
        if not answered:
            return
        routes, statuses, seconds = map(np.array, zip(*answered, strict=True))
        columns = self._column[np.clip(statuses, 0, _HIGHEST_STATUS)]
        shape = self.statuses.shape
        self.statuses += np.bincount(routes * shape[1] + columns, minlength=self.statuses.size).reshape(shape)
        self.seconds.observe(seconds, routes)


class ModelAccount:
    """One model's rows, predictions and refusals.

    `cells` are the counts of all rows ever by the profile's bins, see `predictor.drift.DriftWindow`; `unusual`, int64
    (features,), counts values outside the usual range.
    """

    def __init__(
        self, served: Served, window: Window, memory: Memory, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.lock = threading.Lock()
        self.window = DriftWindow(served.bundle.profile, window, clock)
        self.truth = Truth(served, memory)
        rows = _row_bounds(served.max_rows)
        self.requests = Histogram(rows)
        self.batches = Histogram(rows)
        self.inference = Histogram(INFERENCE_SECONDS)
        self.probability = Histogram(PROBABILITIES, len(served.bundle.profile.probabilities))
        self.confidence = Histogram(CONFIDENCES, len(served.labels))
        self.classes = np.zeros(len(served.labels), dtype=np.int64)
        self.cells = np.zeros(self.window.size, dtype=np.int64)
        self.unusual = np.zeros(len(served.features), dtype=np.int64)
        names = [feature.name for feature in served.features]
        self.refusals = Counter({(name, rule): 0 for name in (*names, OTHER) for rule in RULES})
        usual = [getattr(feature, "usual", None) for feature in served.features]
        self._low = np.array([limits.min if limits else -np.inf for limits in usual])
        self._high = np.array([limits.max if limits else np.inf for limits in usual])
        self._names = frozenset(names)
        self._scored: list[tuple[Floats, Answer, float]] = []
        self._answered: list[tuple[bytes, Probabilities]] = []
        self._rows_of_requests: list[int] = []
        self._uncounted = 0

    def request_rows(self, rows: int) -> None:
        """Note the size of a request that is scored."""
        self._rows_of_requests.append(rows)

    def scored(self, matrix: Floats, answer: Answer, seconds: float) -> None:
        """Note a batch: its encoded rows, float64 (rows, features), their answer, and how long scoring took.

        The arrays are read later, so nobody may write to them afterwards.
        """
        self._scored.append((matrix, answer, seconds))
        self._uncounted += len(matrix)
        if self._uncounted >= PENDING and self.lock.acquire(blocking=False):
            try:
                self.count()
            finally:
                self.lock.release()
            self._uncounted = 0

    def answered(self, identity: bytes, probability: Probabilities) -> None:
        """Note what a request was answered, so that true labels can find it by its id; `probability` by row."""
        self._answered.append((identity, probability))

    def refused(self, violations: Sequence[Violation]) -> None:
        """Note why a request was refused, once for each of its values."""
        names = self._names
        self.refusals.update([(item.column if item.column in names else OTHER, item.rule) for item in violations])

    def count(self) -> None:
        """Bring the numbers up to date; the caller holds `lock`. Rows enter the drift window now."""
        requests = take(self._rows_of_requests)
        if requests:
            self.requests.observe(requests)
        answered = take(self._answered)
        if answered:
            self.truth.remember(answered)
        scored = take(self._scored)
        if not scored:
            return
        matrices, answers, seconds = zip(*scored, strict=True)
        matrix = np.concatenate(matrices)
        probability = np.concatenate([answer.probability for answer in answers])
        decided = np.concatenate([answer.decided for answer in answers])
        self.inference.observe(seconds)
        self.batches.observe([len(rows) for rows in matrices])
        self.classes += np.bincount(decided, minlength=len(self.classes))
        if probability.ndim == 1:
            self.probability.observe(probability)
            confidence = np.where(decided, probability, 1 - probability)
        else:
            self.probability.observe(probability.ravel(), np.tile(np.arange(probability.shape[1]), len(probability)))
            confidence = probability[np.arange(len(probability)), decided]
        self.confidence.observe(confidence, decided)
        self.unusual += ((matrix < self._low) | (matrix > self._high)).sum(axis=0)
        cells = self.window.cells(matrix, probability)
        self.cells += np.bincount(cells.ravel(), minlength=len(self.cells))
        self.window.add(cells)


def take(pending: list[T]) -> list[T]:
    """Remove what is there now; what another thread appends meanwhile stays for the next time."""
    taken = pending[:]
    del pending[: len(taken)]
    return taken


def _row_bounds(max_rows: int) -> list[int]:
    steps = (digit * 10**power for power in range(len(str(max_rows))) for digit in (1, 2, 5))
    return [*(rows for rows in steps if rows < max_rows), max_rows]
