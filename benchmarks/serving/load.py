"""Load by wrk, and what it measured."""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.serving.errors import ServerFailed, Unequipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.serving.dialects import Request

SCRIPT = Path(__file__).with_name("load.lua")
_TIMEOUT_SECONDS = 60
_LINE = re.compile(r"^measured (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """What one load met: requests a second, and the latencies that half and 99 % of them stayed under, in ms.

    wrk closes the loop (a connection sends its next request once the last is answered) and corrects latencies for what
    it couldn't send meanwhile. `taken` is what processes outside the benchmark computed meanwhile, in cores.
    """

    rate: float
    p50: float
    p99: float
    taken: float = 0.0


class Wrk:
    """wrk with a number of connections, sending one request to one server."""

    def __init__(self, port: int, request: Request, connections: int, body: Path) -> None:
        body.write_bytes(request.body)
        self._connections = connections
        self._url = f"http://127.0.0.1:{port}{request.path}"
        self._arguments = [str(body), *(part for header in request.headers.items() for part in header)]

    def start(self, seconds: int) -> subprocess.Popen[str]:
        """Start sending; `finish` waits for it."""
        return subprocess.Popen(  # noqa: S603
            [
                *("wrk", "--threads", "1", "--connections", str(self._connections), "--duration", f"{seconds}s"),
                *("--timeout", f"{_TIMEOUT_SECONDS}s", "--script", str(SCRIPT), self._url, "--", *self._arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def finish(process: subprocess.Popen[str]) -> Load:
    """Wait for a load that was started. Raises `ServerFailed` as `parse` does."""
    printed, _ = process.communicate()
    return parse(printed)


def parse(printed: str) -> Load:
    """Read what `load.lua` makes wrk print.

    Raises `ServerFailed` if any request met an error (a status from 400 on, a connection broken off, no answer in
    time), or if wrk said something else. A load may end before its first answer: its rate is 0 then.
    """
    found = _LINE.search(printed)
    if not found:
        raise ServerFailed(f"wrk measured nothing and said: {' '.join(printed.split())}")
    measured = json.loads(found[1])
    errors = {name: measured[name] for name in ("status", "timeout", "connection") if measured[name]}
    if errors:
        listed = ", ".join(f"{count} of {name}" for name, count in errors.items())
        raise ServerFailed(f"{measured['requests']} requests were answered, but there were errors: {listed}")
    return Load(
        rate=measured["requests"] / measured["microseconds"] * 1e6, p50=measured["p50"] / 1e3, p99=measured["p99"] / 1e3
    )


def median(loads: Sequence[Load]) -> Load:
    """The median of each number by itself."""
    return Load(*(statistics.median(getattr(load, item.name) for load in loads) for item in fields(Load)))


def check_tools() -> None:
    """Raise `Unequipped` naming the first program that isn't there."""
    for tool, package, purpose in (
        ("wrk", "wrk", "makes the load"),
        ("taskset", "util-linux", "gives each server a core of its own"),
    ):
        if shutil.which(tool) is None:
            raise Unequipped(f"{tool} {purpose} and isn't installed: apt-get install {package} (it needs Linux)")
