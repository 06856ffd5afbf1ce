"""A response, and the few headers that it may have."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from predictor.body import compress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

Header = tuple[bytes, bytes]

COMPRESS_FROM = 32 * 1024
"""Bytes from which an answer is compressed for those who accept it: below, the time costs more than the network."""


class Reply(NamedTuple):
    """A status and a body."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[Header, ...] = ()

    async def send(self, send: Send, headers: list[Header], accepted: bytes) -> None:
        """Send it with further headers; `accepted` is the client's Accept-Encoding."""
        status, body, content_type, own = self
        if len(body) >= COMPRESS_FROM and takes_gzip(accepted):
            body = compress(body)
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
        headers += [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *own]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=256)
def takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding names gzip, and not with a weight of 0 (RFC 9110, 12.5.3)."""
    for item in accepted.decode("latin-1").lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        if coding in {"gzip", "x-gzip"}:
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False


def error_reply(status: int, text: str, *headers: Header) -> Reply:
    """An error as both protocols have it."""
    return Reply(status, orjson.dumps({"error": text}), headers=headers)
