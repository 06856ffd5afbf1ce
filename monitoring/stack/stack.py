"""The whole stack as one thing to start and to stop."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from monitoring.errors import PortTaken
from monitoring.stack.configuration import Configuration
from monitoring.stack.process import Server, program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """Where the servers listen: the predictor as it always does, the others on loopback only."""

    predictor: int = 8080
    prometheus: int = 9090
    alertmanager: int = 9093
    node_exporter: int = 9100

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody listens on now."""
        sockets = [socket.socket() for _ in range(4)]
        for probe in sockets:
            probe.bind((HOST, 0))
        ports = [probe.getsockname()[1] for probe in sockets]
        for probe in sockets:
            probe.close()
        return cls(*ports)

    def check(self) -> None:
        """Raise `PortTaken` for the first on which somebody else listens."""
        for name, port in vars(self).items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    raise PortTaken(
                        f"port {port} is taken, so {name} can't listen on it; end the other program, or choose"
                        f" --{name.replace('_', '-')}-port"
                    ) from None


class Stack:
    """Predictor, Prometheus, Alertmanager and node_exporter; as a context it is running inside.

    `folder` takes configuration, logs and Prometheus' data, which is there again the next time. `settings` are further
    arguments of the predictor.
    """

    def __init__(
        self,
        bundle: Path,
        folder: Path,
        ports: Ports,
        configuration: Configuration | None = None,
        settings: Sequence[str] = (),
    ) -> None:
        """Raises `MissingProgram`."""
        self.ports = ports
        self._folder = folder
        self._configuration = configuration or Configuration()
        configured, data = folder / "configuration", folder / "data"
        self.predictor = self._server(
            "predictor",
            ports.predictor,
            "/v2/health/ready",
            *(sys.executable, "-m", "predictor", "--bundle", str(bundle), "--http_port", str(ports.predictor)),
            *settings,
        )
        self.prometheus = self._server(
            "prometheus",
            ports.prometheus,
            "/-/ready",
            program("prometheus"),
            f"--config.file={configured / 'prometheus.yaml'}",
            f"--storage.tsdb.path={data / 'prometheus'}",
            "--storage.tsdb.retention.time=35d",
            f"--web.listen-address={HOST}:{ports.prometheus}",
        )
        self.alertmanager = self._server(
            "alertmanager",
            ports.alertmanager,
            "/-/ready",
            program("alertmanager"),
            f"--config.file={configured / 'alertmanager.yaml'}",
            f"--storage.path={data / 'alertmanager'}",
            f"--web.listen-address={HOST}:{ports.alertmanager}",
            "--cluster.listen-address=",  # alone, it needn't look for others
        )
        self.node_exporter = self._server(
            "node_exporter",
            ports.node_exporter,
            "/metrics",
            program("node_exporter"),
            f"--web.listen-address={HOST}:{ports.node_exporter}",
        )

    @property
    def servers(self) -> tuple[Server, ...]:
        """In the order in which they start."""
        return self.predictor, self.node_exporter, self.alertmanager, self.prometheus

    def url(self, name: str) -> str:
        """The base URL of a server, by its name in `Ports`."""
        return f"http://{HOST}:{getattr(self.ports, name)}"

    def __enter__(self) -> Self:
        """Start everything. Raises `PortTaken`, or `ServerFailed` with what the server said."""
        self.ports.check()
        ports = self.ports
        addresses = {
            "predictor": ports.predictor,
            "prometheus": ports.prometheus,
            "alertmanager": ports.alertmanager,
            "node": ports.node_exporter,
        }
        self._configuration.write(
            self._folder / "configuration", {job: f"{HOST}:{port}" for job, port in addresses.items()}
        )
        try:
            for server in self.servers:
                server.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self._stop()

    def check(self) -> None:
        """Raise `ServerFailed` if one has ended."""
        for server in self.servers:
            server.check()

    def _stop(self) -> None:
        with ExitStack() as stops:  # a second Ctrl-C doesn't keep the others from being stopped
            for server in self.servers:
                stops.callback(server.stop)

    def _server(self, name: str, port: int, ready: str, *command: str) -> Server:
        return Server(name, command, f"http://{HOST}:{port}{ready}", self._folder / "logs" / f"{name}.log")
