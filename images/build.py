"""Builds the images: with Docker where it runs, otherwise with buildah, which needs no service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components import PROJECT
from components.image import LOCAL_IMAGE
from images.base import base_for_buildah, default_base
from images.errors import BuilderMissing, BuildFailed
from images.package_index import secrets
from local.workspace import code_revision

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREDICTOR_IMAGE = "concord-predictor:local"
TARGETS: Mapping[str, str] = {"predictor": PREDICTOR_IMAGE, "pipeline": LOCAL_IMAGE}
"""The image that is made of each target of the Dockerfile."""

BUILD = PROJECT / "build"
"""What building leaves beside the images: their ids (`.iid`), the logs, what is in them (`sbom/`)."""

_DOCKER = ("docker", "buildx", "build", "--load")
# HEALTHCHECK is an instruction of Docker's format; chroot needs no privileges that a container lacks.
_BUILDAH = ("buildah", "bud", "--format", "docker", "--isolation", "chroot", "--layers")
_SHOWN = 20


@dataclass(frozen=True)
class Built:
    """An image that was built: its id, its size unpacked in bytes, and the seconds that it took."""

    name: str
    id: str
    size: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.name:<36} {self.size / 1e6:6.0f} MB {self.seconds:6.1f} s  {self.id[:19]}"


def build(names: list[str], base: str | None, say: Callable[[str], None]) -> list[Built]:
    """Build targets of the Dockerfile, on `base` if it is named.

    Raises `BuilderMissing`, `BaseMissing` or `BuildFailed`.
    """
    command = builder()
    found = base_for_buildah(base, say) if command is _BUILDAH else base or default_base()
    directory(BUILD)
    arguments = {"PYTHON": found, "REVISION": code_revision(), "VERSION": version()}
    if source := source_of(_remote()):
        arguments["SOURCE"] = source
    built = []
    with tempfile.TemporaryDirectory(prefix="build-") as folder:
        given = secrets(Path(folder))
        for name in names:
            image = TARGETS[name]
            log = BUILD / f"{_file_name(image)}.log"
            say(f"Building {image} on {found}; the log is {os.path.relpath(log)}")
            started = time.monotonic()
            _run([*command, *options(name, arguments, given), str(PROJECT)], log)
            seconds = time.monotonic() - started
            identity = (BUILD / f"{_file_name(image)}.iid").read_text(encoding="utf-8").strip()
            built.append(Built(image, identity, _size(command[0], image), seconds))
    return built


def builder() -> tuple[str, ...]:
    """The command that builds. Raises `BuilderMissing`."""
    if shutil.which("docker"):
        answer = subprocess.run(["docker", "info"], capture_output=True, check=False)  # noqa: S607
        if answer.returncode == 0:
            return _DOCKER
    if shutil.which("buildah") and shutil.which("podman"):
        return _BUILDAH
    raise BuilderMissing(
        "no Docker engine answers, and buildah isn't here: start Docker, or on Debian sudo apt-get install buildah"
        " podman runc netavark aardvark-dns uidmap fuse-overlayfs debootstrap"
    )


def options(target: str, arguments: Mapping[str, str], given: Mapping[str, Path]) -> list[str]:
    """What either builder is told about a target: its name, the build arguments, the secrets, where the id goes."""
    image = TARGETS[target]
    stated = ["--target", target, "--tag", image, "--iidfile", str(BUILD / f"{_file_name(image)}.iid")]
    for name, value in arguments.items():
        stated += ["--build-arg", f"{name}={value}"]
    for name, path in given.items():
        stated += ["--secret", f"id={name},src={path}"]
    return stated


def version() -> str:
    """The version of the project."""
    (found,) = re.findall(r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def source_of(remote: str) -> str | None:
    """The page of a repository, as a label of an image may name it: no address with credentials, no directory."""
    if ssh := re.fullmatch(r"(?:ssh://)?git@([\w.-]+)[:/]([\w./-]+?)(?:\.git)?", remote):
        return f"https://{ssh[1]}/{ssh[2]}"
    page = re.fullmatch(r"(https://[\w.-]+/[\w./-]+?)(?:\.git)?/?", remote)
    return page and page[1]


def directory(path: Path) -> None:
    """Make a directory for what building leaves, which git is to ignore."""
    path.mkdir(parents=True, exist_ok=True)
    (path / ".gitignore").write_text("*\n", encoding="utf-8")


def _remote() -> str:
    asked = ["git", "remote", "get-url", "origin"]
    try:
        found = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return found.stdout.strip()


def _file_name(image: str) -> str:
    return image.partition(":")[0]


def _run(command: list[str], log: Path) -> None:
    environment = {**os.environ, "BUILDKIT_PROGRESS": "plain"}
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=environment, check=False)  # noqa: S603
    if done.returncode != 0:
        said = "\n".join(log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-_SHOWN:])
        raise BuildFailed(f"{command[0]} failed with status {done.returncode}; {log} ends with:\n{said}")


def _size(program: str, image: str) -> int:
    engine = "docker" if program == "docker" else "podman"
    asked = [engine, "image", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)  # noqa: S603
