"""Run a compiled pipeline on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp import components
from kfp.dsl import pipeline_context
from kfp.dsl.types.type_utils import InconsistentTypeException

from local.errors import DirectoryInUse, InvalidArguments, PipelineUnreadable, RunnerFailed
from local.graph import Graph
from local.outputs import ARTIFACTS, LOGS, RUNNER_LOG, Outputs, write_records
from local.processes import Processes
from local.runner import local_runner
from local.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.execution import Engine
    from local.progress import Outcome, Progress


def run_pipeline(  # noqa: PLR0913
    package: Path,
    arguments: Mapping[str, Any],
    directory: Path,
    progress: Progress,
    environment: Mapping[str, str] | None = None,
    *,
    engine: Engine | None = None,
) -> Outputs:
    """Run a compiled pipeline, exactly as its YAML is, with KFP's local runner.

    Below `directory` it writes `artifacts`, and `logs` with one file for each task (`train.log`; in a loop
    `train-<item>.log`), `runner.log` with KFP's own messages, and `tasks.json` with each task's duration and memory.
    A task that prints a line `::progress 12/50 folds` shows `12/50 folds` beside its name.

    Args:
        package: the compiled pipeline.
        arguments: values for its parameters; those without one keep their default.
        directory: where the run goes; created if necessary, and must not hold another run.
        progress: shows the run.
        environment: environment variables for the tasks, besides those of this process.
        engine: what executes the tasks, if not processes in this Python environment; it brings its own `environment`.

    Raises:
        PipelineUnreadable, PipelineUnsupported, InvalidArguments, DirectoryInUse: before anything is started.
        TaskFailed: a task failed; the first one, if several did.
        RunnerFailed: KFP's local runner failed itself.
        KeyboardInterrupt: after Ctrl-C or SIGTERM, when all tasks have been ended.
    """
    pipeline, text = _load(package)
    graph = Graph.read(text, arguments)
    _check(arguments, pipeline, graph)
    runner_log = directory / LOGS / RUNNER_LOG
    _claim(directory)
    outcome: Outcome = "failed"
    with tempfile.TemporaryDirectory(prefix="pipeline-", ignore_cleanup_errors=True) as scratch:
        workspace = Path(scratch) / "workspace"
        workspace.mkdir()
        tasks = Tasks(graph, directory, progress)
        progress.begin(
            {
                execution: task.label(task.items(execution.iterations, {}))
                for task in graph.tasks
                for execution in task.expected()
            }
        )
        try:
            artifacts = (directory / ARTIFACTS).resolve()
            runner = (engine or Processes(environment)).runner(tasks.run, Path(scratch))
            with (
                local_runner(runner, artifacts=artifacts, workspace=workspace, log=runner_log),
                tasks.ended_by_signals(),
            ):
                pipeline(**arguments)
            outcome = "done"
        except KeyboardInterrupt:
            outcome = "stopped"
            raise
        except Exception as error:
            if failed := tasks.failed():
                raise failed from None
            raise _runner_failed(error, runner_log) from error
        finally:
            progress.finish(outcome)
            write_records(directory, tasks.records())
    return Outputs.at(directory)


def _load(package: Path) -> tuple[Any, str]:
    try:
        text = package.read_text(encoding="utf-8")
        return components.load_component_from_text(text), text
    except OSError as error:
        msg = f"The pipeline {package} can't be read: {error.strerror}."
        raise PipelineUnreadable(msg) from None
    except Exception as error:  # KFP checks nothing itself: whatever the first wrong line causes comes out
        msg = f"{package} isn't a compiled pipeline ({type(error).__name__}: {error}). Compile it again."
        raise PipelineUnreadable(msg) from error


def _check(arguments: Mapping[str, Any], pipeline: Callable[..., object], graph: Graph) -> None:
    try:
        # As a part of another pipeline it is checked and not run.
        with pipeline_context.Pipeline("check"):
            pipeline(**arguments)
    except (TypeError, ValueError, InconsistentTypeException) as error:
        takes = ", ".join(f"{name} ({kind.lower()})" for name, kind in graph.parameters.items()) or "nothing"
        msg = f"The arguments don't fit the pipeline: {error}\nIt takes: {takes}."
        raise InvalidArguments(msg) from None


def _claim(directory: Path) -> None:
    parts = (directory / ARTIFACTS, directory / LOGS)
    for part in parts:
        if part.exists():
            msg = f"{directory} already holds a run ('{part.name}' exists). Give each run a directory of its own."
            raise DirectoryInUse(msg)
    for part in parts:
        part.mkdir(parents=True)


def _runner_failed(error: Exception, log: Path) -> RunnerFailed:
    # What goes wrong inside a loop is only in the log: KFP then raises nothing but "Inner task failed".
    errors = [line for line in log.read_text(encoding="utf-8").splitlines() if " ERROR " in line]
    reason = errors[-1].partition(" ERROR ")[2] if errors else f"{type(error).__name__}: {error}"
    return RunnerFailed(f"KFP's local runner failed: {reason}\nIts log: {log}")
