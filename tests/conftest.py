"""What tests of several packages share: the real table, and one real run of the whole pipeline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from components.ingest import ingest_source
from contract.document import load_contract
from contract.schema import Contract

PROJECT = Path(__file__).resolve().parent.parent
HEART = PROJECT / "datasets" / "heart"

pytest_plugins = ("tests.serving",)


@pytest.fixture(scope="session")
def heart() -> Contract:
    """The contract of the heart table."""
    return load_contract(HEART / "contract.yaml")


@pytest.fixture(scope="session")
def cleveland(heart: Contract) -> pd.DataFrame:
    """The heart training table, typed; tests must not change it."""
    return ingest_source(heart, heart.training, HEART)[0]


@pytest.fixture(scope="session")
def sites(heart: Contract) -> dict[str, pd.DataFrame]:
    """The heart tables of the external sites, typed; tests must not change them."""
    return {name: ingest_source(heart, source, HEART)[0] for name, source in heart.external.items()}


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches what a test starts, also where the shell of pytest ignores it, as those of background jobs do.

    A process inherits that a signal is ignored.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class FinishedRun:
    """A run of `python pipeline.py run heart`: its directory, that of all runs, and what it printed."""

    directory: Path
    runs: Path
    printed: str

    @property
    def bundle(self) -> Path:
        return self.directory / "bundle"

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.runs / 'mlflow.db'}"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """One quick run of the whole pipeline with two candidates, in a place of its own; tests must not change it."""
    runs = tmp_path_factory.mktemp("runs")
    directory = runs / "first"
    done = subprocess.run(
        [
            *(sys.executable, "pipeline.py", "run", "heart", "--effort", "quick", "--output", str(directory)),
            *("--candidate", "logistic-regression", "--candidate", "random-forest"),
        ],
        cwd=PROJECT,
        env={**without_mlflow(), "CONCORD_RUNS": str(runs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return FinishedRun(directory, runs, done.stdout)


def pipeline(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python pipeline.py` as a user does."""
    return subprocess.run(
        [sys.executable, "pipeline.py", *arguments],
        cwd=PROJECT,
        env={**without_mlflow(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def without_mlflow() -> dict[str, str]:
    """This process's environment, without the MLflow server that a developer may have set."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
