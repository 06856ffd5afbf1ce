"""KServe's model server with a lane of our own in front, and an end that loses no request."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import uvloop
from prometheus_client import REGISTRY

from predictor import grpc
from predictor.drift import Window
from predictor.endpoint import endpoints_of
from predictor.errors import PortInUse
from predictor.http_protocol import HTTPProtocol
from predictor.lane import Lane
from predictor.metrics import Metrics
from predictor.sdk import RefreshingServer, RESTServer, model_server
from predictor.truth import Memory

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import FrameType

    import uvicorn

    from predictor.repository import Repository
    from predictor.settings import Settings

logger = logging.getLogger("predictor")

_ACCEPTED_AT_ONCE = 16
"""Connections to accept in one turn of the event loop. It accepts one for each listening socket, so there are copies of
it: when many clients come at once, the last of fifty would else wait for fifty turns."""

_COLLECT_AFTER = (20_000, 50, 100)
"""Thresholds of the garbage collector's generations. A request of 1,000 rows makes 13,000 lists and dicts, none of them
in a cycle: at Python's 700 the collector looks through them, and through all that was loaded, twenty times."""


class PredictorServer(model_server.ModelServer):  # type: ignore[misc]  # kserve ships no types
    """One process that serves several models. The port is taken when it is made, and listened on by `serve`."""

    def __init__(self, settings: Settings, options: argparse.Namespace) -> None:
        """Raises `PortInUse`. `options` holds KServe's own arguments."""
        super().__init__(
            http_port=settings.http_port,
            grpc_port=settings.grpc_port,
            enable_grpc=settings.enable_grpc,
            enable_latency_logging=False,
            grace_period=settings.drain_seconds,
            timeout_keep_alive=options.timeout_keep_alive,
            ssl_certfile=options.ssl_certfile,
            ssl_keyfile=options.ssl_keyfile,
        )
        self._settings = settings
        self._socket = _bound(self.http_port, "--http_port")
        if settings.enable_grpc:
            _bound(settings.grpc_port, "--grpc_port").close()

    def serve(self, repository: Repository) -> None:
        """Answer until SIGTERM."""
        models, settings = list(repository.models), self._settings
        self._register_and_check_atleast_one_model_is_ready(models)
        window = Window(settings.drift_rows, settings.drift_seconds, settings.drift_minimum)
        served = [model.served for model in models]
        memory = Memory(settings.truth_rows, settings.truth_window, settings.truth_minimum, settings.truth_path)
        metrics = Metrics(served, repository.is_ready, window, memory=memory)
        REGISTRY.register(metrics)
        endpoints = endpoints_of(served, metrics, settings.inline_bytes)
        rest = RESTServer(
            "kserve.model_server:app",
            self.dataplane,
            self.model_repository_extension,
            self.http_port,
            grace_period=self.grace_period,
            timeout_keep_alive=self.timeout_keep_alive,
            ssl_certfile=self.ssl_certfile,
            ssl_keyfile=self.ssl_keyfile,
        )
        rest.create_application()
        config = rest.config
        config.app = Lane(model_server.app, repository, endpoints.values(), metrics, settings)
        # A guess at the client's address and a header that nobody asked for, at every request.
        config.proxy_headers = config.server_header = False
        config.http, config.ws = HTTPProtocol, "none"
        server = HTTPServer(config, repository, settings.drain_delay_seconds)
        if settings.enable_grpc:
            server.also = partial(grpc.server, repository, endpoints, metrics, settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve([self._socket, *(self._socket.dup() for _ in range(_ACCEPTED_AT_ONCE - 1))]))
        metrics.close()


class HTTPServer(RefreshingServer):  # type: ignore[misc]  # kserve ships no types
    """Stops in two steps, as load balancers are late: unready but answering for `delay` seconds, then for good.

    `also` makes a gRPC server that starts and stops with it.
    """

    def __init__(self, config: uvicorn.Config, repository: Repository, delay: float) -> None:
        super().__init__(config)
        self.also: Callable[[], Any] | None = None
        self._repository = repository
        self._delay = delay
        self._loop: asyncio.AbstractEventLoop | None = None
        self._grpc: Any = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; from here on everything that was loaded stays, so the garbage collector needn't look at it."""
        self._loop = asyncio.get_running_loop()
        if self.also:
            self._grpc = self.also()
            await self._grpc.start()
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        for model in self._repository.models:
            logger.info(
                "%s version %s (digest %s) ready on http%s://0.0.0.0:%d: %d features, threshold %.4f,"
                " %d golden requests pass",
                model.name,
                model.served.version,
                model.served.bundle.manifest.digest[:12],
                "s" if self.config.is_ssl else "",
                self.config.port,
                len(model.served.features),
                model.served.threshold,
                len(model.served.bundle.golden.requests),
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new request, and let those in flight finish."""
        ends = [super().shutdown(sockets)]
        if self._grpc:
            ends.append(self._grpc.stop(self.config.timeout_graceful_shutdown))
        await asyncio.gather(*ends)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # uvicorn's names
        """Begin to stop; a second signal ends it at once. Unlike uvicorn's own it doesn't raise the signal anew."""
        if self._repository.stopping or self._loop is None:
            self.should_exit = True
            return
        self._repository.stop()
        self._loop.call_soon_threadsafe(self._loop.call_later, self._delay, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


def _bound(port: int, setting: str) -> socket.socket:
    """A socket that holds the port. Raises `PortInUse`."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("0.0.0.0", port))  # noqa: S104  # a pod's address isn't known before
    except OSError as error:
        listener.close()
        raise PortInUse(f"port {port} can't be listened on: {error.strerror}; choose another {setting}") from None
    return listener
