"""What the tests of `submission` share: servers, a compiled pipeline, and an environment without a developer's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import kfp
import pytest

from compilation.compile import compile_to
from pipeline import concord
from submission.connection import Connection, Endpoint
from submission.package import Package
from submission.runs import Run, Runs
from submission.versions import Uploaded, upload
from tests.submission.kfp_server import KfpServer, serving

IMAGE = f"registry.example.org/concord-pipeline-python3.11@sha256:{'a' * 64}"
PARAMETERS = {"effort": "quick", "candidates": ["svm", "extra-trees"]}


@pytest.fixture(autouse=True)
def without_own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, namespace or cluster of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith(("KFP_", "KF_", "KUBE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kube-config"))
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "no-context.json"))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The training pipeline, compiled for a cluster; tests must not change it."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_to(concord, path, IMAGE)
    return Package.read(path)


@pytest.fixture
def package(compiled: Package, tmp_path: Path) -> Package:
    """The same, in a file of the test's own."""
    path = tmp_path / "pipeline.yaml"
    path.write_bytes(compiled.path.read_bytes())
    return replace(compiled, path=path)


@pytest.fixture
def server() -> Iterator[KfpServer]:
    """A server of one namespace, to which nothing has been uploaded."""
    with serving() as found:
        yield found


def connect(server: KfpServer) -> Connection:
    """A connection without credentials."""
    return Connection(Endpoint(server.url))


@pytest.fixture
def connection(server: KfpServer) -> Connection:
    """A connection to `server`."""
    return connect(server)


@pytest.fixture
def version(connection: Connection, package: Package) -> Uploaded:
    """The pipeline, uploaded."""
    return upload(connection, package, "0.1.0+3f2a9c41d07e")


def begin(connection: Connection, version: Uploaded, runs: Runs | None = None) -> Run:
    """A run of it."""
    return (runs or Runs(connection)).begin(
        version, PARAMETERS, name="heart quick", experiment="heart", service_account=None
    )
