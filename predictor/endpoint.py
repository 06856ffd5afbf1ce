"""One model's answers: small requests scored together with others, large ones in turns, one after the other."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from contract.scorer import Answer
from predictor import explain, labels, v1, v2, v2_plain
from predictor.batching import Batcher
from predictor.body import CSV, json_length
from predictor.reply import Reply
from predictor.turns import at_once, in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from contract.scorer import Floats
    from predictor.accounting import ModelAccount
    from predictor.batching import Probabilities, Scores, Waiter
    from predictor.body import Headers
    from predictor.metrics import Metrics
    from predictor.served import Served
    from predictor.turns import Turns

    Score = Callable[[Floats], Answer]
    Plain = tuple[list[list[float]], Callable[[Probabilities, list[int]], bytes]]

T = TypeVar("T")


def endpoints_of(served: Iterable[Served], metrics: Metrics, inline_bytes: int) -> dict[str, Endpoint]:
    """An endpoint for each model, by its name; only one of them answers a large request at a time."""
    large = asyncio.Lock()
    return {model.name: Endpoint(model, metrics.models[model.name], inline_bytes, large) for model in served}


class Endpoint:
    """Answers for one model, over whatever brings the requests, and counts the rows.

    `inline_bytes` is the size up to which a request counts as small; `large` is held by the one large request that is
    being answered, so that memory for several isn't needed at once.
    """

    def __init__(self, served: Served, account: ModelAccount, inline_bytes: int, large: asyncio.Lock) -> None:
        self.served = served
        self.account = account
        self._batcher = Batcher(self._score)
        self._inline_bytes = inline_bytes
        self._large = large
        self._explaining = asyncio.Lock()

    async def predict(self, body: bytes, _headers: Headers, identity: bytes) -> Reply:
        """v1's `:predict`."""
        served = self.served
        if len(body) > self._inline_bytes:
            return Reply(200, await self.in_turns(lambda score: v1.answer(served, body, score), identity))
        rows, warned = v1.read(served, v1.parse(body))
        probability, decided = await self._batched(rows)
        self.account.answered(identity, probability)
        return Reply(200, v1.render(served, warned, probability, decided))

    async def infer(self, body: bytes, headers: Headers, identity: bytes) -> Reply:
        """v2's `infer`."""
        served, length = self.served, json_length(headers)
        if len(body) > self._inline_bytes:
            return _rendered(await self.in_turns(lambda score: v2.answer(served, body, length, score), identity))
        content = v2.load(body, length)
        rows = v2_plain.read(served, content) if length is None else None
        if rows is None:
            request, binaries = v2.parse(served, content, body, length)
            encoded = v2.encode(served, request, binaries)
            probability, decided = await self._batched(encoded.matrix.tolist())
            self.account.answered(identity, probability)
            return _rendered(v2.render(served, request, encoded, Answer(np.array(probability), np.array(decided))))
        probability, decided = await self._batched(rows)
        self.account.answered(identity, probability)
        return Reply(200, v2_plain.render(served, content.get("id"), probability, decided))

    def plain_predict(self, body: bytes) -> Plain | None:
        """The rows of a v1 request that nothing is to be said about, and what makes the answer of their scores.

        Raises `MalformedRequest`.
        """
        served = self.served
        rows = v1.read_plain(served, v1.parse(body))
        return None if rows is None else (rows, partial(v1.render, served, {}))

    def plain_infer(self, body: bytes) -> Plain | None:
        """The same of a v2 request."""
        served = self.served
        content = v2.load(body)
        rows = v2_plain.read(served, content)
        return None if rows is None else (rows, partial(v2_plain.render, served, content.get("id")))

    def submit(self, rows: list[list[float]], waiter: Waiter) -> None:
        """Score a request's rows with those of others."""
        self.account.request_rows(len(rows))
        self._batcher.submit(rows, waiter)

    async def explain(self, body: bytes, _headers: Headers, _identity: bytes) -> Reply:
        """v1's `:explain`, in a thread and one at a time: it scores up to thousands of rows for each row explained."""
        async with self._explaining:
            return Reply(200, await asyncio.to_thread(explain.answer, self.served, body))

    async def truth(self, body: bytes, headers: Headers, _identity: bytes) -> Reply:
        """The `:truth` of earlier predictions, in a thread: a file of labels takes longer than a turn may."""
        is_csv = headers.get(b"content-type", b"").lower().startswith(CSV.encode())
        return Reply(200, await asyncio.to_thread(labels.answer, self.served, self.account, body, is_csv=is_csv))

    async def in_turns(self, answer: Callable[[Score], Turns[T]], identity: bytes) -> T:
        """Answer a large request, given what to score with, when no other is being answered.

        True labels find it by its id later; an empty one is remembered by nobody.
        """
        async with self._large:
            return await in_turns(self._counted(answer, identity))

    def at_once(self, answer: Callable[[Score], Turns[T]], identity: bytes) -> T:
        """Answer a small request, given what to score with."""
        return at_once(self._counted(answer, identity))

    def _counted(self, answer: Callable[[Score], Turns[T]], identity: bytes) -> Turns[T]:
        probability: list[Any] = []

        def score(matrix: Floats) -> Answer:
            scored = self._score(matrix)
            probability.extend(scored.probability.tolist())
            return scored

        result = yield from answer(score)
        self.account.request_rows(len(probability))
        if identity:
            self.account.answered(identity, probability)
        return result

    def _batched(self, rows: list[list[float]]) -> asyncio.Future[Scores]:
        self.account.request_rows(len(rows))
        return self._batcher.score(rows)

    def _score(self, matrix: Floats) -> Answer:
        started = time.perf_counter()
        answer = self.served.bundle.scorer(matrix)
        self.account.scored(matrix, answer, time.perf_counter() - started)
        return answer


def _rendered(rendered: v2.Rendered) -> Reply:
    if rendered.json_length is None:
        return Reply(200, rendered.body)
    length = (b"inference-header-content-length", b"%d" % rendered.json_length)
    return Reply(200, rendered.body, b"application/octet-stream", (length,))
