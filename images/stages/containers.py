"""Tasks as containers of the compiled pipeline's image, by KFP's own `DockerRunner`."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from docker.errors import DockerException, NotFound
from docker.types import Ulimit
from kfp import local as kfp_local
from kfp.local import docker_task_handler
from kubernetes.utils.quantity import parse_quantity

from images.stages.errors import ImageUnfit
from images.stages.service import is_podman
from local.execution import NotStarted
from local.runner import replaced

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator, Mapping

    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.images import Image

    from local.execution import RunTask

_MIB = 2**20
_SECONDS_BETWEEN_SAMPLES = 0.5

LOCKED_DOWN: Mapping[str, Any] = {
    "read_only": True,
    "tmpfs": {"/tmp": "size=512m,mode=1777"},  # noqa: S108  (the one place that the image writes to)
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "pids_limit": 1000,
    "ulimits": [Ulimit(name="nofile", soft=1024, hard=1024), Ulimit(name="nproc", soft=1000, hard=1000)],
}
"""What a container of the image may do, as a restricted namespace of a cluster has it: write to `/tmp` and to what is
mounted, and nothing else. The limits are named because podman may not be let to raise its own."""


def memory_limits(package: Path) -> dict[str, int]:
    """The memory limit of each component of a compiled pipeline, in bytes; those without one are left out."""
    documents = yaml.safe_load_all(package.read_text(encoding="utf-8"))
    spec = next(document for document in documents if document and "pipelineInfo" in document)
    limits = {}
    for name, component in spec["components"].items():
        executor = spec["deploymentSpec"]["executors"].get(component.get("executorLabel"), {})
        limit = executor.get("container", {}).get("resources", {}).get("resourceMemoryLimit")
        if limit:
            limits[name.removeprefix("comp-")] = int(parse_quantity(limit))
    return limits


class Lodger:
    """Whose rights the containers have: never root's.

    As root it is the user that the image names, and what is mounted is lent to it; otherwise it is whoever runs this.
    """

    def __init__(self, client: DockerClient, image: Image) -> None:
        self._lent: list[Path] = []
        user = str(image.attrs["Config"].get("User") or "0")
        uid, _, gid = user.partition(":")
        if not uid.isdecimal() or int(uid) == 0:
            raise ImageUnfit(f"the image runs as {user!r}; its USER must be a number other than 0.")
        self._root = os.geteuid() == 0
        self._ids = (int(uid), int(gid or uid)) if self._root else (os.geteuid(), os.getegid())
        self.rights: dict[str, Any] = {"user": "{}:{}".format(*self._ids)}
        if not self._root and is_podman(client):
            self.rights["userns_mode"] = "keep-id"

    def lend(self, directory: Path) -> None:
        """Let the containers write to a directory, until `take_back`."""
        if self._root and directory not in self._lent:
            os.chown(directory, *self._ids)
            self._lent.append(directory)

    def take_back(self) -> None:
        """Make everything in what was lent this user's again."""
        for directory in self._lent:
            if directory.exists():
                for path in (directory, *directory.rglob("*")):
                    os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
        self._lent.clear()


class Containers:
    """Executes each task in a container of its own, under the memory limit that it was compiled with.

    Of KFP (2.17), `run_docker_container` is replaced for the time of a run: it merges the output of all tasks into one
    stream, and has containers removed as they end, so that it calls one that ended at once a success; its `command`
    comes after the image's entrypoint, not in place of it as on a cluster. Everything else is KFP's.
    """

    def __init__(
        self, client: DockerClient, image: Image, package: Path, *, network: str, environment: Mapping[str, str]
    ) -> None:
        self._client = client
        self._image = image
        self._limits = memory_limits(package)
        self._network = network
        self._environment = dict(environment)

    @contextlib.contextmanager
    def runner(self, run_task: RunTask, scratch: Path) -> Iterator[object]:  # noqa: ARG002
        """See `local.execution.Engine`; nothing of the tasks goes to `scratch`."""
        lodger = Lodger(self._client, self._image)

        def run_docker_container(
            client: DockerClient,
            image: str,  # noqa: ARG001  (the name in the YAML, which was looked up)
            command: list[str],
            volumes: Mapping[str, Any],
            **arguments: Any,
        ) -> int:
            outputs = _outputs_of(command)
            for place in volumes:
                lodger.lend(Path(place))
            given = {
                **arguments,
                "image": self._image.id,
                "entrypoint": command[:1],
                "command": command[1:],
                "volumes": volumes,
                "mem_limit": self._limits.get(outputs.parent.name),
            }
            return run_task(command, lambda: _running(client, outputs, given))

        try:
            with replaced(docker_task_handler, "run_docker_container", run_docker_container):
                yield kfp_local.DockerRunner(
                    **LOCKED_DOWN, **lodger.rights, network=self._network, environment=self._environment
                )
        finally:
            lodger.take_back()


def _outputs_of(command: list[str]) -> Path:
    """Where a task's command is to tell its outputs: in `<component>/executor_output.json`."""
    executor_input = json.loads(command[command.index("--executor_input") + 1])
    return Path(executor_input["outputs"]["outputFile"])


@contextlib.contextmanager
def _running(client: DockerClient, outputs: Path, arguments: Mapping[str, Any]) -> Iterator[_Container]:
    """Start a container; at the end remove it, whatever it does. Raises `NotStarted`."""
    try:
        container = client.containers.create(**arguments)
    except DockerException as error:
        raise NotStarted(str(error)) from None
    try:
        try:
            container.start()
        except DockerException as error:
            raise NotStarted(str(error)) from None
        with _Container(container, outputs) as running:
            yield running
    finally:
        with contextlib.suppress(DockerException):
            container.remove(force=True)


class _Container:
    def __init__(self, container: Container, outputs: Path) -> None:
        self._container = container
        self._outputs = outputs
        self._status: int | None = None
        self._peak = 0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._sample_memory, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()

    def lines(self) -> Iterator[str]:
        rest = b""
        log = self._container.logs(stream=True, follow=True)
        try:
            for piece in log:
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    yield line.decode(errors="replace") + "\n"
        finally:
            log._response.close()  # noqa: SLF001  (the stream's own close leaves the connection open)
        if rest:
            yield rest.decode(errors="replace") + "\n"
        self._status = int(self._container.wait()["StatusCode"])
        if self._status == 0 and not self._outputs.exists():
            self._status = 1
            yield f"The container ended with status 0 and left no {self._outputs.name}.\n"

    def result(self) -> tuple[int, float | None]:
        if self._status is None:
            self._status = int(self._container.wait()["StatusCode"])
        return self._status, round(self._peak / _MIB, 1) or None

    def stop(self, number: signal.Signals) -> None:  # noqa: ARG002
        # The first process of a container ignores signals that it doesn't handle, SIGTERM among them: it is killed.
        with contextlib.suppress(DockerException):
            self._container.kill()

    def _sample_memory(self) -> None:
        # What the engine counts: all processes, and the files that they have in memory.
        with contextlib.suppress(DockerException, NotFound, OSError, KeyError):
            while not self._ended.wait(_SECONDS_BETWEEN_SAMPLES):
                used = self._container.stats(stream=False)["memory_stats"]["usage"]
                self._peak = max(self._peak, int(used))
