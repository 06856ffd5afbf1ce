"""What can be sent of the heart table, the predictor to send it to, and the tool as a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitoring.load import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract.schema import Contract
    from monitoring.load.rows import Rows

ROOT = Path(__file__).parents[3]
HEART = ROOT / "datasets" / "heart"


@pytest.fixture(scope="session")
def source(heart: Contract) -> Rows:
    """The heart training table, as a client sends it."""
    return rows.read(heart, HEART)


@pytest.fixture(scope="session")
def url(bundle: Path, start: Callable[..., tuple[subprocess.Popen[str], str]]) -> Iterator[str]:
    """Where a real predictor listens."""
    process, base = start(bundle)
    yield base
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture(scope="session")
def begin() -> Callable[..., subprocess.Popen[str]]:
    """Start `python -m monitoring.load` with arguments; a warning in it is an error, as in tests."""

    def start_load(*arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "monitoring.load", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start_load


@pytest.fixture(scope="session")
def load(begin: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m monitoring.load` to its end."""

    def run_load(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        process = begin(*arguments)
        printed, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, printed, errors)

    return run_load
