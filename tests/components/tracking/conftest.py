"""A database and a server of MLflow, both real."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import requests

from components.tracking.client import ARTIFACT_LOCATION, check, connection
from tests.conftest import without_mlflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mlflow.tracking import MlflowClient

READY_SECONDS = 120


@pytest.fixture(autouse=True)
def _without_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The MLflow of whoever runs the tests takes no part in them."""
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "CONCORD_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that `check` has made, folder and all, to copy: that takes seconds."""
    path = tmp_path_factory.mktemp("migrated") / "new" / "folder" / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
        assert check("first") == f"sqlite:///{path}"
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a database of the test's own, which is what `MLFLOW_TRACKING_URI` names."""
    uri = f"sqlite:///{shutil.copy(migrated, tmp_path / 'mlflow.db')}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv(ARTIFACT_LOCATION, (tmp_path / "artifacts").as_uri())
    return uri


@pytest.fixture(scope="session", autouse=True)
def _starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`mlflow server`, started before the first test of this folder: it isn't ready for twenty seconds."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = [
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "kept"),
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *stores], env=without_mlflow(), stdout=log, stderr=log, text=True, start_new_session=True
        )
    yield process, f"http://127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGTERM)  # it has workers
    process.wait()


@pytest.fixture(scope="session")
def ready(_starting: tuple[subprocess.Popen[str], str]) -> str:
    """The address of the server, which answers."""
    process, url = _starting
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return url
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
    raise AssertionError(f"no MLflow server within {READY_SECONDS} s")


@pytest.fixture
def server(ready: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, as what `MLFLOW_TRACKING_URI` names."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ready)
    return ready


@pytest.fixture(params=["database", "server"])
def client(request: pytest.FixtureRequest) -> Iterator[MlflowClient]:
    """A client of either store."""
    request.getfixturevalue(request.param)
    with connection() as client:
        yield client
