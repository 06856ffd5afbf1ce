"""From HTTP to the protocols' functions: an ASGI middleware in front of KServe's application.

The routes that hold data or tell what the model is are answered here, on raw bytes. KServe keeps lists, health, metrics
and the server's lifecycle.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from contract.errors import RequestRefused
from predictor import v1, v2
from predictor.errors import MalformedRequest, NotServed, RequestError, WrongMethod

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from predictor.model import BundleModel
    from predictor.served import Served

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

Result = TypeVar("Result")
logger = logging.getLogger("predictor")

_JSON_LENGTH = b"inference-header-content-length"
_ROUTE = re.compile(
    r"/v1/models/(?P<v1>[^/]+):(?P<v1_verb>predict)"
    r"|/v2/models/(?P<v2>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?P<v2_verb>infer|ready))?"
    r"|/(?P<other>v2/?|v2/repository/.*)"
)
_LONGEST_SHOWN = 40


class _Disconnected(Exception):
    """The client went away before its body was complete."""


@dataclass(frozen=True)
class Reply:
    """A response, itself an ASGI application. `json_length` is set if binary tensors follow that many bytes of JSON."""

    status: int
    body: bytes
    json_length: int | None = None

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [(b"content-length", b"%d" % len(self.body))]
        if self.json_length is None:
            headers.append((b"content-type", b"application/json"))
        else:
            headers += [(b"content-type", b"application/octet-stream"), (_JSON_LENGTH, b"%d" % self.json_length)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def error_reply(status: int, text: str) -> Reply:
    """An error as both protocols have it."""
    return Reply(status, orjson.dumps({"error": text}))


class Application:
    """The middleware. `inline_bytes` is the size of body up to which a request is answered on the event loop."""

    def __init__(self, app: App, model: BundleModel, inline_bytes: int) -> None:
        self._app = app
        self._model = model
        self._inline_bytes = inline_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of our routes; hand everything else on."""
        route = _ROUTE.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        try:
            reply = await self._reply(scope, receive, route)
        except RequestRefused as error:
            reply = error_reply(400, str(error))
        except RequestError as error:
            reply = error_reply(error.status, str(error))
        except _Disconnected:
            return
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            reply = error_reply(500, "the predictor failed on this request; its log says why")
        await reply(scope, receive, send)

    async def _reply(self, scope: Scope, receive: Receive, route: re.Match[str]) -> Reply:
        if route["other"]:
            return _server_reply(route["other"])
        verb = route["v1_verb"] or route["v2_verb"]
        method = "POST" if verb in {"predict", "infer"} else "GET"
        if scope["method"] != method:
            raise WrongMethod(f"{scope['path']} takes {method}, not {scope['method']}")
        served = self._served(route["v1"] or route["v2"], route["version"])
        if verb == "predict":
            body = await _body(receive)
            return Reply(200, await self._run(len(body), v1.answer, served, body))
        if verb == "infer":
            body = await _body(receive)
            rendered = await self._run(len(body), v2.answer, served, body, _json_length(scope))
            return Reply(200, rendered.body, rendered.json_length)
        return Reply(200, orjson.dumps({"name": served.name, "ready": True}) if verb else v2.metadata(served))

    def _served(self, name: str, version: str | None) -> Served:
        if name != self._model.name:
            raise NotServed(f"there is no model {_shown(name)} here; this predictor serves {self._model.name!r}")
        served = self._model.served
        if version is not None and version != served.version:
            raise NotServed(f"model {name!r} has no version {_shown(version)} here; this is {served.version!r}")
        return served

    async def _run(self, size: int, function: Callable[..., Result], *arguments: object) -> Result:
        if size <= self._inline_bytes:
            return function(*arguments)
        return await asyncio.to_thread(function, *arguments)


def _server_reply(path: str) -> Reply:
    if path.startswith("v2/repository"):
        raise NotServed("models are loaded when the predictor starts, and in no other way")
    content = {"name": "kserve", "version": metadata.version("kserve"), "extensions": ["binary_tensor_data"]}
    return Reply(200, orjson.dumps(content))


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _json_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == _JSON_LENGTH:
            if not value.isdigit():
                raise MalformedRequest("the header Inference-Header-Content-Length is no number of bytes")
            return int(value)
    return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
