"""The bundle in this process, spoiled, and behind the one server that most tests talk to."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from contract.bundle import load_bundle, seal
from predictor.served import Served
from tests.serving import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def served(bundle: Path) -> Served:
    """The bundle loaded in this process, for the protocols' functions alone."""
    return Served("heart", load_bundle(bundle))


@pytest.fixture(scope="session")
def irises(flowers: Path) -> Served:
    """The bundle of three classes, loaded in this process."""
    return Served("iris", load_bundle(flowers))


@pytest.fixture
def records(served: Served) -> list[dict[str, Any]]:
    """Four rows that the contract answers: two plain, one with missing values, one older than usual."""
    return [dict(example.instance) for example in served.bundle.contract.examples if not example.refused]


@pytest.fixture
def copied(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle to spoil."""
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


@pytest.fixture
def reseal() -> Callable[..., None]:
    """Seal a spoiled copy again, so that only its content is wrong; `facts` differ in its manifest."""

    def seal_again(directory: Path, **facts: str) -> None:
        manifest = json.loads((directory / "manifest.json").read_bytes())
        seal(directory, {**FACTS, "contract_digest": manifest["contract_digest"], **facts})

    return seal_again


@pytest.fixture(scope="session")
def client(bundle: Path, start: Callable[..., tuple[subprocess.Popen[str], str]]) -> Iterator[httpx.Client]:
    """A client of the one server that most tests talk to."""
    process, url = start(bundle)
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture(scope="session")
def iris_client(flowers: Path, start: Callable[..., tuple[subprocess.Popen[str], str]]) -> Iterator[httpx.Client]:
    """A client of the server of three classes."""
    process, url = start(flowers)
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m predictor` to its end."""

    def run_predictor(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "predictor", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )

    return run_predictor
