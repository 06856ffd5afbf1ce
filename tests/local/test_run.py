# No `from __future__ import annotations`: KFP reads the annotations of components.
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from rich.console import Console

from local import (
    DirectoryInUse,
    InvalidArguments,
    Outputs,
    PipelineUnreadable,
    Progress,
    RunnerFailed,
    TaskFailed,
    run_pipeline,
)

Compile = Callable[[Any], Path]
OPTIONS: dict[str, Any] = {"base_image": "python:3.11", "install_kfp_package": False, "packages_to_install": []}


@dsl.component(**OPTIONS)
def fail(message: str) -> None:
    raise ValueError(message)


@dsl.component(**OPTIONS)
def word(text: str) -> str:
    return text


def test_runs_the_compiled_file_and_finds_its_outputs(
    training_package: Path, tmp_path: Path, progress: Progress
) -> None:
    outputs = run_pipeline(training_package, {"algorithms": ["svm", "random_forest"]}, tmp_path / "run", progress)

    assert outputs.parameter("prepare") == 3
    assert outputs.parameters("train") == ["svm", "random_forest"]
    assert outputs.artifact("choose", "best").read_text() == "svm of rows, random_forest of rows"
    assert Outputs.at(tmp_path / "run") == outputs


def test_runs_twice_in_one_process(
    training_package: Path, tmp_path: Path, progress: Progress, screen: StringIO
) -> None:
    first = run_pipeline(training_package, {"algorithms": ["svm"]}, tmp_path / "first", progress)
    second = run_pipeline(training_package, {"algorithms": ["knn"]}, tmp_path / "second", progress)

    assert first.artifact("choose", "best").read_text() == "svm of rows"
    assert second.artifact("choose", "best").read_text() == "knn of rows"
    assert screen.getvalue().count("3 tasks done") == 2


def test_reports_the_real_exception_of_a_task(
    failing_package: Path, tmp_path: Path, progress: Progress, screen: StringIO
) -> None:
    with pytest.raises(TaskFailed) as raised:
        run_pipeline(failing_package, {"message": "12 rows:\n  row 1 is empty"}, tmp_path / "run", progress)

    log = tmp_path / "run" / "logs" / "fail.log"
    assert str(raised.value) == (
        f"The task 'Validate' failed: InvalidTable: 12 rows:\n  row 1 is empty\nIts whole log: {log}"
    )
    assert raised.value.exception_type == "InvalidTable"
    assert raised.value.log == log
    assert raised.value.traceback.splitlines()[-2:] == [
        "ephemeral_component.fail.<locals>.InvalidTable: 12 rows:",
        "  row 1 is empty",
    ]
    assert raised.value.__suppress_context__
    assert "Validate … failed after" in screen.getvalue()
    assert "prepare" not in screen.getvalue()
    [record] = json.loads((tmp_path / "run" / "logs" / "tasks.json").read_text())
    assert (record["task"], record["state"], record["attempts"]) == ("Validate", "failed", 1)


def test_an_exit_task_runs_after_a_failure_which_stays_the_reported_one(
    compiled: Compile, tmp_path: Path, progress: Progress
) -> None:
    @dsl.component(**OPTIONS)
    def report(status: dsl.PipelineTaskFinalStatus) -> None:
        print("state:", status.state)

    @dsl.pipeline(name="handled")
    def handled() -> None:
        with dsl.ExitHandler(report()):
            fail(message="no")

    with pytest.raises(TaskFailed, match="The task 'fail' failed: ValueError: no"):
        run_pipeline(compiled(handled), {}, tmp_path / "run", progress)
    assert "state: FAILED" in (tmp_path / "run" / "logs" / "report.log").read_text()


def test_passes_on_why_kfps_runner_failed(compiled: Compile, tmp_path: Path, progress: Progress) -> None:
    @dsl.component(**OPTIONS)
    def make(path: dsl.OutputPath(int)) -> None:  # type: ignore[valid-type]
        from pathlib import Path

        Path(path).write_text("not a number")

    @dsl.pipeline(name="unreadable-output")
    def unreadable_output() -> None:
        make()

    with pytest.raises(RunnerFailed, match="Could not deserialize output 'path'"):
        run_pipeline(compiled(unreadable_output), {}, tmp_path / "run", progress)


def test_ignores_settings_for_kubernetes(compiled: Compile, tmp_path: Path, progress: Progress) -> None:
    @dsl.pipeline(name="alone")
    def alone() -> None:
        word(text="local")

    package = compiled(alone)
    platform = {
        "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-word": {"imagePullPolicy": "Always"}}}}}
    }
    package.write_text(package.read_text() + "---\n" + json.dumps(platform) + "\n")

    assert run_pipeline(package, {}, tmp_path / "run", progress).parameter("word") == "local"


def test_shows_a_live_view_on_a_terminal(
    training_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: StringIO
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    console = Console(file=screen, force_terminal=True, color_system=None, width=100)
    run_pipeline(training_package, {}, tmp_path / "run", Progress(console))

    first, last = screen.getvalue().split("5 tasks done")[0].split("✓", 1)
    labels = ["Prepare the table", "Train · logistic regression", "Train · svm", "Train · random forest", "Choose"]
    for label in labels:
        assert label in first
        assert f"✓ {label}" in "✓" + " ".join(last.split()).replace("✓  ", "✓ ")
    assert "waiting" in first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algoritms": ["svm"]}, 'unexpected keyword argument "algoritms"'),
        ({"algorithms": "svm"}, "Argument type 'STRING' is incompatible with the input type 'LIST'"),
        ({"algorithms": []}, "'algorithms' is an empty list"),
    ],
)
def test_refuses_arguments_before_anything_is_written(
    training_package: Path, tmp_path: Path, progress: Progress, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArguments, match=message):
        run_pipeline(training_package, arguments, tmp_path / "run", progress)
    assert not (tmp_path / "run").exists()


def test_names_the_parameters_of_the_pipeline_when_one_is_missing(
    compiled: Compile, tmp_path: Path, progress: Progress
) -> None:
    @dsl.pipeline(name="demanding")
    def demanding(message: str, times: int = 3) -> None:
        fail(message=f"{message} {times}")

    with pytest.raises(InvalidArguments, match=r"missing 1 required argument: message\.\nIt takes: message \(string\)"):
        run_pipeline(compiled(demanding), {}, tmp_path / "run", progress)


@pytest.mark.parametrize("content", ["", "a: [", "a: 1", "[1]", "pipelineInfo: 3", "\x00"])
def test_refuses_a_file_that_isnt_a_pipeline(tmp_path: Path, progress: Progress, content: str) -> None:
    package = tmp_path / "pipeline.yaml"
    package.write_text(content)

    with pytest.raises(PipelineUnreadable, match=r"pipeline\.yaml isn't a compiled pipeline"):
        run_pipeline(package, {}, tmp_path / "run", progress)
    assert not (tmp_path / "run").exists()


def test_says_when_there_is_no_pipeline(tmp_path: Path, progress: Progress) -> None:
    with pytest.raises(PipelineUnreadable, match="can't be read: No such file or directory"):
        run_pipeline(tmp_path / "absent.yaml", {}, tmp_path / "run", progress)


def test_never_mixes_two_runs_in_one_directory(training_package: Path, tmp_path: Path, progress: Progress) -> None:
    run_pipeline(training_package, {"algorithms": ["svm"]}, tmp_path / "run", progress)
    before = sorted(tmp_path.joinpath("run").rglob("*"))

    with pytest.raises(DirectoryInUse, match="already holds a run"):
        run_pipeline(training_package, {"algorithms": ["knn"]}, tmp_path / "run", progress)
    assert sorted(tmp_path.joinpath("run").rglob("*")) == before
