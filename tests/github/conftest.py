"""A project of its own for the scripts of .github, an image to carry around, and a registry on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.programs import require

PROJECT = Path(__file__).parents[2]
IMAGES = ("concord-predictor", "concord-pipeline-python3.11")


@dataclass(frozen=True)
class Checkout:
    """A git checkout with the scripts of .github in it, and nothing of Concord's code."""

    directory: Path

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.directory / ".github" / script)],
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.directory, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    directory = tmp_path / "checkout"
    shutil.copytree(PROJECT / ".github", directory / ".github")
    (directory / "pyproject.toml").write_text('[project]\nname = "concord"\nversion = "1.2.3"\n', encoding="utf-8")
    made = Checkout(directory)
    made.git("init", "--quiet")
    made.git("add", "pyproject.toml")
    made.git("commit", "--quiet", "--message", "Start")
    return made


HEALTHCHECK = {"Test": ["CMD", "true"], "Interval": 10_000_000_000}


def write_archive(path: Path, name: str) -> str:
    """An archive as `docker save` writes it, of an image with one empty layer; returns its configuration's digest."""
    layer = b"\0" * 1024
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"name": name}, "Healthcheck": HEALTHCHECK},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    written = json.dumps(config).encode()
    digest = hashlib.sha256(written).hexdigest()
    index = [{"Config": f"{digest}.json", "RepoTags": [f"localhost/{name}:local"], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        contents = {f"{digest}.json": written, "layer.tar": layer, "manifest.json": json.dumps(index).encode()}
        for file, content in contents.items():
            entry = tarfile.TarInfo(file)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return f"sha256:{digest}"


@pytest.fixture
def exported(checkout: Checkout) -> dict[str, str]:
    """The archives that `make export-images` writes, here of tiny images; their configurations' digests by name."""
    directory = checkout.directory / "build" / "images"
    directory.mkdir(parents=True)
    return {name: write_archive(directory / f"{name}.tar", name) for name in IMAGES}


@pytest.fixture
def registry(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[str]:
    """A real registry on this machine; its address."""
    require("skopeo", "docker-registry")
    port = free_port()
    settings = tmp_path / "registry.yaml"
    settings.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path / 'registry'}\n"
        f"http:\n  addr: 127.0.0.1:{port}\nlog:\n  level: error\n",
        encoding="utf-8",
    )
    with (tmp_path / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(settings)], stdout=log, stderr=log)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        else:
            pytest.fail((tmp_path / "registry.log").read_text(encoding="utf-8"))
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
