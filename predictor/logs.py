"""What the predictor writes to standard error: at most a line a request, and never a value of a feature."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("predictor")

_FACTS = "facts"
_FAILED = 400


class JSONFormatter(logging.Formatter):
    """A record as one JSON object in one line, its facts beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        content: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, _FACTS, {}),
        }
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        return json.dumps(content, default=str)


class TextFormatter(logging.Formatter):
    """The same for a person at a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """The message, followed by its facts."""
        facts = " ".join(f"{name}={value}" for name, value in getattr(record, _FACTS, {}).items())
        return f"{super().formatMessage(record)} {facts}".rstrip()


def configuration(log_format: str) -> dict[str, Any]:
    """A configuration for `logging.config`; `log_format` is json, text or auto."""
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())

    def to_stderr(level: str) -> dict[str, Any]:
        return {"handlers": ["stderr"], "level": level, "propagate": False}

    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JSONFormatter if as_json else TextFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            "predictor": to_stderr("INFO"),
            # KServe logs three lines a request, and a traceback for a client's mistake; real failures come by uvicorn.
            "kserve": to_stderr("CRITICAL"),
            "uvicorn": to_stderr("WARNING"),
            "uvicorn.access": {"propagate": False},  # else it prepares a line for each request, and drops it
        },
    }


class RequestLog:
    """Logs a share of the healthy requests, and every other up to a limit of lines a second."""

    def __init__(self, share: float, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._limit = limit
        self._clock = clock
        self._due = 0.0
        self._second = 0
        self._lines = 0
        self._hidden = 0

    def healthy(self) -> bool:
        """Whether to log this request, which was answered well."""
        self._due += self._share
        if self._due < 1:
            return False
        self._due -= 1
        return self.failed()

    def failed(self) -> bool:
        """Whether to log this request, which wasn't; healthy ones that are due have the same limit."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > self._limit:
            self._hidden += 1
            return False
        return True

    def write(self, facts: dict[str, Any]) -> None:
        """Write the line, with how many were left out since the last."""
        if self._hidden:
            facts["not_logged"], self._hidden = self._hidden, 0
        logger.log(logging.INFO if facts["status"] < _FAILED else logging.WARNING, "request", extra={_FACTS: facts})
