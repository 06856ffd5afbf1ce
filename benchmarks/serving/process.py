"""A server's process: started on a core of its own, stopped while others are measured."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psutil

from benchmarks.serving.errors import ServerFailed
from components import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

_START_SECONDS = 60.0
_DRAIN_SECONDS = 120.0
_POLL_SECONDS = 0.005
_IDLE_WINDOW = 0.2
_IDLE_SHARE = 0.1
_MIB = 1024 * 1024
_OK = 200
_BUSY = {psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT, psutil.CONN_SYN_RECV}
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
_WITHOUT_CACHE = "PYTHONDONTWRITEBYTECODE"  # would make every start compile what an installed server has compiled


class ServerProcess:
    """One server, pinned to one core. Its output goes nowhere."""

    def __init__(self, name: str, command: Sequence[str], port: int, ready: str, core: int) -> None:
        self.name = name
        self.port = port
        self._command = ["taskset", "--cpu-list", str(core), *command]
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; returns the seconds from spawning it to its first "ready". Raises `ServerFailed`."""
        began = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603
            self._command,
            cwd=PROJECT,
            env={name: value for name, value in os.environ.items() if name != _WITHOUT_CACHE} | _ONE_THREAD,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while time.monotonic() < began + _START_SECONDS:
            if self._answers():
                return time.monotonic() - began
            self.check()
            time.sleep(_POLL_SECONDS)
        raise ServerFailed(f"{self.name} isn't ready after {_START_SECONDS:.0f} seconds: {' '.join(self._command)}")

    def check(self) -> None:
        """Raise `ServerFailed` if it has ended, with what it says when it is started again."""
        status = self._running.poll()
        if status is not None:
            raise ServerFailed(f"{self.name} ended with status {status}: {self._last_words()}")

    def pause(self) -> None:
        """Stop it, as it is, until `resume`: an idle server still wakes up and takes cache from its neighbour."""
        self._running.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._running.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Go on."""
        self._running.send_signal(signal.SIGCONT)

    def memory(self) -> float:
        """Resident memory in MiB."""
        return float(psutil.Process(self._running.pid).memory_info().rss / _MIB)

    def cpu_seconds(self) -> float:
        """Time that it has computed so far."""
        return float(sum(psutil.Process(self._running.pid).cpu_times()[:2]))

    def drain(self) -> None:
        """Wait until all connections of the last load are gone and it computes nothing any more."""
        process = psutil.Process(self._running.pid)
        deadline = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < deadline:
            self.check()
            states = {item.status for item in process.connections("tcp") if item.laddr.port == self.port}
            before = self.cpu_seconds()
            time.sleep(_IDLE_WINDOW)
            busy = self.cpu_seconds() - before
            if not states & _BUSY and busy <= _IDLE_SHARE * _IDLE_WINDOW:
                return
        raise ServerFailed(f"{self.name} is still busy {_DRAIN_SECONDS:.0f} seconds after the load ended")

    def stop(self) -> None:
        """End it, also if it is paused or was never started."""
        if self._process is None or self._process.poll() is not None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        """Its output isn't kept, since writing it would cost the servers that log most."""
        try:
            again = subprocess.run(  # noqa: S603
                self._command, cwd=PROJECT, capture_output=True, text=True, timeout=_START_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"started again, it runs; {' '.join(self._command)}"
        return " ".join((again.stderr or again.stdout).splitlines()[-1:])

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerFailed(f"{self.name} was not started")
        return self._process

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", self._ready)
            return connection.getresponse().status == _OK
        return False
