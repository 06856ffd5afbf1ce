"""What became of the predictions: those that wait for their true labels, and how good the labelled ones were.

A prediction is remembered by its request's id and its row, as its probabilities and nothing else: one of two classes,
or one of each of more. Both what waits and what is labelled is bounded by rows; where a path is set, both outlive the
process.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from contract.quality import WATCHED, Interval, bootstrap, measure, percentiles
from contract.scorer import decided
from predictor.errors import InvalidSettings
from predictor.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from predictor.batching import Probabilities
    from predictor.served import Served

    Probability = float | list[float]
    _Numbers = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.intp]]

LONGEST_ID = 128
"""Bytes of a request's id; what is longer isn't remembered, nor what holds a line break."""

_RESAMPLES = 200
"""Of the bootstrap: their 95 % intervals differ by a hundredth from those of 2,000, and take 20 ms for 2,000 rows."""

_BREAK = b"\n"
_DIGEST_SHOWN = 12


@dataclass(frozen=True)
class Memory:
    """What is remembered: `rows` that may still be labelled, up to one batch more, and the last `window` that were.

    Below `minimum` labelled rows nothing is told about quality. Raises `InvalidSettings` if the window can't hold them.
    """

    rows: int = 50_000
    window: int = 2_000
    minimum: int = 100
    path: Path | None = None

    def __post_init__(self) -> None:
        if self.minimum > self.window:
            raise InvalidSettings(
                f"quality is told from {self.minimum} labelled rows on, but the window holds only {self.window};"
                " lower --truth_minimum or raise --truth_window"
            )


class Label(NamedTuple):
    """The true class of one row, by position. `probability` is for a row that another process answered."""

    identity: bytes
    row: int
    actual: int
    probability: Probability | None = None


class _Chunk(NamedTuple):
    """Answered requests, packed: most are never labelled, so they are found by id only once a label has come.

    Ids hold no line break. `sizes` has the rows of each request, `probability` is (rows,) or (rows, classes).
    """

    ids: bytes
    sizes: npt.NDArray[np.int32]
    probability: npt.NDArray[np.float64]

    @classmethod
    def of(cls, answered: Sequence[tuple[bytes, Probabilities]]) -> _Chunk:
        ids, rows = zip(*answered, strict=True)
        sizes = np.fromiter(map(len, rows), dtype=np.int32, count=len(rows))
        return cls(_BREAK.join(ids), sizes, np.array([*chain.from_iterable(rows)], dtype=np.float64))

    @property
    def rows(self) -> int:
        return len(self.probability)

    def requests(self) -> Iterator[tuple[bytes, dict[int, Probability]]]:
        values, start = self.probability.tolist(), 0
        for identity, size in zip(self.ids.split(_BREAK), self.sizes.tolist(), strict=True):
            yield identity, dict(enumerate(values[start : start + size]))
            start += size


class Truth:
    """One model's predictions and their labels. Not safe to share between threads without a lock.

    `confusion`, int64 of shape (classes, classes), counts the labelled rows by true class and by the class decided on;
    `unmatched` counts labels whose prediction isn't known, and `waiting_rows` are the rows remembered without a label.
    """

    def __init__(self, served: Served, memory: Memory) -> None:
        self.unmatched = 0
        self.confusion = np.zeros((len(served.labels), len(served.labels)), dtype=np.int64)
        self._memory = memory
        self._threshold = served.threshold
        self._recent: deque[_Chunk] = deque()
        self._waiting: OrderedDict[bytes, dict[int, Probability]] = OrderedDict()
        self.waiting_rows = 0
        self._labelled: deque[tuple[int, Probability]] = deque(maxlen=memory.window)
        self._quality: dict[str, Interval] | None = None
        self._predictions: Journal | None = None
        self._labels: Journal | None = None
        if memory.path:
            folder = memory.path / served.name / served.bundle.manifest.digest[:_DIGEST_SHOWN]
            self._restore(
                Journal(folder / "predictions", memory.rows, lambda entry: len(entry[1])),
                Journal(folder / "labels", memory.window, lambda _: 1),
            )

    def remember(self, answered: Sequence[tuple[bytes, Probabilities]]) -> None:
        """Keep answered requests, each its id and the probabilities of its rows, until labels come or others push.

        Of two requests with one id the later is kept.
        """
        if not answered or not self._memory.rows:
            return
        self._keep(_Chunk.of(answered))
        if self._predictions:
            self._predictions.append([(identity.decode("latin-1"), rows) for identity, rows in answered])

    def label(self, labels: Iterable[Label]) -> list[Label]:
        """Count labels against their predictions; returns those whose prediction isn't known.

        A row is counted once: when its label comes again, it isn't known any more.
        """
        self._index()
        unmatched: list[Label] = []
        matched: list[tuple[Label, Probability]] = []
        for label in labels:
            probability = self._take(label.identity, label.row)
            if probability is None:
                probability = label.probability
            if probability is None:
                unmatched.append(label)
            else:
                matched.append((label, probability))
        self.unmatched += len(unmatched)
        if matched:
            counted = [(label.actual, probability) for label, probability in matched]
            self._labelled += counted
            self.confusion += self._confusion(counted)
            self._quality = None
            if self._labels:
                self._labels.append(
                    [
                        (item.identity.decode("latin-1"), item.row, *row)
                        for (item, _), row in zip(matched, counted, strict=True)
                    ]
                )
        return unmatched

    @property
    def window_rows(self) -> int:
        """How many labelled rows are in the window."""
        return len(self._labelled)

    def window_confusion(self) -> npt.NDArray[np.int64]:
        """Rows of the window by true class and by the class decided on, of the shape of `confusion`."""
        return self._confusion(self._labelled)

    def quality(self) -> Mapping[str, Interval]:
        """Each of `contract.quality.WATCHED` over the window, with the interval of a bootstrap as in the evaluation.

        Empty below the minimum of labelled rows. A measure that these rows leave undefined is NaN.
        """
        if len(self._labelled) < self._memory.minimum:
            return {}
        if self._quality is None:
            rows = self._in_numbers(self._labelled)
            values, drawn = measure(*rows), bootstrap(*rows, resamples=_RESAMPLES)
            self._quality = {}
            for name in WATCHED:
                low, high = percentiles(drawn[name])
                self._quality[name] = Interval(value=float(values[name][0]), low=low, high=high)
        return self._quality

    def close(self) -> None:
        """Let go of the files."""
        for journal in (self._predictions, self._labels):
            if journal:
                journal.close()

    def _in_numbers(self, labelled: Collection[tuple[int, Probability]]) -> _Numbers:
        """True classes, probabilities and classes decided on, each with a row a label."""
        actual, probability = zip(*labelled, strict=True)
        numbers = np.array(probability, dtype=np.float64)
        return np.array(actual), numbers, decided(numbers, self._threshold)

    def _confusion(self, labelled: Collection[tuple[int, Probability]]) -> npt.NDArray[np.int64]:
        counts = np.zeros_like(self.confusion)
        if labelled:
            actual, _, answered = self._in_numbers(labelled)
            np.add.at(counts, (actual, answered), 1)
        return counts

    def _keep(self, chunk: _Chunk) -> None:
        recent, waiting = self._recent, self._waiting
        recent.append(chunk)
        self.waiting_rows += chunk.rows
        while self.waiting_rows > self._memory.rows and waiting:
            self.waiting_rows -= len(waiting.popitem(last=False)[1])
        while self.waiting_rows - recent[0].rows >= self._memory.rows:
            self.waiting_rows -= recent.popleft().rows

    def _index(self) -> None:
        waiting = self._waiting
        for chunk in self._recent:
            for identity, rows in chunk.requests():
                self.waiting_rows -= len(waiting.pop(identity, ()))
                waiting[identity] = rows
        self._recent.clear()

    def _take(self, identity: bytes, row: int) -> Probability | None:
        rows = self._waiting.get(identity, {})
        probability = rows.pop(row, None)
        if probability is not None:
            self.waiting_rows -= 1
            if not rows:
                del self._waiting[identity]
        return probability

    def _restore(self, predictions: Journal, labels: Journal) -> None:
        answered = [(identity.encode("latin-1"), rows) for identity, rows in predictions.read()]
        if answered and self._memory.rows:
            self._keep(_Chunk.of(answered))
            self._index()
        for identity, row, actual, probability in labels.read():
            self._take(identity.encode("latin-1"), row)
            self._labelled.append((actual, probability))
        self._predictions, self._labels = predictions, labels
