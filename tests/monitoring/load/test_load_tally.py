"""What is counted, and what the summary makes of it."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from monitoring.load.request import Answer, Request
from monitoring.load.summary import progress, summary
from monitoring.load.tally import Durations, Tally
from monitoring.load.truth import Truth
from monitoring.load.users import Course, Load

VALID = Request("valid", "v1 records", "POST", "/there", 200, b"{}", rows=1)
INVALID = Request("invalid", "out-of-range", "POST", "/there", 400, b"{}", rows=3, words=("age",))
LABELS = Request("truth", "labels", "POST", "/truth", 200, b"{}")
FINE, REFUSED = Answer(200, b'{"predictions": [{}]}', 0.001), Answer(400, b"age", 0.002)
LOAD = Load("http://there", 50, 16, 60, 10)


def test_quantiles_are_right_to_a_percent() -> None:
    chance = random.Random(1)
    values = sorted(chance.lognormvariate(-6, 1) for _ in range(1_000))
    durations = Durations()
    for value in values:
        durations.add(value)
    for share in (0.5, 0.95, 0.99):
        assert durations.quantile(share) == pytest.approx(values[math.ceil(share * 1_000) - 1], rel=0.011)


def test_nothing_has_no_quantile_and_0_seconds_has_one() -> None:
    durations = Durations()
    assert math.isnan(durations.quantile(0.5))
    durations.add(0)
    assert durations.quantile(0.5) == pytest.approx(1e-6, rel=0.02)


def test_answers_are_counted_by_what_was_asked() -> None:
    tally = Tally()
    assert tally.record(VALID, FINE)
    assert tally.record(INVALID, REFUSED)
    assert not tally.record(VALID, Answer(503, b"later", 0.001))
    assert not tally.record(VALID, Answer(503, b"later still", 0.001))
    assert not tally.record(INVALID, Answer(0, error="Connection refused"))
    assert not tally.record(LABELS, Answer(404, b"", 0.001))
    assert (tally.count, tally.unexpected, tally.rows, tally.rows_answered) == (5, 4, 9, 1)
    assert tally.statuses == {200: 1, 400: 1, 503: 2, 0: 1, 404: 1}
    assert tally.objections["valid", "v1 records", 503] == ("POST /there was answered 503, not 200: later", 2)


def test_memory_does_not_grow_with_what_the_server_says() -> None:
    tally = Tally()
    for number in range(1_000):
        tally.record(VALID, Answer(500, str(number).encode(), 0.001))
    assert len(tally.objections) == len(tally.lines) == 1


def course(**further: Any) -> Course:
    tally = Tally()
    tally.record(VALID, FINE)
    tally.record(INVALID, REFUSED)
    return Course(tally, seconds=0.04, **further)


def test_the_summary_of_a_load_without_fault_says_so() -> None:
    text = summary(course(), LOAD)
    assert [line.split() for line in text.splitlines()[1:3]] == [
        ["valid", "v1", "records", "1", "200", "0", "1.01", "1.01", "1.01"],
        ["invalid", "out-of-range", "1", "400", "0", "2.01", "2.01", "2.01"],
    ]
    assert "2 requests in 0.0 s, 4 rows, 1 answered" in text
    assert "50.0 requests/s (50 asked, 16 connections)" in text
    assert "statuses: 200 OK: 1, 400 Bad Request: 1" in text
    assert text.endswith("every request was answered as expected")
    assert "labels" not in text
    assert "✗" not in text


def test_the_summary_shows_faults_the_most_frequent_first() -> None:
    seen = course(at_limit=True)
    for number in range(2):
        seen.mistaken(ValueError(number))
    seen.tally.record(INVALID, Answer(200, b"ok", 0.001))
    for _ in range(3):
        seen.tally.record(VALID, Answer(0, error="Connection refused"))
    seen.tally.record(VALID, Answer(599, b"", 0.001))
    text = summary(seen, LOAD)
    assert "as expected" not in text
    faults = [line for line in text.splitlines() if line.startswith("✗")]
    assert faults[0] == ("✗ valid, v1 records, 3 unexpected, the first: POST /there got no answer: Connection refused")
    assert "was answered 200, not 400: ok" in faults[1]
    assert "none at all: 3" in text
    assert "599: 1" in text
    assert "This tool used a whole core" in text
    assert "This tool failed 2 times, first with ValueError(0)" in text


def test_a_rate_that_was_not_reached_is_told() -> None:
    assert "was not reached" in summary(course(), Load("http://there", 500, 16, 60, 10))
    assert "was not reached" not in summary(course(), Load("http://there", 0, 16, 60, 10))
    assert "as fast as possible" in summary(course(), Load("http://there", 0, 16, 60, 10))


def test_labels_are_told_beside_the_requests() -> None:
    seen = course()
    seen.tally.record(LABELS, Answer(200, b"", 0.5))
    truth = Truth("heart")
    truth.sent, truth.counted, truth.unmatched = 5, 4, 1
    text = summary(seen, LOAD, truth)
    assert "labels: 5 told, 4 counted, 1 unmatched, 0 not told yet" in text
    assert "\n2 requests in" in text


def test_progress_is_one_line_even_before_the_first_answer() -> None:
    assert progress(Course()) == "     0 s  0 requests, 0.0/s, 0 unexpected, p95 - ms"
    assert progress(course()) == "     0 s  2 requests, 50.0/s, 0 unexpected, p95 2.01 ms"
