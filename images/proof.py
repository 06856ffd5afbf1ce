"""The proof of the predictor's image: it runs locked down, answers as the reference did, and can't do anything else."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from docker.errors import DockerException
from docker.types import Ulimit

from components.publication.proof import prove
from contract.bundle import load_bundle
from images.errors import NotProven
from images.stages.service import container_engine, image_named, is_podman

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from docker.models.containers import Container
    from docker.models.images import Image

MEMORY = 2**30
"""Bytes that the container may use."""

LOCKED_DOWN: Mapping[str, Any] = {
    "read_only": True,
    "tmpfs": {"/tmp": "size=64m,mode=1777"},  # noqa: S108  # the one place that can be written to
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "mem_limit": MEMORY,
    "pids_limit": 200,
    "ulimits": [Ulimit(name="nofile", soft=1024, hard=1024), Ulimit(name="nproc", soft=1000, hard=1000)],
}
"""As a restricted namespace of a cluster runs a predictor."""

TOOLS = ("sh", "bash", "dash", "busybox", "gcc", "cc", "c++", "ld", "as", "make", "pip", "apt-get", "dpkg", "perl")
"""What an intruder would look for, and nobody else needs where bundles are served."""

_READY_SECONDS = 120.0
_STOP_SECONDS = 60

_LOOK_AROUND = f"""
import errno, json, os, pathlib
def refusal(place):
    try:
        pathlib.Path(place, "written").touch()
    except OSError as error:
        return errno.errorcode[error.errno]
def status_of(process):
    return dict(line.split(":", 1) for line in pathlib.Path("/proc", process, "status").read_text().splitlines())
status = status_of("self")
folders = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/predictor/bin")
print(json.dumps({{
    "uid": os.getuid(),
    "gid": os.getgid(),
    "memory": int(status_of("1")["VmHWM"].split()[0]) * 1024,
    "capabilities": int(status["CapEff"], 16),
    "gains_no_privileges": status["NoNewPrivs"].strip() == "1",
    "tools": [tool for tool in {TOOLS!r} if any(os.path.lexists(f"{{folder}}/{{tool}}") for folder in folders)],
    "refusals": {{place: refusal(place) for place in ("/", "/app", "/opt/predictor", "/mnt/models", "/tmp")}},
}}))
"""


@dataclass(frozen=True)
class Proof:
    """What was seen; times in seconds, memory in bytes: the most that the predictor's process had."""

    ready_seconds: float
    golden_rows: int
    memory: int
    uid: int

    def __str__(self) -> str:
        return (
            f"ready after {self.ready_seconds:.1f} s as user {self.uid}; {self.golden_rows} golden rows answered as the"
            f" reference did; {self.memory / 2**20:.0f} of {MEMORY // 2**20} MiB; not healthy while it drained, then"
            " ended with status 0"
        )


def prove_predictor(bundle: Path, name: str) -> Proof:
    """Run the image on a bundle, as a cluster would, and look whether it does what it must, and nothing else.

    Raises `NotProven`; `images.stages.errors.StagesError` where no engine or no such image is here;
    `components.errors.PublicationFailed` if a golden request is answered otherwise; `contract.errors.BundleError`.
    """
    loaded = load_bundle(bundle)
    model = loaded.manifest.name
    with running(bundle, name) as (container, url):
        started = time.monotonic()
        _wait_until_healthy(container)
        ready_seconds = time.monotonic() - started
        rows = prove(url, model, loaded.golden)
        uid, memory = _check_surroundings(container)
        container.kill("SIGTERM")
        _check_draining(container, url)
        status = int(container.wait(timeout=_STOP_SECONDS)["StatusCode"])
        if status != 0:
            raise NotProven(f"after SIGTERM the predictor ended with status {status}:\n{_said(container)}")
    return Proof(ready_seconds, rows, memory, uid)


@contextlib.contextmanager
def running(bundle: Path, name: str, *settings: str) -> Iterator[tuple[Container, str]]:
    """A container of the image, locked down, with the bundle mounted read-only; and its URL on loopback."""
    with container_engine() as client:
        image = image_named(client, name)
        container = client.containers.create(
            image.id,
            command=list(settings),
            volumes={str(bundle.resolve()): {"bind": "/mnt/models", "mode": "ro"}},
            ports={f"{port}/tcp": ("127.0.0.1", None) for port in (8080, 8081)},
            # It is asked below, in place of the engine: podman has its timers only where systemd runs.
            healthcheck={"test": ["NONE"]},
            **LOCKED_DOWN,
        )
        try:
            container.start()
            container.reload()
            yield container, f"http://{address_of(container, 8080)}"
        except DockerException as error:
            raise NotProven(f"the image {name} can't be run: {error}") from None
        finally:
            container.remove(force=True)


def address_of(container: Container, port: int) -> str:
    """Where on loopback a port of the container answers."""
    return f"127.0.0.1:{container.attrs['NetworkSettings']['Ports'][f'{port}/tcp'][0]['HostPort']}"


def is_healthy(container: Container) -> bool:
    """What the image's own healthcheck says: its command, run in the container without a shell."""
    return inside(container, *healthcheck_of(container.image)).returncode == 0


def inside(container: Container, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a container, without a shell. Docker's client for Python leaves the connection of one open."""
    program = "podman" if is_podman(container.client) else "docker"
    asked = [program, "exec", str(container.id), *command]
    return subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603


def healthcheck_of(image: Image) -> list[str]:
    """The command of an image's healthcheck. Raises `NotProven` if there is none, or one that needs a shell."""
    check = image.attrs["Config"].get("Healthcheck")
    if check is None and shutil.which("podman"):
        # podman leaves it out where it answers as Docker does, and tells it itself.
        asked = ["podman", "image", "inspect", str(image.id)]
        told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
        check = next((item.get("Healthcheck") for item in json.loads(told or "[]")), None)
    kind, *command = check["Test"] if check else ["NONE"]
    if kind != "CMD":
        raise NotProven(f"the image needs a healthcheck that runs without a shell; its is {kind} {' '.join(command)}")
    return [str(word) for word in command]


def _wait_until_healthy(container: Container) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        container.reload()
        if container.status != "running":
            raise NotProven(f"the predictor ended:\n{_said(container)}")
        if is_healthy(container):
            return
        if time.monotonic() > deadline:
            raise NotProven(f"the predictor wasn't healthy within {_READY_SECONDS:.0f} s:\n{_said(container)}")
        time.sleep(0.1)


def _check_surroundings(container: Container) -> tuple[int, int]:
    """Look around from inside; returns the user's number and the predictor's memory."""
    done = inside(container, "python", "-c", _LOOK_AROUND)
    if done.returncode != 0:
        raise NotProven(f"nothing can be seen from inside: {done.stderr}")
    seen = json.loads(done.stdout)
    if 0 in {seen["uid"], seen["gid"]}:
        raise NotProven("the predictor runs as root")
    if seen["capabilities"] or not seen["gains_no_privileges"]:
        raise NotProven(f"the predictor has privileges, or may gain some: {seen}")
    if seen["tools"]:
        raise NotProven(f"the image holds {', '.join(seen['tools'])}")
    refusals = seen["refusals"]
    if refusals.pop("/tmp") is not None or set(refusals.values()) != {"EROFS"}:  # noqa: S108
        raise NotProven(f"only /tmp is to be written to: {refusals}")
    return int(seen["uid"]), int(seen["memory"])


def _check_draining(container: Container, url: str) -> None:
    """After SIGTERM, while it still answers: not ready, so not healthy."""
    deadline = time.monotonic() + _READY_SECONDS
    try:
        while requests.get(f"{url}/v2/health/ready", timeout=1).status_code != requests.codes.unavailable:
            if time.monotonic() > deadline:
                raise NotProven("the predictor goes on being ready after SIGTERM")
            time.sleep(0.05)
        healthy = is_healthy(container)
    except requests.RequestException as error:
        raise NotProven(f"the predictor doesn't drain: it stopped answering at SIGTERM ({error})") from None
    if healthy:
        raise NotProven("the healthcheck passes while the predictor answers 503")


def _said(container: Container) -> str:
    return container.logs().decode(errors="replace").strip()[-2000:] or "(it said nothing)"
