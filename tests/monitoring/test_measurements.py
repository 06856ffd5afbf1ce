"""A real Prometheus is asked, and what it can't answer is told in its own words."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from monitoring.errors import MonitoringError, NoAnswer
from monitoring.measurements import Alert, Measurements, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def measured(lone_prometheus: str) -> Measurements:
    return Measurements(lone_prometheus)


@pytest.fixture
def stranger() -> Iterator[Callable[[str], str]]:
    """A server that answers everything with the same text; called with the text, it says its URL."""
    answer = [b""]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(200)
            self.send_header("content-length", str(len(answer[0])))
            self.end_headers()
            self.wfile.write(answer[0])

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def answering(text: str) -> str:
        answer[0] = text.encode()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield answering
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_series_has_its_labels_and_one_value_now(measured: Measurements, lone_prometheus: str) -> None:
    (series,) = measured.now("up")
    address = lone_prometheus.removeprefix("http://")
    assert series.labels == {"__name__": "up", "job": "itself", "instance": address}
    assert len(series.points) == 1
    assert series.value == 1
    assert series.points[0][0] == pytest.approx(time.time(), abs=10)


def test_a_scalar_is_a_series_without_labels(measured: Measurements) -> None:
    assert measured.now("40 + 2", 1_700_000_000) == [Series({}, ((1_700_000_000.0, 42.0),))]


def test_what_was_at_another_time_is_not_what_is_now(measured: Measurements) -> None:
    assert measured.now("up", time.time() - 86_400) == []
    assert measured.now("time()", 0.0)[0].value == 0


def test_a_course_has_a_point_for_each_step(measured: Measurements) -> None:
    (series,) = measured.course("vector(time())", 1_700_000_000, 1_700_000_060, 15)
    assert series.labels == {}
    assert [at for at, _ in series.points] == [1_700_000_000 + 15 * step for step in range(5)]
    assert all(at == value for at, value in series.points)
    assert series.value == 1_700_000_060


def test_nothing_measured_is_no_series_and_no_error(measured: Measurements) -> None:
    assert measured.now("predictor_requests_total") == []
    assert measured.course("predictor_requests_total", time.time() - 60, time.time(), 15) == []


def test_numbers_that_are_none_come_through(measured: Measurements) -> None:
    values = [measured.now(expr)[0].value for expr in ("1 / 0", "-1 / 0", "0 / 0")]
    assert values[:2] == [float("inf"), float("-inf")]
    assert values[2] != values[2]


def test_alerts_are_told_as_they_are(measured: Measurements) -> None:
    alerts = {alert.name: alert for alert in measured.alerts()}
    assert alerts["Always"] == Alert(
        "Always", "firing", {"alertname": "Always", "severity": "info"}, {"description": "It is."}
    )
    assert alerts["Later"].state == "pending"
    assert len(alerts) == 2


def test_what_is_only_pending_does_not_fire(measured: Measurements) -> None:
    assert [alert.name for alert in measured.firing("Always")] == ["Always"]
    assert measured.firing("Later") == []
    assert measured.firing("Never") == []


def test_rules_say_whether_they_work(measured: Measurements) -> None:
    rules = {rule["name"]: rule["health"] for rule in measured.rules()}
    assert rules == {"Always": "ok", "Later": "ok", "job:up:sum": "ok"}


def test_a_slash_at_the_end_of_the_url_does_not_matter(lone_prometheus: str) -> None:
    assert Measurements(f"{lone_prometheus}/").now("vector(1)")[0].value == 1


@pytest.mark.parametrize("expr", ["sum(", "rate(up)", "up + on() group_left bogus("])
def test_a_query_that_is_none_is_told_with_prometheus_own_words(measured: Measurements, expr: str) -> None:
    with pytest.raises(NoAnswer, match=r"(parse error|expected type)") as raised:
        measured.now(expr)
    assert str(raised.value).startswith(f"{expr}: ")


def test_a_course_of_too_many_points_is_refused(measured: Measurements) -> None:
    with pytest.raises(NoAnswer, match="exceeded maximum resolution"):
        measured.course("up", 0, 1_700_000_000, 1)


def test_nobody_there_is_one_line_that_says_what_to_do(free_port: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for ask in (Measurements(url).alerts, Measurements(url).rules, lambda: Measurements(url).now("up")):
        with pytest.raises(NoAnswer) as raised:
            ask()
        assert str(raised.value) == f"{url} doesn't answer as Prometheus does; is it running? make monitor starts one"
        assert raised.value.__suppress_context__


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
def test_what_is_no_url_is_told_the_same_way(url: str) -> None:
    with pytest.raises(NoAnswer, match="doesn't answer as Prometheus does"):
        Measurements(url).now("up")


@pytest.mark.parametrize("text", ["", "<html></html>", "[]", "null", "7"])
def test_another_server_is_not_taken_for_prometheus(stranger: Callable[[str], str], text: str) -> None:
    measured = Measurements(stranger(text))
    for ask in (measured.alerts, lambda: measured.now("up")):
        with pytest.raises(NoAnswer, match="doesn't answer as Prometheus does"):
            ask()


def test_an_answer_without_success_is_refused(stranger: Callable[[str], str]) -> None:
    measured = Measurements(stranger(json.dumps({"status": "error", "error": "query timed out"})))
    with pytest.raises(MonitoringError, match=r"\Aup: query timed out\Z"):
        measured.now("up")
    with pytest.raises(MonitoringError, match=r"\Aalerts: query timed out\Z"):
        measured.alerts()
    with pytest.raises(MonitoringError, match=r"\Aup: no answer\Z"):
        Measurements(stranger("{}")).now("up")
