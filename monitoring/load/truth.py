"""The true classes of rows that were answered, told to the predictor later, as they become known in practice."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import orjson

from monitoring.load.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitoring.load.request import Answer

LABELS_AT_ONCE = 1_000
"""Labels in a request, unless the contract allows fewer rows."""


class _Label(NamedTuple):
    due: float
    id: str
    row: int
    label: str


class Truth:
    """Labels that wait for their time: `delay` seconds after the rows were answered.

    `at_once` is how many are told in one request. `sent`, `counted` and `unmatched` say what became of them: the
    predictor counts a label, or doesn't remember its prediction.
    """

    def __init__(
        self,
        model: str,
        delay: float = 0.0,
        at_once: int = LABELS_AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._delay = delay
        self.at_once = at_once
        self._clock = clock
        self._waiting: deque[_Label] = deque()
        self.sent = self.counted = self.unmatched = 0

    @property
    def waiting(self) -> int:
        """Labels that weren't handed out yet."""
        return len(self._waiting)

    @property
    def seconds(self) -> float:
        """Seconds until the next label is due; 0 if it is already, or if there is none."""
        return max(0.0, self._waiting[0].due - self._clock()) if self._waiting else 0.0

    def answered(self, request: Request) -> None:
        """Remember the labels of a request whose rows were answered."""
        due = self._clock() + self._delay
        for row, label in enumerate(request.labels):
            if label is not None:
                self._waiting.append(_Label(due, request.identity, row, label))

    def request(self) -> Request | None:
        """The request that tells the labels which are due, at most `at_once`; `None` if none is."""
        now = self._clock()
        labels: list[dict[str, str | int]] = []
        while self._waiting and self._waiting[0].due <= now and len(labels) < self.at_once:
            label = self._waiting.popleft()
            labels.append({"id": label.id, "row": label.row, "label": label.label})
        if not labels:
            return None
        path = f"/v1/models/{self._model}:truth"
        words = ('"counted"', '"unmatched"')
        return Request("truth", "labels", "POST", path, 200, orjson.dumps({"truth": labels}), words=words)

    def told(self, request: Request, answer: Answer) -> None:
        """Count what a predictor made of the labels in `request`."""
        self.sent += len(orjson.loads(request.body)["truth"])
        try:
            content = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            return
        match content:
            case {"counted": int() as counted, "unmatched": list() as unmatched}:
                self.counted += counted
                self.unmatched += len(unmatched)
