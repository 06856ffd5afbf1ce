"""What tests of built images share: the images, or the reason why there are none."""

from __future__ import annotations

import gc
import os
import shutil
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from images.build import TARGETS
from images.stages.errors import EngineMissing, ImageMissing
from images.stages.service import container_engine, image_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker.models.images import Image


@pytest.fixture(scope="module")
def image_of() -> Iterator[Callable[[str], Image]]:
    """The image that was built of a target of the Dockerfile; a test is left out where there is none."""
    try:
        with ExitStack() as stack:
            with warnings.catch_warnings():
                # Docker's client leaves a socket to the garbage collector where nobody listens at the usual place.
                warnings.simplefilter("ignore", ResourceWarning)
                client = stack.enter_context(container_engine())
                gc.collect()

            def find(target: str) -> Image:
                try:
                    return image_named(client, TARGETS[target])
                except ImageMissing as error:
                    pytest.skip(str(error))

            yield find
    except EngineMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def readable_bundle(bundle: Path, tmp_path: Path) -> Path:
    """A bundle as it is mounted into a container: its user isn't the one of the tests, and may read it all the same."""
    directory = shutil.copytree(bundle, tmp_path / "bundle")
    directory.chmod(0o755)
    for file in directory.iterdir():
        file.chmod(0o644)
    return directory


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Put a script of its own first on the path, under the name of a program; nothing else is on it but the shell's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), "/usr/bin", "/bin"]))

    def put(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return put
