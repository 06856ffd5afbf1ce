"""The cells of the comparison: which model is asked for how many rows, over how many connections, in which protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.serving.dialects import Protocol

PROTOCOLS: tuple[Protocol, ...] = ("v1", "v2", "binary")
CONNECTIONS = 16
BATCH = 1000
MIXED_CONNECTIONS = 64
MIXED_BATCHES = 6
"""Of 64 connections, some 10 % send batches in the mixed load."""
MIXED_ROWS = 100


@dataclass(frozen=True)
class Cell:
    """One load.

    `beside` is how many further connections send batches of 100 rows meanwhile, which are not counted.
    """

    model: str
    rows: int
    connections: int
    protocol: Protocol
    beside: int = 0

    @property
    def shape(self) -> str:
        """All but the protocol, in words."""
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        connections = "1 connection" if self.connections == 1 else f"{self.connections} connections"
        beside = f" beside {self.beside} with batches of {MIXED_ROWS}" if self.beside else ""
        return f"{self.model}, {rows}, {connections}{beside}"

    def __str__(self) -> str:
        return f"{self.shape}, {self.protocol}"


def single(connections: int, protocol: Protocol) -> Cell:
    """One row a request."""
    return Cell("forest", 1, connections, protocol)


def batch(model: str, protocol: Protocol) -> Cell:
    """A thousand rows a request."""
    return Cell(model, BATCH, CONNECTIONS, protocol)


ALONE = Cell("forest", 1, MIXED_CONNECTIONS, "v1")
MIXED = Cell("forest", 1, MIXED_CONNECTIONS - MIXED_BATCHES, "v1", MIXED_BATCHES)

CELLS = (
    *(single(connections, protocol) for connections in (1, CONNECTIONS) for protocol in PROTOCOLS[:2]),
    *(batch(model, protocol) for model in ("forest", "logistic") for protocol in PROTOCOLS),
    ALONE,
    MIXED,
)
