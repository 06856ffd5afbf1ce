"""Rounds of loads over all cells and servers, each server measured while the others stand still."""

from __future__ import annotations

import os
import statistics
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING

import psutil

from benchmarks.serving.cells import MIXED_ROWS
from benchmarks.serving.errors import ServerFailed
from benchmarks.serving.load import Load, Wrk, finish, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.serving.catalogue import Server
    from benchmarks.serving.cells import Cell

DISTURBED = 0.1
"""Share of a core that other processes may take before a load is repeated."""
TRIES = 3
"""How often a load is made until it is undisturbed; of all, the least disturbed one counts."""


@dataclass(frozen=True)
class Started:
    """How a server starts: seconds to its first "ready", and MiB resident then."""

    seconds: float
    memory: float


@dataclass
class Results:
    """What was measured.

    `loads` are medians by cell and server's name; `started` and `loaded` (MiB resident after all loads) are by server's
    name, of the forest.
    """

    loads: dict[tuple[Cell, str], Load] = field(default_factory=dict)
    started: dict[str, Started] = field(default_factory=dict)
    loaded: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How long to measure: seconds a load, seconds of the same load before it, and rounds."""

    seconds: int
    warm_up: int
    rounds: int


def start(server: Server, times: int) -> Started:
    """Start a server some times and keep the last one, paused; the median of its seconds, and its memory at the end."""
    seconds = []
    for _ in range(times):
        server.process.stop()
        seconds.append(server.process.start())
    memory = server.process.memory()
    server.process.pause()
    return Started(statistics.median(seconds), memory)


@contextmanager
def running(server: Server) -> Iterator[None]:
    """Let one paused server run, and pause it again once its queue is empty. A failure leaves it as it is."""
    server.process.resume()
    yield
    server.process.drain()
    server.process.pause()


def measure(
    servers: Sequence[Server], cells: Sequence[Cell], plan: Plan, scratch: Path, say: Callable[[str], None]
) -> dict[tuple[Cell, str], Load]:
    """The median over all rounds of each cell that a server takes; servers alternate within each cell.

    Raises `ServerFailed` naming server and cell, if any request met an error.
    """
    pairs = [(cell, server) for cell in cells for server in servers if server.takes(cell)]
    found: dict[tuple[Cell, str], list[Load]] = {}
    for number in range(plan.rounds):
        for cell, server in pairs:
            load = _load(server, cell, plan, scratch)
            found.setdefault((cell, server.name), []).append(load)
            say(
                f"round {number + 1} of {plan.rounds} | {cell} | {server.name}:"
                f" {load.rate:,.0f} requests/s, p50 {load.p50:.2f} ms, p99 {load.p99:.2f} ms"
                + (f"; other processes took {load.taken:.0%} of a core" if load.taken > DISTURBED else "")
            )
    return {place: median(loads) for place, loads in found.items()}


def _load(server: Server, cell: Cell, plan: Plan, scratch: Path) -> Load:
    with running(server):
        try:
            if plan.warm_up:
                _tried(server, cell, plan.warm_up, scratch)
            best = _tried(server, cell, plan.seconds, scratch)
            for _ in range(TRIES - 1):
                if best.taken > DISTURBED:
                    best = min(best, _tried(server, cell, plan.seconds, scratch), key=attrgetter("taken"))
        except ServerFailed as error:
            server.process.check()
            raise ServerFailed(f"{server.process.name}, {cell}: {error}") from None
    if not best.rate:
        raise ServerFailed(f"{server.process.name}, {cell}: no answer within {plan.seconds} s; measure for longer")
    return best


def _tried(server: Server, cell: Cell, seconds: int, scratch: Path) -> Load:
    counted = Wrk(server.process.port, server.request(cell), cell.connections, scratch / "counted.body")
    batches = Wrk(server.process.port, server.request(cell, MIXED_ROWS), cell.beside or 1, scratch / "beside.body")
    server.process.drain()
    everybody_before, ours_before = _busy_seconds(server)
    beside = batches.start(seconds) if cell.beside else None
    load = finish(counted.start(seconds))
    if beside:
        finish(beside)
    everybody, ours = _busy_seconds(server)
    return replace(load, taken=max(0.0, (everybody - everybody_before - ours + ours_before) / seconds))


def _busy_seconds(server: Server) -> tuple[float, float]:
    """Computed so far on all cores: by everybody, and by the server, the loads that have ended and this process."""
    everybody = psutil.cpu_times()
    mine = os.times()
    return (
        everybody.user + everybody.nice + everybody.system,
        server.process.cpu_seconds() + mine.user + mine.system + mine.children_user + mine.children_system,
    )
