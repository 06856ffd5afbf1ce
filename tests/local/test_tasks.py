# No `from __future__ import annotations`: KFP reads the annotations of components.
import os
import select
import signal
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from rich.console import Console

import local
from local import (
    Outputs,
    Progress,
    TaskFailed,
    run_pipeline,
)
from local.graph import TaskId

Compile = Callable[[Any], Path]
OPTIONS: dict[str, Any] = {"base_image": "python:3.11", "install_kfp_package": False, "packages_to_install": []}


@dsl.component(**OPTIONS)
def fail(message: str) -> None:
    raise ValueError(message)


@dsl.component(**OPTIONS)
def killed() -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@dsl.component(**OPTIONS)
def fail_once(marker: str) -> None:
    from pathlib import Path

    if Path(marker).exists():
        print("the second attempt")
        return
    Path(marker).touch()
    raise OSError("the network is down")


@dsl.component(**OPTIONS)
def wait_for_ever(item: str = "") -> None:
    import os
    import threading

    print("waiting", item)
    print("::progress", os.getpid())
    threading.Event().wait()


class RecordingProgress(Progress):
    """Keeps the notes of tasks."""

    def __init__(self) -> None:
        super().__init__(Console(file=StringIO()))
        self.notes: list[str] = []

    def noted(self, task: TaskId, note: str) -> None:
        super().noted(task, note)
        self.notes.append(f"{task.component} {task.iterations}: {note}")


class Interrupting(Progress):
    """Presses Ctrl-C as soon as `waiting` tasks told their process id."""

    def __init__(self, screen: StringIO, waiting: int, number: signal.Signals) -> None:
        super().__init__(Console(file=screen))
        self.waiting = waiting
        self.number = number
        self.processes: list[int] = []

    def noted(self, task: TaskId, note: str) -> None:
        super().noted(task, note)
        self.processes.append(os.pidfd_open(int(note)))
        if len(self.processes) == self.waiting:
            os.kill(os.getpid(), self.number)


def test_writes_one_log_for_each_task(training_package: Path, tmp_path: Path, progress: Progress) -> None:
    run_pipeline(training_package, {}, tmp_path / "run", progress)

    logs = tmp_path / "run" / "logs"
    assert {path.name for path in logs.iterdir()} == {
        "prepare.log",
        "train-logistic-regression.log",
        "train-svm.log",
        "train-random-forest.log",
        "choose.log",
        "runner.log",
        "tasks.json",
    }
    assert "\nprinted by the task\n" in (logs / "prepare.log").read_text()
    runner_log = (logs / "runner.log").read_text()
    assert "Executing task 'train'" in runner_log
    assert "\x1b" not in runner_log
    assert "printed by the task" not in runner_log


def test_keeps_logs_apart_whose_items_look_alike(training_package: Path, tmp_path: Path, progress: Progress) -> None:
    outputs = run_pipeline(training_package, {"algorithms": ["a b", "a-b", "!"]}, tmp_path / "run", progress)

    logs = {record.log for record in outputs.tasks if record.component == "train"}
    assert len(logs) == 3
    assert all(path.read_text().count("Looking for component") == 1 for path in (tmp_path / "run/logs").glob("train*"))


def test_shows_progress_lines_and_logs_them_without_their_prefix(training_package: Path, tmp_path: Path) -> None:
    progress = RecordingProgress()
    run_pipeline(training_package, {"algorithms": ["svm"]}, tmp_path / "run", progress)

    assert progress.notes == ["train (0,): 1/2 folds", "train (0,): 2/2 folds"]
    log = (tmp_path / "run" / "logs" / "train-svm.log").read_text()
    assert "\n1/2 folds\n2/2 folds\n" in log
    assert "::progress" not in log


def test_measures_what_each_task_costs(compiled: Compile, tmp_path: Path, progress: Progress) -> None:
    @dsl.component(**OPTIONS)
    def big() -> None:
        b"x" * 300 * 2**20

    @dsl.component(**OPTIONS)
    def small() -> None: ...

    @dsl.pipeline(name="memory")
    def memory() -> None:
        big()
        small()

    package = compiled(memory)
    ballast = b"x" * 300 * 2**20
    outputs = run_pipeline(package, {}, tmp_path / "run", progress)
    del ballast

    records = {record.task: record for record in outputs.tasks}
    peaks = {task: record.peak_memory_mib for task, record in records.items()}
    assert peaks["big"] is not None
    assert 300 < peaks["big"] < 500
    assert peaks["small"] is not None
    assert 1 < peaks["small"] < 200  # not the memory of this process
    assert all(record.duration_seconds > 0 for record in records.values())


def test_names_the_item_of_an_iteration_that_failed(compiled: Compile, tmp_path: Path, progress: Progress) -> None:
    @dsl.pipeline(name="failing-loop")
    def failing_loop(messages: list[str]) -> None:
        with dsl.ParallelFor(messages) as message:
            fail(message=message).set_display_name("Train")

    with pytest.raises(TaskFailed) as raised:
        run_pipeline(compiled(failing_loop), {"messages": ["some_thing"]}, tmp_path / "run", progress)

    assert (raised.value.task, raised.value.reason) == ("Train · some thing", "some_thing")
    assert raised.value.log == tmp_path / "run" / "logs" / "fail-some-thing.log"


def test_names_iterations_by_items_that_a_task_computed(
    compiled: Compile, tmp_path: Path, progress: Progress, screen: StringIO
) -> None:
    @dsl.component(**OPTIONS)
    def options() -> list[dict[str, str]]:
        return [{"algorithm": "svm"}, {"algorithm": "random_forest"}]

    @dsl.component(**OPTIONS)
    def fit(algorithm: str) -> str:
        return algorithm

    @dsl.pipeline(name="computed")
    def computed() -> None:
        with dsl.ParallelFor(options().output) as option:
            fit(algorithm=option.algorithm)

    outputs = run_pipeline(compiled(computed), {}, tmp_path / "run", progress)

    assert outputs.parameters("fit") == ["svm", "random_forest"]
    assert {record.log for record in outputs.tasks} == {"options.log", "fit-svm.log", "fit-random-forest.log"}
    assert "fit · random forest … done" in screen.getvalue()


def test_a_task_called_runner_doesnt_write_to_the_runners_log(
    compiled: Compile, tmp_path: Path, progress: Progress
) -> None:
    @dsl.component(**OPTIONS)
    def runner() -> None: ...

    @dsl.pipeline(name="clash")
    def clash() -> None:
        runner()

    [record] = run_pipeline(compiled(clash), {}, tmp_path / "run", progress).tasks

    assert record.log == "runner-2.log"
    assert "Looking for component" not in (tmp_path / "run" / "logs" / "runner.log").read_text()


def test_says_that_a_signal_ended_a_task(compiled: Compile, tmp_path: Path, progress: Progress) -> None:
    @dsl.pipeline(name="killing")
    def killing() -> None:
        killed()

    with pytest.raises(TaskFailed, match="'killed' failed: its process was ended by the signal SIGKILL") as raised:
        run_pipeline(compiled(killing), {}, tmp_path / "run", progress)
    assert raised.value.exception_type is None


def test_a_retry_appends_to_the_log_and_may_succeed(
    compiled: Compile, tmp_path: Path, progress: Progress, screen: StringIO
) -> None:
    @dsl.pipeline(name="retrying")
    def retrying(marker: str) -> None:
        fail_once(marker=marker).set_retry(2, backoff_duration="600s")  # a cluster's wait: here it is cut short

    outputs = run_pipeline(compiled(retrying), {"marker": str(tmp_path / "marker")}, tmp_path / "run", progress)

    [record] = outputs.tasks
    assert (record.state, record.attempts) == ("done", 2)
    before, after = (tmp_path / "run" / "logs" / "fail-once.log").read_text().split("\n---- attempt 2 ----\n")
    assert "OSError: the network is down" in before
    assert "\nthe second attempt\n" in after
    assert "fail-once … attempt 1 of 3 failed, trying again" in screen.getvalue()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("in_loop", [False, True])
def test_being_stopped_ends_the_tasks_first(
    compiled: Compile, tmp_path: Path, screen: StringIO, in_loop: bool, number: signal.Signals
) -> None:
    @dsl.pipeline(name="waiting")
    def waiting(items: list[str]) -> None:
        with dsl.ParallelFor(items) as item:
            wait_for_ever(item=item).set_retry(3)

    @dsl.pipeline(name="waiting-alone")
    def waiting_alone() -> None:
        wait_for_ever().set_retry(3)

    progress = Interrupting(screen, waiting=2 if in_loop else 1, number=number)
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    package, arguments = (compiled(waiting), {"items": ["a", "b", "c"]}) if in_loop else (compiled(waiting_alone), {})

    with pytest.raises(KeyboardInterrupt):
        run_pipeline(package, arguments, tmp_path / "run", progress)

    for process in progress.processes:
        assert select.select([process], [], [], 10)[0], "a task still runs"
        os.close(process)
    assert len(progress.processes) == progress.waiting
    assert screen.getvalue().splitlines()[-1].partition("s  ")[2].startswith("Stopped after ")
    records = Outputs.at(tmp_path / "run").tasks
    assert [(record.state, record.attempts) for record in records] == [("stopped", 1)] * progress.waiting
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_tasks_import_the_project_from_any_directory_and_get_the_environment(
    compiled: Compile, tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dsl.component(**OPTIONS)
    def look() -> list[str]:
        import os
        import sys

        return [os.environ["OMP_NUM_THREADS"], os.environ["FROM_TASK"], os.environ["PYTHONPATH"], *sys.path]

    @dsl.pipeline(name="looking")
    def looking() -> None:
        look().set_env_variable("FROM_TASK", "task")

    package = compiled(looking)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    outputs = run_pipeline(package, {}, Path("run"), progress, {"OMP_NUM_THREADS": "23"})

    project = str(Path(local.__file__).parent.parent)
    threads, from_task, python_path, *search_path = outputs.parameter("look")
    assert (threads, from_task, python_path) == ("23", "task", f"{project}:/nowhere")
    assert project in search_path
    assert os.environ.get("OMP_NUM_THREADS") != "23"


def test_explains_a_value_that_is_too_long_for_a_parameter(
    failing_package: Path, tmp_path: Path, progress: Progress
) -> None:
    with pytest.raises(TaskFailed, match=r"Argument list too long \(pass a value of more than 100 kB as an artifact\)"):
        run_pipeline(failing_package, {"message": "x" * 200_000}, tmp_path / "run", progress)
