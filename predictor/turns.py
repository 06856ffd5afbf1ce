"""Long work in short turns, so that a large request never keeps probes and small requests waiting.

A thread would not do: Python's lock lets two threads of one process take turns of 5 ms, and a thread of pure numpy or
JSON work holds it for longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")
Turns = Generator[None, None, T]
"""Work that yields where it may be interrupted, and returns its result."""

ROWS = 1_000
"""Rows to handle in one turn: a millisecond or two each of checking, scoring and rendering."""


def parts(rows: int) -> Iterator[slice]:
    """The rows of each turn."""
    return (slice(start, start + ROWS) for start in range(0, rows, ROWS))


def at_once(work: Turns[T]) -> T:
    """Do all of it now."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        result: T = end.value
        return result


async def in_turns(work: Turns[T]) -> T:
    """Do it with a look at everything else between its turns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        await asyncio.sleep(0)
