# No `from __future__ import annotations`: KFP reads the annotations of components.
import builtins
import logging
import warnings
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from kfp.local import config, logging_utils, subprocess_task_handler
from kfp.local.orchestrator import task_executor

from local import (
    Progress,
    TaskFailed,
    run_pipeline,
)

Compile = Callable[[Any], Path]
OPTIONS: dict[str, Any] = {"base_image": "python:3.11", "install_kfp_package": False, "packages_to_install": []}


@dsl.component(**OPTIONS)
def word(text: str) -> str:
    return text


def global_state() -> list[object]:
    root = logging.getLogger()
    return [
        subprocess_task_handler.run_local_subprocess,
        subprocess_task_handler.replace_python_executable,
        logging_utils.local_logger_context,
        logging_utils.indented_print,
        logging_utils.print_horizontal_line,
        logging_utils.color_text,
        config.LocalExecutionConfig.instance,
        task_executor.time,
        builtins.print,
        list(root.handlers),
        root.level,
        list(warnings.filters),
    ]


def test_prints_nothing_but_the_progress(
    compiled: Compile, tmp_path: Path, capfd: pytest.CaptureFixture[str], progress: Progress, screen: StringIO
) -> None:
    @dsl.component(base_image="registry.example/own:1", install_kfp_package=False, packages_to_install=[])
    def other_image() -> None:
        print("loud")

    @dsl.pipeline(name="quiet")
    def quiet() -> None:
        other_image().set_cpu_limit("1")

    package = compiled(quiet)
    capfd.readouterr()
    run_pipeline(package, {}, tmp_path / "run", progress)

    assert capfd.readouterr() == ("", "")
    assert [line[10:25] for line in screen.getvalue().splitlines()] == ["other-image … d", "1 task done in "]


def test_leaves_this_process_as_it_was(training_package: Path, tmp_path: Path, progress: Progress) -> None:
    before = global_state()
    run_pipeline(training_package, {}, tmp_path / "run", progress)

    assert global_state() == before


def test_leaves_this_process_as_it_was_also_after_a_failure(
    failing_package: Path, tmp_path: Path, progress: Progress
) -> None:
    before = global_state()
    with pytest.raises(TaskFailed):
        run_pipeline(failing_package, {}, tmp_path / "run", progress)

    assert global_state() == before


def test_passes_values_and_paths_that_contain_python3_unchanged(
    compiled: Compile, tmp_path: Path, progress: Progress
) -> None:
    @dsl.pipeline(name="python3")
    def python3(text: str) -> None:
        word(text=text)

    directory = tmp_path / "runs of python3.11"
    outputs = run_pipeline(compiled(python3), {"text": "python3"}, directory, progress)

    assert outputs.parameter("word") == "python3"
