"""A server of the stack: started, waited for, and ended with everything it says in a file."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import requests

from monitoring.errors import MissingProgram, ServerFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05
_LAST_LINES = 5

PROGRAMS = {
    "prometheus": ("prometheus",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "node_exporter": ("prometheus-node-exporter", "node_exporter"),
}
"""What the servers' programs are called, by Debian first and then by their makers."""


def program(name: str) -> str:
    """Where a server's program is. Raises `MissingProgram`."""
    for candidate in PROGRAMS[name]:
        if found := shutil.which(candidate):
            return found
    raise MissingProgram(
        f"{name} isn't installed: sudo apt-get install prometheus prometheus-alertmanager prometheus-node-exporter;"
        " or use compose.yaml, which brings everything in containers"
    )


class Server:
    """One process. `ready` is a URL that answers with 200 as soon as it may be used; its output goes to `log`."""

    def __init__(self, name: str, command: Sequence[str], ready: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready. Raises `ServerFailed` with the last lines of its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            if self._answers():
                return
            time.sleep(_POLL_SECONDS)
        self.stop()
        raise ServerFailed(f"{self.name} isn't ready after {_START_SECONDS:.0f} s: {self._last_lines()}")

    def check(self) -> None:
        """Raise `ServerFailed` if it has ended."""
        if self._process and (status := self._process.poll()) is not None:
            raise ServerFailed(f"{self.name} ended with status {status}: {self._last_lines()}")

    def stop(self) -> None:
        """Ask it to end, and wait; what doesn't end is killed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(requests.get(self._ready, timeout=5).ok)
        except requests.RequestException:
            return False

    def _last_lines(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return " / ".join(line.strip() for line in lines) or f"it said nothing ({self.log})"
