"""A request that knows how it must be answered, and what is wrong with an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import orjson

Kind = Literal["valid", "invalid", "odd", "truth"]
JSON = "application/json"
_LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is 0 if nothing did; `error` says why, in the words of the system."""

    status: int
    body: bytes = b""
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and how it must be answered: with `status`, and `words` in the body.

    `name` is what the summary counts it under, beside its kind. `rows` are those that it holds, `labels` their true
    classes, `None` where nobody knows. `identity` is sent as `x-request-id`.
    """

    kind: Kind
    name: str
    method: str
    path: str
    status: int
    body: bytes = b""
    media_type: str = JSON
    words: tuple[str, ...] = ()
    rows: int = 0
    labels: tuple[str | None, ...] = ()
    identity: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers to send; a request without a body has no content type."""
        headers = {"x-request-id": self.identity} if self.identity else {}
        return headers | {"Content-Type": self.media_type} if self.body else headers

    def objection(self, answer: Answer) -> str | None:
        """What is wrong with an answer, in one line; `None` if it is as expected."""
        wrong = self._wrong(answer)
        if wrong is None:
            return None
        said = f": {_shown(answer.body)}" if answer.body else ""
        return f"{self.method} {self.path} {wrong}{said}"

    def _wrong(self, answer: Answer) -> str | None:
        if not answer.status:
            return f"got no answer: {answer.error}"
        if answer.status != self.status:
            return f"was answered {answer.status}, not {self.status}"
        absent = [word for word in self.words if word.encode() not in answer.body]
        if absent:
            return f"was answered {answer.status}, which is right, but without {absent[0]!r}"
        if self.kind == "valid" and (answered := _rows_answered(answer.body)) != self.rows:
            return f"was answered {answer.status}, but {answered} of its {self.rows} rows are in the answer"
        return None


def _rows_answered(body: bytes) -> int:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return 0
    match content:
        case {"predictions": list() as predictions}:
            return len(predictions)
        case {"outputs": [{"shape": [int() as rows, *_]}, *_]}:
            return rows
        case _:
            return 0


def _shown(body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
