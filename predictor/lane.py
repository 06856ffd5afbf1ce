"""From HTTP to the protocols: an ASGI application in front of KServe's.

What carries data is answered here, on raw bytes, as is nearly everything else. KServe keeps its lists of models and the
server's lifecycle.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.errors import SHOWN_VIOLATIONS, RequestRefused
from predictor.body import BINARY, CSV, JSON, BodyReader, Disconnected
from predictor.discovery import SLOW, Discovery
from predictor.errors import NotReady, Overloaded, RequestError, SlowRequest, TooLarge, WrongMethod
from predictor.logs import RequestLog
from predictor.reply import Reply, error_reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from predictor.body import Headers, Receive
    from predictor.endpoint import Endpoint, Plain
    from predictor.metrics import Metrics
    from predictor.reply import Header, Send
    from predictor.repository import Repository
    from predictor.settings import Settings

    Scope = MutableMapping[str, Any]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]
    Answer = Callable[[bytes, Headers, bytes], Awaitable[Reply]]
    """Answers a body, with its headers and the request's id."""
    Request = tuple[str, str, Headers, bytes]
    """Method, path, headers and id."""

logger = logging.getLogger("predictor")

KINDS_OF_BODY = {"v2.infer": (JSON, BINARY), "v1.truth": (JSON, CSV)}
"""The media types of the routes that take more than JSON."""

_CLOSE: Header = (b"connection", b"close")
_RETRY: Header = (b"retry-after", b"1")
_LONGEST_ID = 128
_LONGEST_SHOWN = 80


class Route(NamedTuple):
    """A route that takes data: the model and name it is counted under, and their number in the metrics.

    `kinds` are the media types that it takes.
    `plain` reads a small body that nothing is to be said about, for `predictor.http_protocol`.
    """

    label: tuple[str, str]
    number: int
    kinds: tuple[str, ...]
    endpoint: Endpoint
    answer: Answer
    plain: Callable[[bytes], Plain | None] | None = None


class Lane:
    """The application that uvicorn calls, once a request."""

    def __init__(
        self, app: App, repository: Repository, endpoints: Iterable[Endpoint], metrics: Metrics, settings: Settings
    ) -> None:
        self._app = app
        self._repository = repository
        self._metrics = metrics
        self._routes = _routes(endpoints, metrics)
        self._discovery = Discovery(repository)
        self._reader = BodyReader(settings.max_body_bytes, settings.max_held_bytes, settings.body_seconds)
        self._log = RequestLog(settings.log_share, settings.log_limit)
        self._max_requests = settings.max_requests
        self._answering = 0
        self.inline_bytes = settings.inline_bytes
        self.short = {path.encode(): route for path, route in self._routes.items() if route.plain}
        self._ids = map(f"{os.urandom(4).hex()}-{{:x}}".format, count(1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; hand the server's own messages and KServe's routes on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        path, method = scope["path"], scope["method"]
        headers: Headers = dict(scope["headers"])
        identity = self.identity(headers)
        metrics = self._metrics
        route = self._routes.get(path) if method == "POST" else None
        model, name = route.label if route else self._discovery.label(path)
        # What the log says of a failure. To keep the error itself were to keep its frames, body and all.
        failure: dict[str, Any] = {}
        was_sent = False
        metrics.in_flight += 1
        try:
            if route:
                reply = await self._answer(route, headers, identity, receive)
            else:
                answer = self._discovery.reply
                found = await asyncio.to_thread(answer, method, path) if path in SLOW else answer(method, path)
                if found is None:
                    found = Reply(await self._kserves(scope, receive, send, identity), b"")
                    was_sent = True
                reply = found
        except RequestRefused as error:
            reply, failure = self._refused(model, error), {"refused": _rules(error)}
        except RequestError as error:
            reply, failure = self._failed(model, error), {"error": type(error).__name__}
        except Disconnected:
            metrics.error(model, "disconnected")
            return
        except Exception as error:
            logger.exception("%s %s failed", method, path[:_LONGEST_SHOWN])
            metrics.error(model, "internal")
            reply = error_reply(500, "the predictor failed on this request; its log says why")
            failure = {"error": type(error).__name__}
        finally:
            metrics.in_flight -= 1
        if not was_sent:
            await reply.send(send, self._further(identity), headers.get(b"accept-encoding", b""))
        number = route.number if route else metrics.route(model, name)
        self._answered(number, reply.status, started, (method, path, headers, identity), failure)

    def enter(self) -> bool:
        """Begin to answer a request the short way, if there aren't too many; `leave` ends it."""
        if self._answering >= self._max_requests:
            return False
        self._answering += 1
        self._metrics.in_flight += 1
        return True

    def leave(self, route: Route, status: int, started: float, request: Request, failure: dict[str, Any]) -> None:
        """Count and log a request that was answered the short way; `started` is by `time.perf_counter`."""
        self._answering -= 1
        self._metrics.in_flight -= 1
        if failure:
            self._metrics.error(route.label[0], "internal")
        self._answered(route.number, status, started, request, failure)

    def identity(self, headers: Headers) -> bytes:
        """The request's own id, if it has one, else a new one."""
        given = headers.get(b"x-request-id")
        return given if given and len(given) <= _LONGEST_ID else next(self._ids).encode()

    @property
    def stopping(self) -> bool:
        """Whether connections should be closed after an answer."""
        return self._repository.stopping

    def _answered(self, number: int, status: int, started: float, request: Request, failure: dict[str, Any]) -> None:
        seconds = time.perf_counter() - started
        self._metrics.answered(number, status, seconds)
        if self._log.failed() if failure else self._log.healthy():
            facts = {**_facts(request), "status": status, "milliseconds": round(seconds * 1000, 3)}
            self._log.write({**facts, **failure})

    async def _answer(self, route: Route, headers: Headers, identity: bytes, receive: Receive) -> Reply:
        if self._answering >= self._max_requests:
            raise Overloaded("the predictor is answering as many requests as it may; try again in a second")
        self._answering += 1
        try:
            body = await self._reader.read(receive, headers, route.kinds)
            try:
                return await route.answer(body, headers, identity)
            finally:
                self._reader.release(body)
        finally:
            self._answering -= 1

    async def _kserves(self, scope: Scope, receive: Receive, send: Send, identity: bytes) -> int:
        """Have KServe answer; returns the status."""
        further = self._further(identity)
        status = 0

        async def tag(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *further]
            await send(message)

        # KServe's routes know no HEAD; uvicorn leaves the body out for whoever asked with one.
        await self._app({**scope, "method": "GET"}, receive, tag)
        return status

    def _further(self, identity: bytes) -> list[Header]:
        return [(b"x-request-id", identity), _CLOSE] if self._repository.stopping else [(b"x-request-id", identity)]

    def _refused(self, model: str, error: RequestRefused) -> Reply:
        self._metrics.error(model, "refused")
        self._metrics.refused(model, error.violations)
        return error_reply(400, str(error))

    def _failed(self, model: str, error: RequestError) -> Reply:
        self._metrics.error(model, error.kind)
        headers: list[Header] = []
        if isinstance(error, WrongMethod):
            headers.append((b"allow", error.allow.encode()))
        if isinstance(error, NotReady | Overloaded):
            headers.append(_RETRY)
        if isinstance(error, SlowRequest | TooLarge):
            headers.append(_CLOSE)
        return error_reply(error.status, str(error), *headers)


def _routes(endpoints: Iterable[Endpoint], metrics: Metrics) -> dict[str, Route]:
    routes: dict[str, Route] = {}
    for endpoint in endpoints:
        name = endpoint.served.name

        def route(kind: str, answer: Answer, plain: Any = None, served: Endpoint = endpoint) -> Route:
            label = served.served.name, kind
            kinds = KINDS_OF_BODY.get(kind, (JSON,))
            return Route(label, metrics.route(*label), kinds, served, answer, plain)

        infer = route("v2.infer", endpoint.infer, endpoint.plain_infer)
        routes |= {
            f"/v1/models/{name}:predict": route("v1.predict", endpoint.predict, endpoint.plain_predict),
            f"/v1/models/{name}:explain": route("v1.explain", endpoint.explain),
            f"/v1/models/{name}:truth": route("v1.truth", endpoint.truth),
            f"/v2/models/{name}/infer": infer,
            f"/v2/models/{name}/versions/{endpoint.served.version}/infer": infer,
        }
    return routes


def _facts(request: Request) -> dict[str, Any]:
    """What the log says of every request: nothing that a client sent but names."""
    method, path, headers, identity = request
    facts: dict[str, Any] = {
        "request_id": identity.decode("latin-1"),
        "method": method,
        "path": path[:_LONGEST_SHOWN],
    }
    if trace := headers.get(b"traceparent"):
        facts["traceparent"] = trace[:_LONGEST_ID].decode("latin-1")
    return facts


def _rules(error: RequestRefused) -> list[str]:
    """What was broken, without the values; the name of an unknown field is a client's text too."""
    shown = (item for item in error.violations[:SHOWN_VIOLATIONS] if item.rule != "unknown-feature")
    return [*dict.fromkeys(f"{item.column} {item.rule}" for item in shown)]
