"""Scoring what is there together: the rows of all requests of one turn of the event loop are one batch.

Nobody waits for a batch to fill. A request alone is scored in the same turn; under load the turn before brings many,
and they share the fixed cost of a call. (A fixed wait, as other servers have it, costs 5 ms where nobody else comes.)
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.scorer import Answer, Floats

Probabilities = list[float] | list[list[float]]
"""By row: that of the positive class, or with more than two classes a list with that of each."""

Scores = tuple[Probabilities, list[int]]
"""Probabilities, and the position of the class decided on among the labels, by row."""

LARGEST = 512
"""Rows after which a batch is scored and the rest waits for the next turn, so that a turn stays short."""


class Waiter(Protocol):
    """Who wants scores: a future, or what answers in a future's words."""

    def done(self) -> bool:
        """Whether it has given up."""

    def set_result(self, scores: Scores, /) -> None:
        """Take the scores; must not raise."""

    def set_exception(self, error: Exception, /) -> None:
        """Take why there are none; must not raise."""


class _Waiting(NamedTuple):
    rows: list[list[float]]
    waiter: Waiter


class Batcher:
    """Collects rows of one model. `score` takes float64 (rows, features); the event loop is its only user."""

    def __init__(self, score: Callable[[Floats], Answer]) -> None:
        self._score = score
        self._waiting: list[_Waiting] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def score(self, rows: list[list[float]]) -> asyncio.Future[Scores]:
        """The scores of the rows, in a moment. A row's result doesn't depend on what it is scored with."""
        future: asyncio.Future[Scores] = asyncio.get_running_loop().create_future()
        self.submit(rows, future)
        return future

    def submit(self, rows: list[list[float]], waiter: Waiter) -> None:
        """Score the rows at the end of this turn, and tell the waiter."""
        if not self._waiting:
            # Asking for the running loop is a system call (Python looks whether it was forked): once is enough.
            self._loop = self._loop or asyncio.get_running_loop()
            self._loop.call_soon(self._flush)
        self._waiting.append(_Waiting(rows, waiter))

    def _flush(self) -> None:
        batch = self._next()
        try:
            answer = self._score(np.array([*chain.from_iterable(item.rows for item in batch)], dtype=np.float64))
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait must hear of it
            for item in batch:
                if not item.waiter.done():
                    item.waiter.set_exception(error)
            return
        probability, decided = answer.probability.tolist(), answer.decided.tolist()
        start = 0
        for rows, waiter in batch:
            end = start + len(rows)
            if not waiter.done():
                waiter.set_result((probability[start:end], decided[start:end]))
            start = end

    def _next(self) -> list[_Waiting]:
        waiting, self._waiting = self._waiting, []
        rows = 0
        for position, item in enumerate(waiting):
            rows += len(item.rows)
            if rows >= LARGEST and position + 1 < len(waiting):
                self._waiting = waiting[position + 1 :]
                asyncio.get_running_loop().call_soon(self._flush)
                return waiting[: position + 1]
        return waiting
