"""When the next request is due, so that all connections together reach a rate and don't exceed it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_BACKLOG = 1.0
"""Seconds of missed requests to make up for after a pause; more would be a flood that nobody asked for."""


class Pace:
    """Evenly spaced times, handed out to whoever asks next. `rate` is in requests per second; 0 means no pauses."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._clock = clock
        self._next = clock()

    def delay(self) -> float:
        """Seconds until the caller's request is due; 0 if it is already."""
        if not self._interval:
            return 0.0
        now = self._clock()
        due = max(self._next, now - _LONGEST_BACKLOG)
        self._next = due + self._interval
        return max(0.0, due - now)
