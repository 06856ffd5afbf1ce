"""The container engine: Docker where it runs, otherwise podman, which speaks the same protocol."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.errors import DockerException, ImageNotFound

from images.stages.errors import EngineMissing, ImageMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient
    from docker.models.images import Image

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_REQUEST_SECONDS = 600
"""A log that is followed may be silent for as long as a task computes."""

_USUAL = "unix:///var/run/docker.sock"

HOST = "DOCKER_HOST"
"""Names the engine's socket: Docker's clients, KFP's runner among them, read it."""


@contextlib.contextmanager
def container_engine() -> Iterator[DockerClient]:
    """While inside, `DOCKER_HOST` names an engine that answers; yields a client of it.

    That is the one that it names already, or Docker's usual socket; if none answers there, podman is started as a
    service on a socket of its own.

    Raises:
        EngineMissing: nothing here runs containers.
    """
    with contextlib.ExitStack() as stack:
        client = _answering()
        if client is None:
            if os.environ.get(HOST):
                raise EngineMissing(f"no container engine answers at {HOST}={os.environ[HOST]}. Start it, or unset it.")
            stack.enter_context(_podman())
            client = _answering()
        if client is None:
            raise EngineMissing("podman's service was started and doesn't answer as Docker does; is it older than 4?")
        stack.callback(client.close)
        yield client


def image_named(client: DockerClient, name: str) -> Image:
    """The image of that name; `ImageMissing` if there is none. Nothing is pulled."""
    try:
        return client.images.get(name)
    except ImageNotFound:
        raise ImageMissing(f"there is no image {name!r}: make images builds it, or --image names another.") from None


def is_podman(client: DockerClient) -> bool:
    """Whether it is podman that answers."""
    return any("Podman" in component["Name"] for component in client.version().get("Components", ()))


def _answering() -> DockerClient | None:
    scheme, _, place = os.environ.get(HOST, _USUAL).partition("://")
    if scheme == "unix" and not Path(place).exists():
        return None
    try:
        client = docker.from_env(timeout=_REQUEST_SECONDS)
    except DockerException:
        return None
    with contextlib.suppress(DockerException, OSError):
        if client.ping():
            return client
    client.close()
    return None


@contextlib.contextmanager
def _podman() -> Iterator[None]:
    """Podman as a service, named by `DOCKER_HOST`, with a socket that only this user can open."""
    program = shutil.which("podman")
    if program is None:
        raise EngineMissing(
            "neither Docker nor podman is here, so no container can run. Install one: on Debian, sudo apt-get install"
            " podman runc netavark aardvark-dns"
        )
    # crun, podman's own choice, gives up where cgroups of the first and of the second version are mixed.
    runtime = ["--runtime", "runc"] if shutil.which("runc") and not os.environ.get("CONTAINERS_CONF") else []
    with tempfile.TemporaryDirectory(prefix="podman-") as folder, tempfile.TemporaryFile("w+") as said:
        socket = Path(folder) / "podman.sock"
        process = subprocess.Popen(  # noqa: S603
            [program, *runtime, "system", "service", "--time=0", f"unix://{socket}"],
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=folder,  # where a container that took too much memory leaves a file
            start_new_session=True,  # Ctrl-C is for the tasks first
        )
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise EngineMissing(f"podman's service didn't start: {said.read().strip() or 'it said nothing'}")
                time.sleep(0.05)
            os.environ[HOST] = f"unix://{socket}"
            yield
        finally:
            os.environ.pop(HOST, None)
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
