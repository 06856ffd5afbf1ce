"""The routes that carry no data: health, what is served, and how it is asked."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import orjson

from predictor import openapi, v2
from predictor.accounting import OTHER
from predictor.errors import NotReady, NotServed, WrongMethod
from predictor.metrics import page
from predictor.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from predictor.repository import Repository

_MODEL = re.compile(
    r"/v1/models/(?P<v1>[^/]+?)(?::(?P<v1_verb>predict|explain|truth))?"
    r"|/v2/models/(?P<v2>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?P<v2_verb>infer|ready))?"
)
_DATA = frozenset({"predict", "explain", "truth", "infer"})
_SERVER = {"/docs": "docs", "/metrics": "metrics", "/v2/health/live": "health", "/v2/health/ready": "health"}
_LONGEST_SHOWN = 80

SLOW = frozenset({"/metrics", "/openapi.json"})
"""The routes whose answers take milliseconds to make."""

KSERVE = frozenset({"/", "/v1/models", "/v2/models"})
"""The routes that KServe's own application answers."""


class Discovery:
    """Answers from what is loaded; nothing here changes anything."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._answers: dict[str, Callable[[], Reply]] = {
            "/v2": _server,
            "/v2/health/live": _live,
            "/v2/health/ready": self._ready,
            "/metrics": _metrics,
            "/openapi.json": self._openapi,
            "/docs": _documentation,
        }

    @staticmethod
    def label(path: str) -> tuple[str, str]:
        """The model and the route that a request is counted under, as `predictor.metrics` has them."""
        match = _MODEL.fullmatch(path)
        if match is None:
            return OTHER, _SERVER.get(path.rstrip("/"), OTHER)
        verb = match["v1_verb"] or match["v2_verb"]
        if verb in _DATA:
            return match["v1"] or match["v2"], f"{'v1' if match['v1'] else 'v2'}.{verb}"
        return match["v1"] or match["v2"], "ready" if match["v1"] or verb else "metadata"

    def reply(self, method: str, path: str) -> Reply | None:
        """The answer, or `None` where KServe has it. Raises `NotServed`, `WrongMethod` or `NotReady`."""
        match = _MODEL.fullmatch(path)
        if match is None:
            return self._of_server(method, path)
        verb = match["v1_verb"] or match["v2_verb"]
        _check_method(method, path, "POST" if verb in _DATA else "GET")
        name, version = match["v1"] or match["v2"], match["version"]
        served = self._repository.find(name, version)
        if match["v1"] or verb == "ready":
            if not self._repository.is_ready(name):
                raise NotReady(f"model {name!r} is being stopped; ask another replica")
            return _json({"name": name, "ready": True})
        return Reply(200, v2.metadata(served))

    def _of_server(self, method: str, path: str) -> Reply | None:
        if path.startswith("/v2/repository/"):
            raise NotServed("models are loaded when the predictor starts, and in no other way")
        answer = self._answers.get(path.rstrip("/")) if path not in KSERVE else None
        if answer is None and path not in KSERVE and not path.startswith("/docs/"):
            raise NotServed(f"{method} {path[:_LONGEST_SHOWN]} is no route of this predictor; /openapi.json lists them")
        _check_method(method, path, "GET")
        if path in KSERVE:
            return None
        return answer() if answer else _documentation_file(path)

    def _ready(self) -> Reply:
        if not self._repository.ready:
            raise NotReady("the predictor is being stopped; ask another replica")
        return _json({"ready": True})

    def _openapi(self) -> Reply:
        return _json(openapi.document([model.served for model in self._repository.models]))


def _live() -> Reply:
    return _json({"live": True})


def _server() -> Reply:
    return _json({"name": "kserve", "version": _kserve_version(), "extensions": ["binary_tensor_data"]})


def _metrics() -> Reply:
    content, content_type = page()
    return Reply(200, content, content_type.encode())


def _documentation() -> Reply:
    return Reply(200, openapi.page(), b"text/html; charset=utf-8")


def _documentation_file(path: str) -> Reply:
    asset = openapi.asset(path.removeprefix("/docs/"))
    if asset is None:
        raise NotServed(f"{path[:_LONGEST_SHOWN]} is no file of the documentation; it starts at /docs")
    content, content_type = asset
    return Reply(200, content, content_type.encode())


def _check_method(method: str, path: str, allowed: str) -> None:
    if method != allowed and not (method == "HEAD" and allowed == "GET"):
        raise WrongMethod(f"{path[:_LONGEST_SHOWN]} takes {allowed}, not {method}", allowed)


def _json(content: dict[str, Any]) -> Reply:
    return Reply(200, orjson.dumps(content))


@lru_cache(maxsize=1)
def _kserve_version() -> str:
    return metadata.version("kserve")
