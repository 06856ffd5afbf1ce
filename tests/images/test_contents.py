"""What an image lists about itself, here about the environment of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from images.contents import packages, release

SCRIPT = Path(__file__).parents[2] / "images" / "contents.py"


def test_every_distribution_has_a_version_and_mostly_a_licence() -> None:
    # In a process of its own, as other tests may have put more on this one's path.
    done = subprocess.run([sys.executable, "-I", "-c", SCRIPT.read_text()], capture_output=True, text=True, check=True)
    found = {item["name"]: item for item in json.loads(done.stdout)["distributions"]}
    assert found["numpy"]["version"] == metadata.version("numpy")
    assert "BSD-3-Clause" in found["numpy"]["licence"]
    assert not [item for item in found.values() if "\n" in item["licence"]]
    assert sum(bool(item["licence"]) for item in found.values()) > 0.8 * len(found)


def test_every_package_of_debian_has_its_source() -> None:
    if not Path("/var/lib/dpkg/status").exists():
        pytest.skip("this isn't Debian")
    found = {item["name"]: item for item in packages()}
    assert found["libc6"]["source"].startswith("glibc")
    assert found["libc6"]["version"]
    assert release().startswith(("debian-", "ubuntu-"))


def test_it_runs_as_a_text_on_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SCRIPT.read_text()], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout).keys() == {"python", "release", "distributions", "packages"}
