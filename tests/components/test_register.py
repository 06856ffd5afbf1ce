from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from kfp import dsl

from components.errors import TrackingUnreachable
from components.register import check_tracking, register
from components.tracking.client import ARTIFACT_LOCATION, CHALLENGER, CHAMPION, connection, version_with_alias
from contract.errors import CorruptBundle
from tests.components.artifacts import Artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from components.tracking.registration import Registered
    from tests.conftest import FinishedRun


@pytest.fixture
def artifacts(finished: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Artifacts:
    """The finished run's, whose database the test has a copy of; new experiments keep their artifacts apart."""
    database = shutil.copy(finished.runs / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.setenv(ARTIFACT_LOCATION, (tmp_path / "artifacts").as_uri())
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    return Artifacts(finished)


def run(artifacts: Artifacts, bundle: dsl.Artifact) -> Registered:
    found: Registered = register.python_func(
        "again",
        "run-42",
        "0f3c9d1",
        artifacts.artifact("ingest", "contract"),
        artifacts.artifact("select", "selected"),
        artifacts.artifact("package", "parity"),
        artifacts.artifact("explore", "page"),
        artifacts.artifact("report", "page"),
        bundle,
    )
    return found


def test_it_registers_the_next_version_as_the_challenger(artifacts: Artifacts) -> None:
    registered = run(artifacts, artifacts.artifact("package", "bundle"))
    assert registered.version == "2"
    with connection() as client:
        logged = client.get_run(registered.mlflow_run)
        kept = {item.path for item in client.list_artifacts(registered.mlflow_run)}
        aliases = {alias: version_with_alias(client, "heart", alias) for alias in (CHALLENGER, CHAMPION)}
    assert logged.data.tags["pipeline_run"] == "run-42"
    assert kept == {"bundle", "evaluation.json", "exploration.html", "report.html"}
    assert {alias: str(found and found.version) for alias, found in aliases.items()} == {
        CHALLENGER: "2",
        CHAMPION: "1",
    }


def test_a_corrupt_bundle_is_never_registered(artifacts: Artifacts, tmp_path: Path) -> None:
    bundle = shutil.copytree(artifacts.run.bundle, tmp_path / "bundle")
    (bundle / "MODEL_CARD.md").write_text("The best model ever.")
    with pytest.raises(CorruptBundle, match=r"MODEL_CARD\.md: was changed after the bundle was sealed"):
        run(artifacts, dsl.Artifact(uri=str(bundle)))
    with connection() as client:
        assert [str(version.version) for version in client.search_model_versions("name = 'heart'")] == ["1"]
        assert client.get_experiment_by_name("again") is None


@pytest.mark.usefixtures("artifacts")
def test_the_check_names_where_mlflow_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_tracking.python_func("another") == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(TrackingUnreachable, match="MLFLOW_TRACKING_URI isn't set"):
        check_tracking.python_func("another")
