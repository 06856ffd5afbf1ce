"""Rows of one turn of the event loop are scored together, and nobody gets another's result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from contract.scorer import Answer
from predictor.batching import LARGEST, Batcher

if TYPE_CHECKING:
    from contract.scorer import Floats
    from predictor.batching import Scores


class Doubling:
    """Scores a row by twice its number, and remembers how many rows it got at a time."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, rows: Floats) -> Answer:
        self.batches.append(len(rows))
        if (rows < 0).any():
            raise LookupError
        return Answer(rows[:, 0] * 2, (rows[:, 0] > 1).astype(np.intp))


def test_requests_of_one_turn_are_one_batch_and_each_gets_its_own() -> None:
    score = Doubling()

    async def requests() -> tuple[Scores, ...]:
        batcher = Batcher(score)
        return (*await asyncio.gather(*(batcher.score([[float(n)]] * n) for n in (1, 3, 2))),)

    assert [*asyncio.run(requests())] == [([2.0], [0]), ([6.0] * 3, [1] * 3), ([4.0] * 2, [1] * 2)]
    assert score.batches == [6]


def test_a_request_alone_does_not_wait_for_company() -> None:
    score = Doubling()

    async def request() -> int:
        batcher = Batcher(score)
        future = batcher.score([[1.0]])
        turns = 0
        while not future.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(request()) == 1


def test_a_batch_has_an_end_and_the_rest_comes_next() -> None:
    score = Doubling()

    async def requests() -> tuple[Scores, ...]:
        batcher = Batcher(score)
        return (*await asyncio.gather(*(batcher.score([[float(n)]] * (LARGEST - 1)) for n in range(5))),)

    answers = asyncio.run(requests())
    assert [probability[0] for probability, _ in answers] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert score.batches == [2 * (LARGEST - 1)] * 2 + [LARGEST - 1]


def test_a_failure_reaches_all_who_wait_and_the_next_batch_works() -> None:
    async def requests() -> list[object]:
        batcher = Batcher(Doubling())
        failed = await asyncio.gather(batcher.score([[-1.0]]), batcher.score([[1.0]]), return_exceptions=True)
        return [*map(type, failed), await batcher.score([[1.0]])]

    assert asyncio.run(requests()) == [LookupError, LookupError, ([2.0], [0])]


def test_somebody_who_left_does_not_disturb_the_others() -> None:
    async def requests() -> Scores:
        batcher = Batcher(Doubling())
        batcher.score([[5.0]]).cancel()
        return await batcher.score([[1.0]])

    assert asyncio.run(requests()) == ([2.0], [0])


def test_each_gets_the_probabilities_of_all_classes_of_its_own_rows() -> None:
    def score(rows: Floats) -> Answer:
        return Answer(np.column_stack([rows[:, 0], rows[:, 0] + 1, rows[:, 0] + 2]), rows[:, 0].astype(np.intp))

    async def requests() -> tuple[Scores, ...]:
        batcher = Batcher(score)
        return (*await asyncio.gather(batcher.score([[0.0], [1.0]]), batcher.score([[2.0]])),)

    assert [*asyncio.run(requests())] == [([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [0, 1]), ([[2.0, 3.0, 4.0]], [2])]


def test_missing_values_reach_the_scorer_as_nan() -> None:
    seen: list[Floats] = []

    def score(rows: Floats) -> Answer:
        seen.append(rows)
        return Answer(np.zeros(len(rows)), np.zeros(len(rows), dtype=np.intp))

    async def request() -> None:
        await Batcher(score).score([[1.0, float("nan"), 3]])

    asyncio.run(request())
    assert seen[0].dtype == np.float64
    np.testing.assert_array_equal(seen[0], [[1.0, float("nan"), 3.0]])
