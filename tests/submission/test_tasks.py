from __future__ import annotations

from datetime import UTC, datetime, timedelta

import kfp_server_api as api

from submission.outline import Outlined
from submission.tasks import tasks_of
from tests.submission.workflow import BEGAN, Told, workflow

OUTLINE = {
    "ingest": Outlined("Ingest"),
    "train": Outlined("Train", ("svm", "extra-trees")),
    "evaluate": Outlined("Evaluate"),
}


def test_only_tasks_are_shown_and_none_of_the_engines_own_nodes() -> None:
    details = workflow("r", {"ingest": Told(), "train[0]": Told(), "train[1]": Told("RUNNING")})
    assert len(details) > 15
    found = tasks_of(details, OUTLINE)

    assert sorted(task.label for task in found) == ["Ingest", "Train · extra-trees", "Train · svm"]
    assert {task.key: task.state for task in found} == {
        "ingest": "SUCCEEDED",
        "train[0]": "SUCCEEDED",
        "train[1]": "RUNNING",
    }


def test_a_pipeline_that_isnt_known_shows_the_same_tasks_by_their_names() -> None:
    found = tasks_of(workflow("r", {"ingest": Told(), "train[0]": Told(), "train[1]": Told()}), {})
    assert sorted(task.label for task in found) == ["ingest", "train · 1", "train · 2"]


def test_durations_are_the_clusters_and_an_end_that_isnt_set_is_none() -> None:
    (done,) = tasks_of(workflow("r", {"ingest": Told(seconds=4.2)}), OUTLINE)
    (running,) = tasks_of(workflow("r", {"ingest": Told("RUNNING")}), OUTLINE)

    assert done.seconds(datetime.now(UTC)) == 4.2
    assert running.ended is None
    assert running.seconds(BEGAN + timedelta(seconds=9)) == 9


def test_the_newest_attempts_pod_comes_last() -> None:
    (task,) = tasks_of(workflow("r", {"ingest": Told("FAILED", attempts=3)}), OUTLINE)
    assert task.pods == tuple(f"concord-x7k2p-ingest-executor-{number}" for number in range(3))


def test_outputs_of_an_earlier_run_are_known_by_the_executor_that_was_left_out() -> None:
    (cached,) = tasks_of(workflow("r", {"ingest": Told(is_cached=True)}), OUTLINE)
    (computed,) = tasks_of(workflow("r", {"ingest": Told()}), OUTLINE)

    assert (cached.is_cached, cached.pods) == (True, ())
    assert not computed.is_cached


def test_a_task_whose_driver_failed_failed() -> None:
    (task,) = tasks_of(workflow("r", {"ingest": Told(driver_failed=True, error="cannot resolve inputs")}), OUTLINE)
    assert (task.label, task.state) == ("Ingest", "FAILED")
    assert task.error == "cannot resolve inputs"
    assert task.pods == ("concord-x7k2p-ingest-driver",)


def test_an_error_may_be_in_the_history_alone() -> None:
    detail = api.V2beta1PipelineTaskDetail(
        task_id="1",
        display_name="ingest",
        state="FAILED",
        pod_name="pod",
        state_history=[
            api.V2beta1RuntimeStatus(state="RUNNING"),
            api.V2beta1RuntimeStatus(state="FAILED", error=api.GoogleRpcStatus(message="OOMKilled")),
        ],
    )
    (task,) = tasks_of([detail], OUTLINE)
    assert (task.error, task.pods) == ("OOMKilled", ("pod",))


def test_parents_may_be_told_by_the_children_too() -> None:
    details = workflow("r", {"train[1]": Told()})
    pods = {detail.pod_name: detail for detail in details}
    for detail in details:
        for child in detail.child_tasks or ():
            pods[child.pod_name].parent_task_id = detail.task_id
    for detail in details:
        detail.child_tasks = None
    assert [task.label for task in tasks_of(details, OUTLINE)] == ["Train · extra-trees"]


def test_nothing_has_begun_yet() -> None:
    assert tasks_of(None, OUTLINE) == []
    assert tasks_of([api.V2beta1PipelineTaskDetail(task_id="1")], OUTLINE) == []
