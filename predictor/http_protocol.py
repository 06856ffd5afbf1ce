"""Uvicorn's reading of HTTP, with a limit to what stands before a body, errors in our form, and a short way for most.

The short way is for a small, healthy request that arrives whole on a connection with nothing else to do: it is read,
scored and answered without a task, an event and the messages of ASGI, which cost twice as much as all else. What isn't
so, or turns out to be refused, goes the long way from its first byte on.
"""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from predictor.errors import RequestError
from predictor.reply import error_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from predictor.batching import Probabilities, Scores
    from predictor.lane import Lane, Route
    from predictor.reply import Header

logger = logging.getLogger("predictor")

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a request line and headers; uvicorn would keep as many as a client sends."""

_CLOSE = b"connection: close\r\n\r\n"
_LONG_WAY = frozenset(
    {b"transfer-encoding", b"content-encoding", b"expect", b"upgrade", b"inference-header-content-length"}
)
_KINDS = frozenset({None, b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})


class HTTPProtocol(HttpToolsProtocol):
    """One connection. The application it is configured with is a `Lane`."""

    _head_bytes = 0
    _in_head = False

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head that isn't complete has become too long."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response(f"the request's headers have more than {MAX_HEAD_BYTES} bytes; send fewer")
                return
        super().data_received(data)
        exchange: Any = self.cycle
        if type(exchange) is Exchange and exchange.is_new:  # the rest may take its time, or never come
            self._begin_again(exchange)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is complete: choose the way."""
        self._in_head = False
        lane: Any = self.app  # uvicorn knows an ASGI application only
        route = lane.short.get(self.url)
        if route is None or not self._is_short(lane.inline_bytes):
            super().on_headers_complete()
        else:
            self.cycle = Exchange(self, lane, route)  # type: ignore[assignment]  # uvicorn asks it what it asks its own

    def on_message_complete(self) -> None:
        """The request is complete: answer it, or begin again the long way."""
        super().on_message_complete()
        exchange: Any = self.cycle
        if type(exchange) is Exchange and exchange.is_new and not exchange.begin():
            self._begin_again(exchange)
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what isn't HTTP, as JSON, and end the connection."""
        body = error_reply(HTTPStatus.BAD_REQUEST, msg[:1].lower() + msg[1:]).body
        status = f"{HTTPStatus.BAD_REQUEST.value} {HTTPStatus.BAD_REQUEST.phrase}".encode()
        self.transport.write(_head(status, len(body)) + _CLOSE + body)
        self.transport.close()

    def _begin_again(self, exchange: Exchange) -> None:
        """Go the long way, with what there is of the body."""
        exchange.is_new = False
        self.cycle = None  # type: ignore[assignment]  # as on a fresh connection
        super().on_headers_complete()
        if exchange.body:
            super().on_body(exchange.body)

    def _is_short(self, inline_bytes: int) -> bool:
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        return (
            self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and length.isdigit()
            and int(length) <= inline_bytes
            and headers.get(b"content-type") in _KINDS
            and _LONG_WAY.isdisjoint(headers)
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.flow.write_paused
        )


class Exchange:
    """A request on the short way. Uvicorn asks it what it asks its own cycles, and the batcher what it asks a future.

    The attributes up to `message_event` are uvicorn's.
    """

    __slots__ = (
        *("body", "disconnected", "is_new", "keep_alive", "message_event", "more_body", "response_complete"),
        *("_headers", "_lane", "_path", "_protocol", "_render", "_route", "_started"),
    )

    def __init__(self, protocol: HTTPProtocol, lane: Lane, route: Route) -> None:
        self.body = b""
        self.more_body = True
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.message_event = _NOBODY_WAITS
        self.is_new = True
        self._protocol = protocol
        self._lane = lane
        self._route = route
        self._headers = dict(protocol.headers)
        self._path = protocol.url
        self._started = time.perf_counter()
        self._render: Callable[[Probabilities, list[int]], bytes] | None = None

    def begin(self) -> bool:
        """Have the rows scored; says whether the request may stay on the short way."""
        self.is_new = False
        try:
            plain = self._route.plain(self.body) if self._route.plain else None
        except RequestError:
            return False
        if plain is None or not self._lane.enter():
            return False
        rows, self._render = plain
        self._route.endpoint.submit(rows, self)
        return True

    def done(self) -> bool:
        """Never: also the answer to somebody who has left is counted."""
        return False

    def set_result(self, scores: Scores) -> None:
        """Answer."""
        try:
            assert self._render is not None  # set before the rows were submitted
            body = self._render(*scores)
        except Exception as error:  # noqa: BLE001  # the batch's other requests must not suffer from it
            self.set_exception(error)
            return
        identity = self._lane.identity(self._headers)
        self._route.endpoint.account.answered(identity, scores[0])
        self._reply(b"200 OK", body, identity, {})

    def set_exception(self, error: Exception) -> None:
        """Say that there is no answer."""
        logger.error("%s failed", self._route.label, exc_info=error)
        body = error_reply(500, "the predictor failed on this request; its log says why").body
        identity = self._lane.identity(self._headers)
        self._reply(b"500 Internal Server Error", body, identity, {"error": type(error).__name__})

    def _reply(self, status: bytes, body: bytes, identity: bytes, failure: dict[str, Any]) -> None:
        protocol, lane = self._protocol, self._lane
        closes = lane.stopping or not self.keep_alive
        if not self.disconnected:
            head = _head(status, len(body), [*protocol.server_state.default_headers, (b"x-request-id", identity)])
            protocol.transport.write(head + (_CLOSE if closes else b"\r\n") + body)
        self.response_complete = True
        if closes:
            protocol.transport.close()
        else:
            protocol.on_response_complete()
        path = self._path.decode("latin-1")
        lane.leave(self._route, int(status[:3]), self._started, ("POST", path, self._headers, identity), failure)


class _Nobody:
    """Uvicorn's event, where nobody waits for it."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY_WAITS = _Nobody()


def _head(status: bytes, length: int, further: Iterable[Header] = ()) -> bytes:
    lines = b"".join(b"%b: %b\r\n" % header for header in further)
    return b"HTTP/1.1 %b\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n" % (status, lines, length)
