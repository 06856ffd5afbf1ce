"""When requests are due, told by a clock that stands still."""

from __future__ import annotations

import pytest

from monitoring.load.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_requests_are_spaced_evenly_whoever_asks() -> None:
    pace = Pace(10, Clock())
    assert [pace.delay() for _ in range(4)] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_what_was_late_is_made_up_for() -> None:
    clock = Clock()
    pace = Pace(10, clock)
    pace.delay()
    clock.now += 0.35
    assert [pace.delay() for _ in range(5)] == pytest.approx([0, 0, 0, 0.05, 0.15])


def test_a_long_pause_is_not_followed_by_a_flood() -> None:
    clock = Clock()
    pace = Pace(10, clock)
    clock.now += 3600
    assert sum(pace.delay() == 0 for _ in range(100)) <= 11


def test_a_rate_of_0_never_waits() -> None:
    pace = Pace(0, Clock())
    assert [pace.delay() for _ in range(100)] == [0] * 100
