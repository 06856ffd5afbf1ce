"""What the predictor is meant to reach, beside what was measured. A missed target is shown as missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.serving import cells
from benchmarks.serving.catalogue import ECHO, MLSERVER_BATCHING, PREDICTOR, SKLEARNSERVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.serving.cells import Cell
    from benchmarks.serving.dialects import Protocol
    from benchmarks.serving.load import Load
    from benchmarks.serving.measurement import Results

TIMES_SKLEARNSERVER = 100.0
TIMES_MLSERVER = 15.0
SHARE_OF_ECHO = 0.4
SINGLE_P99 = 2.0
TIMES_FASTER_ALONE = 35.0
BATCHES: dict[str, dict[Protocol, float]] = {
    "forest": {"v1": 3.0, "v2": 3.5, "binary": 4.0},
    "logistic": {"v1": 8.0, "v2": 10.0, "binary": 20.0},
}
FOREST_BINARY_GOAL = 8.0
BATCH_SPREAD = 1.5
MIXED_SLOWDOWN = 5.0
READY_SECONDS = 1.2
MEMORY = 200.0


@dataclass(frozen=True)
class Target:
    """One target: `limit` is the least that is wanted if `at_least`, else the most; `unit` follows the number."""

    what: str
    measured: float
    limit: float
    at_least: bool
    unit: str = "x"

    @property
    def holds(self) -> bool:
        """Whether it is met."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def mark(self) -> str:
        """For a table."""
        return "✓" if self.holds else "✗"


def targets(results: Results) -> list[Target]:
    """All targets whose servers and cells were measured."""
    return [*_single(results), *_batches(results), *_mixed(results), *_start(results)]


def _single(results: Results) -> Iterator[Target]:
    batching = results.loads.get((cells.single(cells.CONNECTIONS, "v2"), MLSERVER_BATCHING))
    for cell in (cells.single(cells.CONNECTIONS, "v1"), cells.single(cells.CONNECTIONS, "v2")):
        ours, stock, echo = (results.loads.get((cell, name)) for name in (PREDICTOR, SKLEARNSERVER, ECHO))
        if ours and stock:
            yield _ratio(f"{cell}: requests/s of sklearnserver", ours, stock, TIMES_SKLEARNSERVER)
        if ours and batching:
            yield _ratio(f"{cell}: requests/s of MLServer with adaptive batching (v2)", ours, batching, TIMES_MLSERVER)
        if ours and echo:
            yield _ratio(f"{cell}: requests/s of a bare echo", ours, echo, SHARE_OF_ECHO)
        if ours:
            yield Target(f"{cell}: p99", ours.p99, SINGLE_P99, at_least=False, unit=" ms")
    for cell in (cells.single(1, "v1"), cells.single(1, "v2")):
        ours, stock = (results.loads.get((cell, name)) for name in (PREDICTOR, SKLEARNSERVER))
        if ours and stock:
            faster = stock.p50 / ours.p50
            yield Target(f"{cell}: p50 shorter than sklearnserver's", faster, TIMES_FASTER_ALONE, at_least=True)


def _batches(results: Results) -> Iterator[Target]:
    for model, limits in BATCHES.items():
        for protocol, limit in limits.items():
            cell = cells.batch(model, protocol)
            ours, stock = (results.loads.get((cell, name)) for name in (PREDICTOR, SKLEARNSERVER))
            if ours and stock:
                what = f"{cell}: requests/s of sklearnserver"
                yield _ratio(what, ours, stock, limit)
                if (model, protocol) == ("forest", "binary"):
                    yield _ratio(f"{what}, the goal", ours, stock, FOREST_BINARY_GOAL)
            if ours:
                yield Target(f"{cell}: p99 / p50", ours.p99 / ours.p50, BATCH_SPREAD, at_least=False)


def _mixed(results: Results) -> Iterator[Target]:
    alone, mixed = (results.loads.get((cell, PREDICTOR)) for cell in (cells.ALONE, cells.MIXED))
    if alone and mixed:
        what = f"{cells.MIXED}: p99 of single rows against none beside"
        yield Target(what, mixed.p99 / alone.p99, MIXED_SLOWDOWN, at_least=False)


def _start(results: Results) -> Iterator[Target]:
    started = results.started.get(PREDICTOR)
    if started:
        yield Target("seconds from start to ready", started.seconds, READY_SECONDS, at_least=False, unit=" s")
        yield Target("resident memory when ready", started.memory, MEMORY, at_least=False, unit=" MiB")


def _ratio(what: str, ours: Load, theirs: Load, limit: float) -> Target:
    return Target(what, ours.rate / theirs.rate, limit, at_least=True)


def ratio(results: Results, cell: Cell, name: str) -> float | None:
    """A server's requests per second as a multiple of sklearnserver's in the same cell, if both were measured."""
    found, stock = (results.loads.get((cell, server)) for server in (name, SKLEARNSERVER))
    return found.rate / stock.rate if found and stock else None
