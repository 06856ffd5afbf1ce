"""MLflow's server for the tasks, inside the image itself, on a network that leads nowhere else."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from docker.errors import DockerException

from images.stages.containers import LOCKED_DOWN, Lodger
from images.stages.errors import TrackingNotStarted
from images.stages.registry import ARTIFACTS, DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.images import Image

_START_SECONDS = 180.0
_PORT = 5000
_PLACE = "/var/lib/mlflow"
_WAIT = f"""
import sys, time, urllib.request
deadline = time.monotonic() + {_START_SECONDS}
while True:
    try:
        urllib.request.urlopen(sys.argv[1] + "/health", timeout=2)
        break
    except OSError:
        if time.monotonic() > deadline:
            sys.exit(1)
        time.sleep(0.2)
"""


@dataclass(frozen=True)
class Tracking:
    """A server that answers: `network` is the one on which `uri` leads to it, and to nothing else."""

    network: str
    uri: str


@contextlib.contextmanager
def tracking_server(client: DockerClient, image: Image, directory: Path) -> Iterator[Tracking]:
    """An MLflow server with its database `mlflow.db` and its artifacts in `directory`, for as long as one is inside.

    Nothing outside the network reaches it, and what is on the network reaches nothing outside, this machine included.

    Raises:
        TrackingNotStarted: with the server's own words.
    """
    directory.mkdir(parents=True)
    name = f"concord-stages-{uuid4().hex[:8]}"
    host = f"{name}-mlflow"
    uri = f"http://{host}:{_PORT}"
    lodger = Lodger(client, image)
    lodger.lend(directory)
    with contextlib.ExitStack() as stack:
        stack.callback(lodger.take_back)
        try:
            network = client.networks.create(name, driver="bridge", internal=True)
            stack.callback(network.remove)
            shared = {**LOCKED_DOWN, **lodger.rights, "image": image.id, "network": name, "detach": True}
            server = client.containers.run(
                name=host,
                entrypoint=["mlflow"],
                command=[
                    "server",
                    f"--backend-store-uri=sqlite:///{_PLACE}/{DATABASE}",
                    f"--artifacts-destination={_PLACE}/{ARTIFACTS}",
                    "--host=0.0.0.0",
                    f"--port={_PORT}",
                    "--workers=1",
                    f"--allowed-hosts={host}:{_PORT}",
                ],
                environment={"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                volumes={str(directory): {"bind": _PLACE, "mode": "rw"}},
                working_dir="/tmp",  # noqa: S108
                **shared,
            )
            stack.callback(server.remove, force=True)
            waiting = client.containers.run(entrypoint=["python3", "-c", _WAIT], command=[uri], **shared)
            stack.callback(waiting.remove, force=True)
            _wait(server, waiting)
        except DockerException as error:
            raise TrackingNotStarted(f"MLflow's server couldn't be started: {error}") from None
        yield Tracking(name, uri)


def _wait(server: Container, waiting: Container) -> None:
    """Wait for the container that waits, as the tasks will ask, for the server; or for the server's own end."""
    while True:
        waiting.reload()
        server.reload()
        if server.status == "exited" or waiting.status == "exited":
            break
        time.sleep(0.2)
    if server.status == "exited" or waiting.wait()["StatusCode"] != 0:
        said = server.logs(tail=20).decode(errors="replace").strip() or "(it said nothing)"
        raise TrackingNotStarted(f"MLflow's server wasn't ready within {_START_SECONDS:.0f} s; it said:\n{said}")
