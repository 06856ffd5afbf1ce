"""Lines for machines and for people, and how many of them."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

from predictor.logs import JSONFormatter, RequestLog, TextFormatter, configuration

if TYPE_CHECKING:
    import pytest


def record(message: str, **facts: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "predictor", "levelname": "INFO", "msg": message, "created": 0.25, "msecs": 250}
    )
    made.__dict__["facts"] = facts
    return made


def test_a_json_line_is_one_object_with_its_facts() -> None:
    line = JSONFormatter().format(record('said "so"\nand so', status=200))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "info",
        "logger": "predictor",
        "message": 'said "so"\nand so',
        "status": 200,
    }


def test_an_exception_stays_in_its_line() -> None:
    made = record("failed")
    error = LookupError("nothing there")
    made.exc_info = type(error), error, None
    line = JSONFormatter().format(made)
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("LookupError: nothing there")


def test_a_text_line_ends_with_the_facts() -> None:
    assert (
        TextFormatter().format(record("request", status=400, path="/v2")).endswith("INFO request status=400 path=/v2")
    )


def test_auto_is_json_unless_a_person_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    for on_terminal, form in ((True, TextFormatter), (False, JSONFormatter)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda value=on_terminal: value)
        assert configuration("auto")["formatters"]["line"] == {"()": form}
    assert configuration("json")["formatters"]["line"] == {"()": JSONFormatter}
    assert configuration("text")["formatters"]["line"] == {"()": TextFormatter}


def test_the_share_of_healthy_requests_is_kept() -> None:
    for share, lines in ((0, 0), (0.01, 10), (0.25, 250), (1, 1_000)):
        log = RequestLog(share, limit=1_000)
        assert sum(log.healthy() for _ in range(1_000)) == lines


def test_healthy_requests_have_the_same_limit() -> None:
    log = RequestLog(1, limit=3, clock=lambda: 100.0)
    assert [log.healthy() for _ in range(5)] == [True, True, True, False, False]


def test_failures_are_limited_by_the_second_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    log = RequestLog(0, limit=3, clock=lambda: now)
    assert [log.failed() for _ in range(5)] == [True, True, True, False, False]
    now = 101.0
    assert log.failed()
    with caplog.at_level(logging.INFO, "predictor"):
        logging.getLogger("predictor").propagate = True
        log.write({"status": 400})
        log.write({"status": 200})
    facts = [item.__dict__["facts"] for item in caplog.records]
    assert facts == [{"status": 400, "not_logged": 2}, {"status": 200}]
    assert [item.levelname for item in caplog.records] == ["WARNING", "INFO"]
