"""Counting what was sent and answered, in memory that doesn't grow with the length of a load."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitoring.load.request import Answer, Kind, Request

_STEP = math.log(1.02)
"""Durations are kept to within 1 %."""


class Durations:
    """How long requests took, in bins of equal ratio."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._bins[math.floor(math.log(max(seconds, 1e-6)) / _STEP)] += 1

    def update(self, other: Durations) -> None:
        """Count all durations of another."""
        self._bins.update(other._bins)

    def quantile(self, share: float) -> float:
        """Seconds that this share of the requests stayed below; NaN if there is none."""
        rank = max(1, math.ceil(share * self._bins.total()))
        for number in sorted(self._bins):
            rank -= self._bins[number]
            if rank <= 0:
                return math.exp((number + 0.5) * _STEP)
        return math.nan


@dataclass
class Line:
    """What is known of the requests of one kind and name, which must all be answered with `expected`."""

    expected: int
    count: int = 0
    unexpected: int = 0
    durations: Durations = field(default_factory=Durations)


class Tally:
    """Everything that was answered, or wasn't.

    `statuses` counts answers by status, 0 standing for none. `objections` has what was said of the first unexpected
    answer of each kind, name and status, and how many there were.
    """

    def __init__(self) -> None:
        self.lines: dict[tuple[Kind, str], Line] = {}
        self.statuses: Counter[int] = Counter()
        self.objections: dict[tuple[Kind, str, int], tuple[str, int]] = {}
        self.rows = self.rows_answered = 0

    def record(self, request: Request, answer: Answer) -> bool:
        """Count a request; says whether it was answered as expected."""
        line = self.lines.setdefault((request.kind, request.name), Line(request.status))
        objection = request.objection(answer)
        line.count += 1
        self.statuses[answer.status] += 1
        self.rows += request.rows
        if answer.status:
            line.durations.add(answer.seconds)
        if objection is None:
            self.rows_answered += request.rows if request.kind == "valid" else 0
            return True
        line.unexpected += 1
        key = (request.kind, request.name, answer.status)
        first, count = self.objections.get(key, (objection, 0))
        self.objections[key] = (first, count + 1)
        return False

    @property
    def count(self) -> int:
        """Requests that were sent, without those that tell labels."""
        return sum(line.count for (kind, _), line in self.lines.items() if kind != "truth")

    @property
    def unexpected(self) -> int:
        """Requests of all kinds that weren't answered as they must be."""
        return sum(line.unexpected for line in self.lines.values())

    def durations(self) -> Durations:
        """Of all requests with rows or oddities, together."""
        together = Durations()
        for (kind, _), line in self.lines.items():
            if kind != "truth":
                together.update(line.durations)
        return together
