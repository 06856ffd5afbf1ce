from __future__ import annotations

import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from mlflow.exceptions import MlflowException

from components.errors import TrackingUnreachable
from components.tracking.client import (
    CHALLENGER,
    CHAMPION,
    check,
    connection,
    download_bundle,
    experiment_id,
    keep,
    log,
    nested_run,
    pipeline_run,
    register_bundle,
    tracking_uri,
    version_with_alias,
    without_password,
)
from contract.errors import CorruptBundle
from tests.conftest import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

SECONDS = 30
"""MLflow's own defaults take over two minutes for a server, and as long for a database."""


class Website(BaseHTTPRequestHandler):
    """Answers everything with a page, as a wrong port or a login in front of MLflow does."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Welcome!</html>")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Overloaded(Website):
    status = 503


@pytest.fixture
def website(request: pytest.FixtureRequest) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    (folder / "model.onnx").write_bytes(bytes(range(256)))
    return folder


def registered(client: MlflowClient, bundle: Path, model: str) -> str:
    with pipeline_run(client, "tests", "a run", {}) as run:
        return register_bundle(client, model, run, bundle, tags={"digest": "d1"}, description="A model.")


def held(client: MlflowClient, model: str, alias: str) -> ModelVersion:
    version = version_with_alias(client, model, alias)
    assert version is not None
    return version


def test_without_a_uri_it_says_what_to_set() -> None:
    with pytest.raises(TrackingUnreachable, match=r"MLFLOW_TRACKING_URI isn't set. Set it to a server \(http://"):
        check("tests")


@pytest.mark.parametrize(
    "uri",
    [
        "http://ann:se/cret@tracker:5000",
        "http://ann:secret@tracker:port",
        "http://[tracker",
        "http://",
        "https://:5000",
    ],
)
def test_what_is_no_uri_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingUnreachable, match="MLFLOW_TRACKING_URI is no valid URI") as caught:
        tracking_uri()
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("http://tracker:5000/base", "http://tracker:5000/base"),
        ("https://ann:secret@tracker:5000", "https://…@tracker:5000"),
        ("postgresql+psycopg2://ann:s%40cret@db:5432/mlflow?password=other", "postgresql+psycopg2://…@db:5432/mlflow"),
    ],
)
def test_a_uri_is_shown_without_its_password(uri: str, shown: str) -> None:
    assert without_password(uri) == shown


def refused(monkeypatch: pytest.MonkeyPatch, uri: str) -> str:
    """What `check` says of it, which comes soon."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    started = time.monotonic()
    with pytest.raises(TrackingUnreachable) as caught:
        check("tests")
    assert time.monotonic() - started < SECONDS
    assert caught.value.__suppress_context__
    assert "secret" not in str(caught.value)
    return str(caught.value)


def test_a_closed_port(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, "http://ann:secret@127.0.0.1:9")
    assert message.startswith("MLflow at http://…@127.0.0.1:9 can't be used: API request to http://…@127.0.0.1:9/")
    assert "Connection refused" in message
    assert message.endswith(
        "Start it, or correct MLFLOW_TRACKING_URI; on one machine, unset it to use a database in the folder of runs."
    )


@pytest.mark.parametrize("website", [Website], indirect=True)
def test_a_server_that_is_no_mlflow(monkeypatch: pytest.MonkeyPatch, website: str) -> None:
    message = refused(monkeypatch, website)
    assert f"MLflow at {website} can't be used" in message
    assert "not in a valid JSON format. Response body: '<html>Welcome!</html>'" in message


@pytest.mark.parametrize("website", [Overloaded], indirect=True)
def test_a_server_that_can_not_answer(monkeypatch: pytest.MonkeyPatch, website: str) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    assert "too many 503 error responses" in refused(monkeypatch, website)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("sqlite:////proc/mlflow.db", "unable to open database file"),
        ("sqlite:////dev/null/mlflow.db", "Not a directory|File exists"),
        ("carrier://ann:secret@pigeon", "got unsupported URI 'carrier://…@pigeon'"),
        ("postgresql://ann:secret@127.0.0.1:9/mlflow", "No module named 'psycopg2'|refused"),
        ("mlruns", "filesystem tracking backend"),
    ],
)
def test_other_places_that_can_not_be_used(monkeypatch: pytest.MonkeyPatch, uri: str, reason: str) -> None:
    message = refused(monkeypatch, uri)
    assert message.startswith(f"MLflow at {without_password(uri)} can't be used: ")
    assert any(text in message for text in reason.split("|"))


def test_a_database_of_something_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, this is no database at all.")
    assert "file is not a database" in refused(monkeypatch, f"sqlite:///{path}")
    assert path.read_text().startswith("Dear Sir")


def test_check_makes_the_database_its_folder_and_the_experiment(database: str) -> None:
    with connection() as client:
        assert client.get_experiment_by_name("first") is not None  # in the copy of what it made
        assert client.get_experiment_by_name("tests") is None
        assert check("tests") == database
        assert client.get_experiment_by_name("tests") is not None


def test_it_is_used_without_a_warning(database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "from components.tracking.client import check; print(check('tests'))"],
        cwd=PROJECT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == database
    assert "Warning" not in done.stderr


def test_an_experiment_is_made_once(client: MlflowClient) -> None:
    assert experiment_id(client, "twice") == experiment_id(client, "twice")


def test_a_deleted_experiment_stops_the_check_and_not_the_end_of_the_run(client: MlflowClient) -> None:
    client.delete_experiment(experiment_id(client, "gone"))
    with pytest.raises(
        TrackingUnreachable, match=r"the experiment 'gone' was deleted in MLflow\. Restore it .*--experiment-id"
    ):
        check("gone")


def test_runs_are_nested_finished_and_hold_what_was_logged(client: MlflowClient, tmp_path: Path) -> None:
    with pipeline_run(client, "tests", "outer", {"dataset": "heart"}) as outer:
        log(
            client,
            outer,
            {"C": 0.1, "depth": None, "long": "x" * 9000},
            {"auc": 0.9, "undefined": float("nan"), "endless": float("inf")},
        )
        with nested_run(client, outer, "inner", {"kind": "svm"}) as inner:
            keep(client, inner, {"plots/curve.svg": "<svg>ü</svg>"})
    parent, child = client.get_run(outer), client.get_run(inner)
    assert (parent.info.status, child.info.status) == ("FINISHED", "FINISHED")
    assert parent.data.params == {"C": "0.1", "depth": "None", "long": "x" * 6000}
    assert parent.data.metrics == {"auc": 0.9}
    assert parent.data.tags["dataset"] == "heart"
    assert child.data.tags["mlflow.parentRunId"] == outer
    assert child.info.experiment_id == parent.info.experiment_id
    kept = Path(client.download_artifacts(inner, "plots/curve.svg", str(tmp_path)))
    assert kept.read_text(encoding="utf-8") == "<svg>ü</svg>"


def test_a_run_whose_body_fails_is_marked_as_failed(client: MlflowClient) -> None:
    found = []

    def fail() -> None:
        with pipeline_run(client, "tests", "outer", {}) as outer, nested_run(client, outer, "inner", {}) as inner:
            found.extend([outer, inner])
            raise KeyError("mistake")

    with pytest.raises(KeyError, match="mistake"):
        fail()
    assert [client.get_run(run).info.status for run in found] == ["FAILED", "FAILED"]


def test_a_run_begun_by_the_surroundings_is_taken_and_left_open(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = client.create_run(experiment_id(client, "kubeflow")).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", preset)
    with (
        pipeline_run(client, "tests", "ignored", {"dataset": "heart"}) as run,
        nested_run(client, run, "i", {}) as inner,
    ):
        assert run == preset
    taken, child = client.get_run(preset), client.get_run(inner)
    assert taken.info.status == "RUNNING"
    assert taken.data.tags["dataset"] == "heart"
    assert taken.info.run_name != "ignored"
    assert child.data.tags["mlflow.parentRunId"] == preset
    assert child.info.experiment_id == taken.info.experiment_id
    assert child.info.run_id != preset


def test_a_preset_run_that_does_not_exist(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    with pytest.raises(TrackingUnreachable, match=r"Run with id=0+ not found"):
        check("tests")
    with (
        pytest.raises(TrackingUnreachable, match=r"Run with id=0+ not found"),
        connection() as client,
        pipeline_run(client, "tests", "any", {"dataset": "heart"}),
    ):
        pass


def test_versions_follow_each_other_and_the_newest_challenges(
    client: MlflowClient, bundle: Path, tmp_path: Path
) -> None:
    assert version_with_alias(client, "alpha", CHALLENGER) is None
    first = registered(client, bundle, "alpha")
    assert str(held(client, "alpha", CHALLENGER).version) == first
    client.set_registered_model_alias("alpha", CHAMPION, first)
    second = registered(client, bundle, "alpha")
    challenger, champion = held(client, "alpha", CHALLENGER), held(client, "alpha", CHAMPION)
    assert (str(champion.version), str(challenger.version)) == (first, second)
    assert int(second) == int(first) + 1
    assert challenger.tags == {"digest": "d1"}
    assert str(challenger.source).endswith("/artifacts/bundle")
    assert version_with_alias(client, "alpha", "nobody") is None
    fetched = download_bundle(client, challenger, tmp_path)
    assert {path.name: path.read_bytes() for path in fetched.iterdir()} == {
        path.name: path.read_bytes() for path in bundle.iterdir()
    }


def test_a_bundle_that_is_gone_is_told_from_a_store_that_is(client: MlflowClient, bundle: Path, tmp_path: Path) -> None:
    with pipeline_run(client, "tests", "without a bundle", {}) as run:
        pass
    client.create_registered_model("beta")
    source = f"{client.get_run(run).info.artifact_uri}/bundle"
    empty = client.create_model_version("beta", source, run)
    with pytest.raises(CorruptBundle, match="version 1 of beta has no bundle among its run's artifacts"):
        download_bundle(client, empty, tmp_path)


@pytest.mark.parametrize("run_id", [None, "0" * 32])
def test_a_version_whose_run_is_gone(database: str, bundle: Path, tmp_path: Path, run_id: str | None) -> None:
    with connection() as client:
        client.create_registered_model("gamma")
        version = client.create_model_version("gamma", bundle.as_uri(), run_id)
        with pytest.raises(CorruptBundle, match="version 1 of gamma has no run any more"):
            download_bundle(client, version, tmp_path)


def test_a_tracker_that_went_away_is_not_taken_for_an_empty_one(
    database: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection() as client:
        registered(client, bundle, "alpha")
        version = held(client, "alpha", CHALLENGER)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingUnreachable, match="Connection refused"), connection() as client:
        version_with_alias(client, "alpha", CHALLENGER)
    with pytest.raises(TrackingUnreachable, match="Connection refused"), connection() as client:
        download_bundle(client, version, tmp_path)


def test_an_artifact_store_that_fails_is_named(
    database: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CONCORD_ARTIFACT_LOCATION", (tmp_path / "file" / "artifacts").as_uri())
    with connection() as client, pytest.raises(TrackingUnreachable) as caught:
        registered(client, bundle, "delta")
    assert f"the artifact store of MLflow at {database} failed to keep the bundle: " in str(caught.value)
    with connection() as client:
        assert version_with_alias(client, "delta", CHALLENGER) is None
        (run,) = client.search_runs([experiment_id(client, "tests")])
        assert run.info.status == "FAILED"


@pytest.mark.parametrize("error", [MlflowException("first line\nsecond line"), OSError(), MlflowException("")])
def test_what_fails_inside_becomes_one_line_of_ours(database: str, error: Exception) -> None:
    with pytest.raises(TrackingUnreachable) as caught, connection():
        raise error
    reason, fix = str(caught.value).splitlines()
    assert reason.removeprefix(f"MLflow at {database} can't be used: ") in {"first line", "OSError", "MlflowException"}
    assert fix.startswith("Start it")


def test_our_own_mistakes_are_not_blamed_on_mlflow(database: str) -> None:
    with pytest.raises(ZeroDivisionError), connection():
        raise ZeroDivisionError
