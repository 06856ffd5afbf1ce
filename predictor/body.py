"""A request's body: read whole, within limits of size and time, decoded, and of a kind that a protocol has."""

from __future__ import annotations

import asyncio
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from contract.encoding import shown
from predictor.errors import MalformedRequest, Overloaded, SlowRequest, TooLarge, WrongMediaType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Headers = Mapping[bytes, bytes]

JSON = "application/json"
BINARY = "application/octet-stream"
CSV = "text/csv"
_WINDOWS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}  # zlib's wbits: a gzip header, a zlib header
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class Disconnected(Exception):
    """The client went away before its body was complete."""


class BodyReader:
    """Reads bodies of at most `max_bytes`, decoded, that arrive within `seconds`, and holds `max_held` bytes at most.

    Who has read a body gives its bytes back with `release`.
    """

    def __init__(self, max_bytes: int, max_held: int, seconds: float) -> None:
        self._max_bytes = max_bytes
        self._max_held = max_held
        self._seconds = seconds
        self._held = 0

    async def read(self, receive: Receive, headers: Headers, kinds: tuple[str, ...] = (JSON,)) -> bytes:
        """The body; `kinds` are the media types that the route takes.

        Raises `WrongMediaType`, `TooLarge`, `Overloaded`, `SlowRequest`, `MalformedRequest` or `Disconnected`.
        """
        window = _window(headers.get(b"content-encoding"))
        kind = headers.get(b"content-type")
        if kind is not None:
            check_kind(kind, kinds)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            body = await self._whole(receive, headers, message)
        if len(body) > self._max_bytes:
            raise self._too_large()
        if window:
            body = self._decoded(body, window)
        if self._held + len(body) > self._max_held:
            raise self._overloaded()
        self._held += len(body)
        return body

    def release(self, body: bytes) -> None:
        """Say that a body is no longer held."""
        self._held -= len(body)

    async def _whole(self, receive: Receive, headers: Headers, message: Message) -> bytes:
        if int(headers.get(b"content-length", b"0")) > self._max_bytes:
            raise self._too_large()
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    if message["type"] == "http.disconnect":
                        raise Disconnected
                    part = message.get("body", b"")
                    parts.append(part)
                    size += len(part)
                    self._held += len(part)
                    if size > self._max_bytes:
                        raise self._too_large()
                    if self._held > self._max_held:
                        raise self._overloaded()
                    if not message.get("more_body"):
                        break
                    message = await receive()
        except TimeoutError:
            raise SlowRequest(
                f"the body didn't arrive within {self._seconds:g} s; send it faster, or in several requests"
            ) from None
        finally:
            self._held -= size
        return b"".join(parts)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body has more than {self._max_bytes} bytes; send its rows in several requests")

    def _overloaded(self) -> Overloaded:
        return Overloaded("the predictor holds as many bytes of requests as it may; try again in a second")

    def _decoded(self, body: bytes, window: int) -> bytes:
        decoder = zlib.decompressobj(window)
        try:
            decoded = decoder.decompress(body, self._max_bytes + 1)
        except zlib.error:
            raise MalformedRequest("the body isn't compressed as Content-Encoding says") from None
        if len(decoded) > self._max_bytes:
            raise self._too_large()
        if not decoder.eof or decoder.unused_data:
            raise MalformedRequest("the compressed body is cut off, or goes on after its end")
        return decoded


def compress(body: bytes) -> bytes:
    """The body in gzip, at the level that costs least."""
    encoder = zlib.compressobj(1, zlib.DEFLATED, _WINDOWS[b"gzip"])
    return encoder.compress(body) + encoder.flush()


def json_length(headers: Headers) -> int | None:
    """How many bytes of the body are JSON, if binary tensors follow. Raises `MalformedRequest`."""
    value = headers.get(b"inference-header-content-length")
    if value is None:
        return None
    if not value.isdigit() or len(value) > len(str(2**63)):
        raise MalformedRequest("the header Inference-Header-Content-Length is no number of bytes")
    return int(value)


@lru_cache(maxsize=256)
def check_kind(content_type: bytes, kinds: tuple[str, ...]) -> None:
    """Raise `WrongMediaType` unless it is one of the media types, and in UTF-8 if it is text."""
    kind, *parameters = content_type.decode("latin-1").lower().split(";")
    if kind.strip() not in kinds:
        raise WrongMediaType(f"Content-Type is {shown(kind.strip())}; send {' or '.join(kinds)}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in _UTF8:
            raise WrongMediaType(f"charset is {shown(value.strip())}; text is sent in utf-8")


def _window(coding: bytes | None) -> int:
    """Zlib's window for a content coding, 0 for none."""
    coding = coding.strip().lower() if coding else b""
    if coding in {b"", b"identity"}:
        return 0
    if coding not in _WINDOWS:
        raise WrongMediaType(f"Content-Encoding is {shown(coding.decode('latin-1'))}; send gzip, deflate or none")
    return _WINDOWS[coding]
