"""`python -m benchmarks.counting`: what all metrics, drift and remembered predictions cost a request of one row."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scipy.stats import binom

from benchmarks.serving import dialects
from benchmarks.serving.catalogue import PREDICTOR, Server, free_port, make_server
from benchmarks.serving.cells import single
from benchmarks.serving.errors import BenchmarkError
from benchmarks.serving.load import Wrk, check_tools, finish
from benchmarks.serving.machine import this_machine, two_cores
from benchmarks.serving.measurement import running, start
from benchmarks.serving.models import build_model
from benchmarks.serving.process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.serving.cells import Cell
    from benchmarks.serving.models import ServedModel

ALLOWED = 0.10
"""Share of a request's time that counting may take."""

UNCOUNTED = "uncounted"
CELLS = (single(1, "v1"), single(16, "v1"), single(16, "v2"))


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 measured, 1 a server failed or a tool is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counting", description=__doc__)
    parser.add_argument("--seconds", type=int, default=1, help="of each load (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=25, help="the share is the median over these (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        check_tools()
        machine = this_machine()
        load_core, server_core = two_cores()
        os.sched_setaffinity(0, {load_core})
        print(f"{machine}; the server runs on core {server_core}, the load on core {load_core}")
        shares = _measured(server_core, options.seconds, options.rounds)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    for cell, found in shares.items():
        share, low, high = middle(found)
        verdict = "within" if share <= ALLOWED else "above"
        print(
            f"{cell}: counting takes {share:.1%} [{low:.1%}, {high:.1%}] of a request, {verdict} {ALLOWED:.0%};"
            f" median of {len(found)} rounds with its 95 % interval"
        )
    return 0


def middle(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and its 95 % interval by order statistics, which supposes nothing about the distribution.

    Conover (1999), "Practical Nonparametric Statistics", section 3.2.
    """
    ordered = sorted(values)
    low, high = binom.interval(0.95, len(ordered), 0.5)
    return statistics.median(ordered), ordered[int(low) - 1 if low else 0], ordered[min(int(high), len(ordered) - 1)]


def _measured(core: int, seconds: int, rounds: int) -> dict[Cell, list[float]]:
    """Per cell and round, the share of a request's processor time that counting takes."""
    shares: dict[Cell, list[float]] = {cell: [] for cell in CELLS}
    servers: list[Server] = []
    with tempfile.TemporaryDirectory(prefix="concord-counting-") as scratch:
        directory = Path(scratch)
        with contextlib.redirect_stdout(io.StringIO()):
            model = build_model("forest", directory / "forest")
        servers = [make_server(PREDICTOR, model, core, directory, directory), _uncounted(model, core)]
        try:
            for server in servers:
                start(server, 1)
            for number in range(rounds):
                _say(f"round {number + 1} of {rounds}")
                # Now the one first, now the other: what changes within a round then meets both alike.
                for cell in CELLS:
                    costs = {
                        server.name: _cost(server, cell, seconds, directory)
                        for server in servers[:: 1 - 2 * (number % 2)]
                    }
                    shares[cell].append(1 - costs[UNCOUNTED] / costs[PREDICTOR])
        finally:
            for server in servers:
                server.process.stop()
    return shares


def _cost(server: Server, cell: Cell, seconds: int, scratch: Path) -> float:
    """Processor time that one request costs the server, in seconds."""
    with running(server):
        before = server.process.cpu_seconds()
        load = finish(Wrk(server.process.port, server.request(cell), cell.connections, scratch / "body").start(seconds))
        return (server.process.cpu_seconds() - before) / (load.rate * seconds)


def _uncounted(model: ServedModel, core: int) -> Server:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.counting.uncounted", "--bundle", str(model.bundle)]
    process = ServerProcess(UNCOUNTED, [*command, "--http_port", str(port)], port, dialects.PREDICTOR.ready, core)
    return Server(UNCOUNTED, dialects.PREDICTOR, process, model)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by exception, so that the servers are stopped
    sys.exit(main())
