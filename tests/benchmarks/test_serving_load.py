"""What is read of wrk's output."""

from __future__ import annotations

import pytest

from benchmarks.serving.errors import ServerFailed
from benchmarks.serving.load import Load, median, parse

PRINTED = """Running 4s test @ http://127.0.0.1:8080/v1/models/heart:predict
  1 threads and 16 connections
  16000 requests in 4.00s, 3.20MB read
measured {{"requests": {requests}, "microseconds": 4000000, "p50": 950, "p99": 1810, "status": {status}, \
"timeout": {timeout}, "connection": {connection}}}
"""


def printed(requests: int = 16_000, status: int = 0, timeout: int = 0, connection: int = 0) -> str:
    return PRINTED.format(requests=requests, status=status, timeout=timeout, connection=connection)


def test_rate_and_latencies_come_in_seconds_and_milliseconds() -> None:
    assert parse(printed()) == Load(rate=4000.0, p50=0.95, p99=1.81)


@pytest.mark.parametrize(
    ("errors", "listed"),
    [
        ({"status": 3}, "3 of status"),
        ({"timeout": 1}, "1 of timeout"),
        ({"connection": 2, "status": 1}, "1 of status, 2 of connection"),
    ],
)
def test_a_load_with_an_error_is_no_measurement(errors: dict[str, int], listed: str) -> None:
    with pytest.raises(ServerFailed, match=rf"16000 requests were answered, but there were errors: {listed}"):
        parse(printed(**errors))


def test_a_load_may_end_before_its_first_answer() -> None:
    assert parse(printed(requests=0)).rate == 0


def test_what_wrk_says_instead_is_passed_on() -> None:
    with pytest.raises(ServerFailed, match=r"said: unable to connect to 127\.0\.0\.1:1 Connection refused"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_each_number_has_its_own_median() -> None:
    loads = [Load(100, 3, 9, 0.0), Load(300, 1, 7, 0.2), Load(200, 2, 8, 0.1)]
    assert median(loads) == Load(200, 2, 8, 0.1)
