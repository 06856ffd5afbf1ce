"""Work in turns: the same result, with room for others between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from predictor.turns import ROWS, at_once, in_turns, parts

if TYPE_CHECKING:
    from predictor.turns import Turns


def counted(turns: int, log: list[str]) -> Turns[int]:
    for turn in range(turns):
        log.append(f"turn {turn}")
        yield
    return turns


@pytest.mark.parametrize("rows", [1, ROWS, ROWS + 1, 10 * ROWS])
def test_the_parts_are_all_rows_once(rows: int) -> None:
    assert [row for part in parts(rows) for row in range(rows)[part]] == list(range(rows))


def test_both_ways_give_the_result() -> None:
    assert at_once(counted(3, [])) == 3
    assert asyncio.run(in_turns(counted(3, []))) == 3


def test_others_have_their_turn_in_between() -> None:
    log: list[str] = []

    async def together() -> None:
        await asyncio.gather(in_turns(counted(2, log)), in_turns(counted(2, log)))

    asyncio.run(together())
    assert log == ["turn 0", "turn 0", "turn 1", "turn 1"]


def test_an_error_ends_it_in_both_ways() -> None:
    def failing() -> Turns[None]:
        yield
        raise LookupError

    with pytest.raises(LookupError):
        at_once(failing())
    with pytest.raises(LookupError):
        asyncio.run(in_turns(failing()))
