"""A small server that speaks the API v2beta1 of Kubeflow Pipelines, as far as Concord uses it, and keeps state.

What it takes and gives is made of `kfp_server_api`'s own models, so the shapes are the library's; a field that no model
has is refused. Its rules are those of the real server (kubeflow/pipelines, backend/src/apiserver): names are unique, a
version doesn't change, one namespace means none may be named. It also streams logs, and answers for pods as Kubernetes
does, so that one address serves for both.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as api

from tests.submission.kfp_routes import MODELS, ROUTES, Received, Refused, now
from tests.submission.workflow import Told, workflow

LOGIN = "<!doctype html><html><title>Log in</title><form action=/login><input name=password></form></html>"


@dataclass
class Fault:
    """An answer that stands in for the real one for as many requests as `times` says."""

    pattern: str
    status: HTTPStatus
    body: str
    content_type: str
    times: int


@dataclass
class KfpServer:
    """The server and what it knows.

    Attributes:
        story: the states of a run's tasks, one mapping for each look at it; the last one stays.
        ending: the run's state once the story has been told.
        token, cookie: what must come with every request, if anything.
        forbidden: `verb resource` that nobody may do.
        logs: by pod. pods: Kubernetes' own records, by name; None: it knows no Kubernetes.
    """

    namespaces: tuple[str, ...] = ()
    version: str = "2.17.0"
    pipeline_store: str = "database"
    story: Sequence[Mapping[str, Told]] = ()
    ending: str = "SUCCEEDED"
    history: tuple[str, ...] = ()
    token: str | None = None
    cookie: str | None = None
    forbidden: set[str] = field(default_factory=set)
    logs: dict[str, str] = field(default_factory=dict)
    pods: dict[str, dict[str, Any]] | None = None
    received: list[Received] = field(default_factory=list)
    experiments: dict[str, Any] = field(default_factory=dict)
    pipelines: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    schedules: dict[str, Any] = field(default_factory=dict)
    looks: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    on_look: Callable[[int], None] | None = None
    port: int = 0
    tls: ssl.SSLContext | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    _http: ThreadingHTTPServer | None = None
    _connections: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin, or begin again, on the same port."""
        handler = type("Handler", (_Handler,), {"state": self})
        ThreadingHTTPServer.allow_reuse_address = True
        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        if self.tls:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on; what is known stays."""
        if self._http:
            self._http.shutdown()
            self._http.server_close()
            self._http = None
        for connection in self._connections:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)
        self._connections.clear()

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, to close it with the server."""
        self._connections.append(connection)

    def away(self, seconds: float) -> None:
        """Refuse connections for a while, beginning after the request that is being answered."""

        def leave() -> None:
            with self.lock:
                self.stop()
            time.sleep(seconds)
            self.start()

        threading.Thread(target=leave, daemon=True).start()

    def fail(
        self, pattern: str, status: HTTPStatus, body: str = "", *, times: int = 1000, content_type: str = "text/plain"
    ) -> None:
        """Answer `METHOD /path` requests that match the pattern like this, so many times."""
        self.faults.append(Fault(pattern, status, body, content_type, times))

    def asked(self, pattern: str) -> list[Received]:
        """The requests that match `METHOD /path`."""
        return [item for item in self.received if re.search(pattern, f"{item.method} {item.path}")]

    def answer(self, request: Received) -> Any:
        """The model or JSON that answers a request. Raises `Refused`."""
        for method, pattern, permission, function in ROUTES:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                self._allow(permission, request)
                return function(self, request, *match.groups())
        raise Refused(HTTPStatus.NOT_FOUND, "Not Found")

    def _allow(self, permission: str, request: Received) -> None:
        if permission in self.forbidden:
            verb, resource = permission.split()
            namespace = request.query.get("namespace") or (self.namespaces[0] if self.namespaces else "kubeflow")
            raise Refused(
                HTTPStatus.FORBIDDEN,
                "Failed to authorize with API: PermissionDenied: User 'u@example.org' is not authorized with reason: "
                f"(request: &ResourceAttributes{{Namespace:{namespace},Verb:{verb},Group:pipelines.kubeflow.org,"
                f"Version:v1beta1,Resource:{resource},Subresource:,Name:,}})",
            )

    def checked_namespace(self, given: str | None) -> str | None:
        if self.namespaces and given not in self.namespaces:
            raise Refused(HTTPStatus.BAD_REQUEST, f"Invalid input error: the namespace {given!r} isn't valid here")
        if not self.namespaces and given:
            raise Refused(HTTPStatus.BAD_REQUEST, "Invalid input error: in single-user mode a namespace can't be given")
        return given

    def told(self, run: Any) -> Any:
        """A run at this look at it."""
        run_id = run.run_id
        look = self.looks[run_id]
        self.looks[run_id] += 1
        if self.on_look:
            self.on_look(look)
        last = min(look, len(self.story) - 1)
        if self.story:
            run.run_details = api.V2beta1RunDetails(task_details=workflow(run_id, self.story[last]))
        over = look >= len(self.story) - 1
        run.state = self.ending if over else "RUNNING"
        run.state_history = [
            api.V2beta1RuntimeStatus(update_time=now(), state=state) for state in (*self.history, run.state)
        ]
        run.finished_at = now() if over and self.ending != "RUNNING" else datetime(1970, 1, 1, tzinfo=UTC)
        return run


@contextmanager
def serving(**settings: Any) -> Iterator[KfpServer]:
    """A server for as long as the context lasts."""
    server = KfpServer(**settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Handler(BaseHTTPRequestHandler):
    state: KfpServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.state.opened(self.connection)

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, *_: Any) -> None:
        pass

    def _handle(self) -> None:
        url = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        request = Received(self.command, url.path, query, headers, _body(headers, content))
        with self.state.lock:
            self.state.received.append(request)
            try:
                self._fault(request)
                self._authenticate(request)
                self._json(HTTPStatus.OK, self.state.answer(request))
            except _Sent:
                pass
            except Refused as refused:
                code = {404: 5, 403: 7, 409: 6, 401: 16}.get(refused.status, 3)
                self._json(
                    refused.status, {"error": str(refused), "code": code, "message": str(refused), "details": []}
                )

    def _fault(self, request: Received) -> None:
        for fault in self.state.faults:
            if fault.times and re.search(fault.pattern, f"{request.method} {request.path}"):
                fault.times -= 1
                location = {"location": fault.body} if fault.status in (301, 302) else {}
                self._send(fault.status, fault.body.encode(), fault.content_type, location)
                raise _Sent

    def _authenticate(self, request: Received) -> None:
        token, cookie = self.state.token, self.state.cookie
        if token and request.headers.get("authorization") != f"Bearer {token}":
            said = request.headers.get("authorization", "none")
            raise Refused(HTTPStatus.UNAUTHORIZED, f"Request header error: there is no user identity: {said}")
        if cookie and request.headers.get("cookie") != cookie:
            if request.path == "/login":
                self._send(HTTPStatus.OK, LOGIN.encode(), "text/html; charset=utf-8")
            else:
                self._send(HTTPStatus.FOUND, b"", "text/html", {"location": "/login"})
            raise _Sent

    def _json(self, status: HTTPStatus, answer: Any) -> None:
        if isinstance(answer, str):
            self._send(status, answer.encode(), "text/plain")
        else:
            content = json.dumps(MODELS.sanitize_for_serialization(answer)).encode()
            self._send(status, content, "application/json")

    def _send(
        self, status: HTTPStatus, content: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": content_type,
            "content-length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class _Sent(Exception):
    """The answer is out."""


def _body(headers: Mapping[str, str], content: bytes) -> Any:
    kind = headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        parts = message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + content).get_payload()
        assert isinstance(parts, list)
        (part,) = parts
        assert isinstance(part, Message)
        assert part.get_param("name", header="content-disposition") == "uploadfile"
        file = part.get_payload(decode=True)
        assert isinstance(file, bytes)
        return file.decode()
    return json.loads(content) if content and "json" in kind else None
