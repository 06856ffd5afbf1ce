from __future__ import annotations

from http import HTTPStatus

import pytest

from submission.connection import Connection, Endpoint
from submission.errors import ServerFailed
from submission.package import Package
from submission.runs import Runs
from submission.versions import Uploaded, upload
from tests.submission.conftest import PARAMETERS, begin, connect
from tests.submission.kfp_server import KfpServer, serving
from tests.submission.workflow import Told


def test_a_run_is_of_the_version_in_the_experiment_with_the_service_account(package: Package) -> None:
    with serving(namespaces=("team",)) as server:
        connection = Connection(Endpoint(server.url, "team"))
        version = upload(connection, package, "1")
        run = Runs(connection).begin(
            version, PARAMETERS, name="heart quick", experiment="hearts", service_account="trainer"
        )

        (kept,) = server.runs.values()
        (experiment,) = server.experiments.values()
        assert (experiment.display_name, experiment.namespace) == ("hearts", "team")
        assert kept.experiment_id == experiment.experiment_id
        assert kept.service_account == "trainer"
        assert kept.pipeline_version_reference.pipeline_version_id == version.version_id
        assert kept.runtime_config.parameters == PARAMETERS
        assert kept.pipeline_spec is None
        assert run.link == f"{server.url}/#/runs/details/{kept.run_id}"


def test_an_experiment_is_made_once(server: KfpServer, connection: Connection, version: Uploaded) -> None:
    begin(connection, version)
    begin(connection, version)
    assert len(server.experiments) == 1
    assert len(server.runs) == 2


def test_an_experiment_that_somebody_makes_meanwhile_is_used(
    server: KfpServer, connection: Connection, version: Uploaded
) -> None:
    begin(connection, version)
    server.fail("GET .*/experiments", HTTPStatus.OK, "{}", times=1, content_type="application/json")
    begin(connection, version)
    assert len(server.experiments) == 1


def test_the_latest_run_is_the_newest_of_the_experiment(
    server: KfpServer, connection: Connection, version: Uploaded
) -> None:
    runs = Runs(connection)
    first = begin(connection, version)
    other = runs.begin(version, {}, name="iris", experiment="iris", service_account=None)
    second = begin(connection, version)

    assert first.run_id != second.run_id
    assert runs.latest("heart").run_id == second.run_id
    assert runs.latest("iris").run_id == other.run_id
    assert runs.latest(None).run_id == second.run_id


def test_a_failure_by_cancelling_is_a_cancellation(
    server: KfpServer, connection: Connection, version: Uploaded
) -> None:
    run = begin(connection, version)
    server.ending = "FAILED"
    assert Runs(connection).get(run.run_id).state == "FAILED"
    server.history = ("RUNNING", "CANCELING")
    assert Runs(connection).get(run.run_id).state == "CANCELED"


def test_the_outline_is_read_once(server: KfpServer, connection: Connection, version: Uploaded) -> None:
    server.story = [{"ingest": Told()}]
    runs = Runs(connection)
    run = begin(connection, version, runs)
    for _ in range(3):
        assert [task.label for task in runs.get(run.run_id).tasks] == ["Ingest"]
    assert len(server.asked("GET .*/versions/")) == 1


def test_a_version_that_was_deleted_leaves_the_names(
    server: KfpServer, connection: Connection, version: Uploaded
) -> None:
    server.story = [{"ingest": Told()}]
    run = begin(connection, version)
    server.versions.clear()
    assert [task.label for task in Runs(connect(server)).get(run.run_id).tasks] == ["ingest"]


def test_a_version_that_cant_be_read_now_may_be_read_later(
    server: KfpServer, connection: Connection, version: Uploaded
) -> None:
    server.story = [{"ingest": Told()}]
    run = begin(connection, version)
    server.fail("GET .*/versions/", HTTPStatus.SERVICE_UNAVAILABLE, times=1)
    runs = Runs(connection)
    with pytest.raises(ServerFailed):
        runs.get(run.run_id)
    assert [task.label for task in runs.get(run.run_id).tasks] == ["Ingest"]
