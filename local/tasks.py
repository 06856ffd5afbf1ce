"""The processes of a run: one for each task, with a log file and a record of what it cost."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local import child
from local.errors import TaskFailed
from local.failure import Failure, explain
from local.graph import Graph, Task, TaskId
from local.outputs import ARTIFACTS, LOGS, RUNNER_LOG, TaskRecord, iterations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType
    from typing import TextIO

    from local.progress import Progress

PROGRESS_PREFIX = "::progress "

# As a shell reports a command that it couldn't start.
_NOT_STARTED = 127

# ru_maxrss is in KiB, but in bytes on macOS.
_MEMORY_UNITS_PER_MIB = 1024**2 if sys.platform == "darwin" else 1024


@dataclass
class _Execution:
    label: str
    log: Path
    attempts: int = 0
    seconds: float = 0.0
    peak_memory_mib: float | None = None
    failure: Failure | None = None
    running: bool = False


class TaskProcesses:
    """Runs each task in a process of its own, in place of KFP's own function for that."""

    def __init__(self, graph: Graph, directory: Path, progress: Progress, environment: Mapping[str, str]) -> None:
        self._tasks: dict[str, Task] = {task.component: task for task in graph.tasks}
        self._artifacts = (directory / ARTIFACTS).resolve()
        self._logs = directory / LOGS
        self._progress = progress
        self._environment = environment
        self._lock = threading.Lock()
        self._executions: dict[TaskId, _Execution] = {}
        self._processes: set[subprocess.Popen[str]] = set()
        self._stopping = False

    def run(self, full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
        """Run a task's command, with the parameters and result of `kfp.local`'s `run_local_subprocess`."""
        self._end_if_stopping()
        task, execution = self._execution(full_command)
        self._progress.started(task, execution.label)
        began = time.monotonic()
        execution.attempts += 1
        execution.running = True
        with execution.log.open("a", encoding="utf-8") as log:
            if execution.attempts > 1:
                log.write(f"\n---- attempt {execution.attempts} ----\n")
            start = log.tell()
            try:
                exit_code, peak = self._process(full_command, {**self._environment, **(env_vars or {})}, task, log)
            finally:
                execution.seconds += time.monotonic() - began
        self._end_if_stopping()
        execution.running = False
        execution.peak_memory_mib = max((mib for mib in (execution.peak_memory_mib, peak) if mib), default=None)
        if exit_code == 0:
            execution.failure = None
            self._progress.ended(task, done=True)
            return 0
        with execution.log.open(encoding="utf-8") as log:
            log.seek(start)
            execution.failure = explain(exit_code, log.read())
        allowed = self._tasks[task.component].attempts
        if execution.attempts < allowed:
            self._progress.retrying(task, execution.attempts, allowed)
        else:
            self._progress.ended(task, done=False)
        return exit_code

    def failed(self) -> TaskFailed | None:
        """Return the error of the first task that failed for good."""
        for execution in self._executions.values():
            if failure := execution.failure:
                return TaskFailed(
                    task=execution.label,
                    exception_type=failure.exception_type,
                    reason=failure.reason,
                    traceback=failure.traceback,
                    log=execution.log,
                )
        return None

    def records(self) -> list[TaskRecord]:
        """Return what each task that was started cost."""
        return [
            TaskRecord(
                task=execution.label,
                component=task.component,
                state="stopped" if execution.running else "failed" if execution.failure else "done",
                attempts=execution.attempts,
                duration_seconds=round(execution.seconds, 3),
                peak_memory_mib=execution.peak_memory_mib,
                log=execution.log.name,
            )
            for task, execution in self._executions.items()
        ]

    @contextlib.contextmanager
    def ended_by_signals(self) -> Iterator[None]:
        """While inside, Ctrl-C and SIGTERM end all tasks, and then raise KeyboardInterrupt.

        Without it KFP waits for the tasks of a loop, and starts those still waiting. Python delivers signals only to
        the main thread: inside another one nothing changes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = [signal.signal(number, self._stop) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, previous, strict=True):
                signal.signal(number, handler)

    def _end_if_stopping(self) -> None:
        # After anything but KeyboardInterrupt KFP would go on with the next iteration or attempt.
        if self._stopping:
            raise KeyboardInterrupt

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        how = signal.SIGKILL if self._stopping else signal.SIGTERM
        self._stopping = True
        for process in tuple(self._processes):
            _signal_group(process, how)
        raise KeyboardInterrupt

    def _process(
        self, full_command: list[str], environment: Mapping[str, str], task: TaskId, log: TextIO
    ) -> tuple[int, float | None]:
        """Run the command until it ends; return its exit code and its peak memory in MiB."""
        report, report_writer = os.pipe()
        with os.fdopen(report, "rb") as report_file:
            try:
                process = subprocess.Popen(  # noqa: S603  (running the pipeline's commands is what this is for)
                    [sys.executable, "-I", "-S", child.__file__, str(report_writer), *full_command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=[report_writer],
                    env=_child_environment(environment),
                    start_new_session=True,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                hint = " (pass a value of more than 100 kB as an artifact)" if error.errno == errno.E2BIG else ""
                log.write(f"The task couldn't be started: {error.strerror}{hint}.\n")
                return _NOT_STARTED, None
            finally:
                os.close(report_writer)
            with process:
                self._processes.add(process)
                try:
                    if self._stopping:
                        _signal_group(process, signal.SIGTERM)
                    self._follow(process, task, log)
                except BaseException:
                    _signal_group(process, signal.SIGTERM)
                    if process.stdout is not None:
                        # Its end tells that the last process of the task has ended.
                        process.stdout.read()
                    raise
                finally:
                    process.wait()
                    self._processes.discard(process)
            measured = report_file.read().split()
        if not measured:
            return process.returncode or -signal.SIGKILL, None
        return int(measured[0]), round(int(measured[1]) / _MEMORY_UNITS_PER_MIB, 1)

    def _follow(self, process: subprocess.Popen[str], task: TaskId, log: TextIO) -> None:
        for line in process.stdout or ():
            if line.startswith(PROGRESS_PREFIX):
                self._progress.noted(task, line.removeprefix(PROGRESS_PREFIX).strip())
            log.write(line.removeprefix(PROGRESS_PREFIX))
            log.flush()

    def _execution(self, full_command: list[str]) -> tuple[TaskId, _Execution]:
        executor_input: dict[str, Any] = json.loads(full_command[full_command.index("--executor_input") + 1])
        # <artifacts>/<pipeline>-<time>/[<loop>-iteration-<index>/]<component>/executor_output.json
        parts = Path(executor_input["outputs"]["outputFile"]).relative_to(self._artifacts).parts
        key = TaskId(parts[-2], iterations(parts[1:-2]))
        task = self._tasks[key.component]
        items = task.items(key.iterations, executor_input.get("inputs", {}).get("parameterValues", {}))
        with self._lock:
            if key not in self._executions:
                log = self._logs / f"{self._log_name(key, items)}.log"
                self._executions[key] = _Execution(task.label(items), log)
            return key, self._executions[key]

    def _log_name(self, key: TaskId, items: list[str]) -> str:
        name = "-".join([key.component, *filter(None, (_slug(item) for item in items))])
        number = "-".join(str(index + 1) for index in key.iterations or ()) or "2"
        taken = {Path(RUNNER_LOG).stem, *(execution.log.stem for execution in self._executions.values())}
        while name in taken:
            name = f"{name}-{number}"
        return name


def _child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    merged = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
    project = str(Path(__file__).resolve().parent.parent)
    merged["PYTHONPATH"] = os.pathsep.join(filter(None, (project, merged.get("PYTHONPATH"))))
    return merged


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
