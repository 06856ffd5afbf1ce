"""The base of the images: the one that the Dockerfile names, or where no registry answers one of Debian's packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components import PROJECT
from images.errors import BaseMissing

if TYPE_CHECKING:
    from collections.abc import Callable

STAND_IN = "localhost/concord-base:bookworm"
"""Debian 12 with its own Python 3.11: larger than the base that it stands in for, and made in less than a minute."""

_SUITE = "bookworm"
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
_PULL_SECONDS = 300.0
_LEFT_OUT = ("./dev/*", "./var/cache/apt/*", "./var/lib/apt/lists/*", "./var/log/*")


def default_base() -> str:
    """The base that the Dockerfile names."""
    (name,) = re.findall(r"^ARG PYTHON=(\S+)$", (PROJECT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    return str(name)


def base_for_buildah(wanted: str | None, say: Callable[[str], None]) -> str:
    """The name of a base that buildah has: `wanted`, else the Dockerfile's, else the stand-in, which is made then.

    What is wanted by name has no stand-in. Raises `BaseMissing`.
    """
    name = wanted or default_base()
    if _has(name):
        return name
    refusal = _pull(name)
    if refusal is None:
        return name
    if wanted:
        raise BaseMissing(f"the base {name} can't be pulled: {refusal}")
    if not _has(STAND_IN):
        say(f"No registry gives {name} ({refusal}): making {STAND_IN} of Debian's packages")
        _make_stand_in()
    return STAND_IN


def _has(name: str) -> bool:
    found = subprocess.run(["buildah", "inspect", "--type", "image", name], capture_output=True, check=False)  # noqa: S603, S607
    return found.returncode == 0


def _pull(name: str) -> str | None:
    """Pull an image; returns why that can't be done, in a line."""
    asked = ["buildah", "pull", "--quiet", name]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=_PULL_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"not within {_PULL_SECONDS:.0f} s"
    if done.returncode == 0:
        return None
    return (done.stderr.strip() or "it doesn't say why").splitlines()[-1].removeprefix("Error: ")


def _make_stand_in() -> None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise BaseMissing(
            "no registry answers, and a base can only be made by root with debootstrap: sudo apt-get install"
            f" debootstrap; or name an image that is here: make images BASE=NAME (now {default_base()})"
        )
    with tempfile.TemporaryDirectory(prefix="base-") as folder:
        system, archive = Path(folder, "system"), Path(folder, "base.tar")
        _run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(system))
        excluded = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
        _run("tar", *excluded, "--create", "--file", str(archive), "--directory", str(system), ".")
        container = _run("buildah", "from", "scratch")
        try:
            _run("buildah", "add", container, str(archive), "/")
            _run("buildah", "config", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin", container)
            _run("buildah", "commit", "--quiet", "--format", "docker", container, STAND_IN)
        finally:
            _run("buildah", "rm", container)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise BaseMissing(f"no base can be made here: {' '.join(command[:2])} failed:\n{said}")
    return done.stdout.strip()
