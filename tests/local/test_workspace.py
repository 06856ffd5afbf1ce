"""Where runs lie."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract.errors import UnreadableContract
from local.errors import DirectoryInUse
from local.workspace import RUNS, Workspace, code_revision, contract_of, shown
from tests.conftest import PROJECT


def test_a_dataset_is_found_by_name_folder_and_file() -> None:
    path = PROJECT / "datasets" / "heart" / "contract.yaml"
    assert contract_of("heart") == contract_of(str(path.parent)) == contract_of(str(path)) == path


def test_a_dataset_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnreadableContract, match="there are: heart"):
        contract_of("lungs")


def test_a_used_directory_is_refused_and_a_new_one_made(tmp_path: Path) -> None:
    workspace = Workspace.create("heart", tmp_path / "new" / "run")
    assert workspace.directory.is_dir()
    (workspace.directory / "x").touch()
    with pytest.raises(DirectoryInUse, match="isn't empty"):
        Workspace.create("heart", workspace.directory)
    with pytest.raises(DirectoryInUse):
        Workspace.create("heart", workspace.directory / "x")


def test_mlflow_is_a_local_database_unless_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert workspace.environment()["MLFLOW_TRACKING_URI"] == f"sqlite:///{RUNS / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker.example:5000")
    assert not [name for name in workspace.environment() if "MLFLOW" in name or "ARTIFACT" in name]


def test_runs_can_be_moved(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", "from local.workspace import RUNS; print(RUNS)"],
        cwd=PROJECT,
        env={"CONCORD_RUNS": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(tmp_path)


def test_the_code_revision_is_a_commit_and_says_if_files_differ() -> None:
    revision = code_revision()
    assert len(revision.removesuffix("-modified")) == 40 or revision == "unknown"


def test_outside_a_checkout_the_revision_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.workspace.PROJECT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_revision() == "unknown"


def test_a_path_is_shown_the_shorter_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "runs" / "x") == "runs/x"
    assert shown(Path("/a")) == "/a"
