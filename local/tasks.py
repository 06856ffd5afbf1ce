"""The tasks of a run: each with a log file and a record of what it cost."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.errors import TaskFailed
from local.execution import NotStarted
from local.failure import Failure, explain
from local.graph import Graph, Task, TaskId
from local.outputs import ARTIFACTS, LOGS, RUNNER_LOG, TaskRecord, iterations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType
    from typing import TextIO

    from local.execution import Execution
    from local.progress import Progress

PROGRESS_PREFIX = "::progress "

# As a shell reports a command that it couldn't start.
_NOT_STARTED = 127


@dataclass
class _Cost:
    label: str
    log: Path
    attempts: int = 0
    seconds: float = 0.0
    peak_memory_mib: float | None = None
    failure: Failure | None = None
    running: bool = False


class Tasks:
    """Runs each task, in place of KFP's own function for that, and keeps what it printed and what it cost."""

    def __init__(self, graph: Graph, directory: Path, progress: Progress) -> None:
        self._tasks: dict[str, Task] = {task.component: task for task in graph.tasks}
        self._artifacts = (directory / ARTIFACTS).resolve()
        self._logs = directory / LOGS
        self._progress = progress
        self._lock = threading.Lock()
        self._executions: dict[TaskId, _Cost] = {}
        self._running: set[Execution] = set()
        self._stopping = False

    def run(self, full_command: list[str], start: Callable[[], AbstractContextManager[Execution]]) -> int:
        """Run a task to its end; returns its exit code.

        Args:
            full_command: the task's command, which tells which task it is.
            start: starts it; may raise `NotStarted`.
        """
        self._end_if_stopping()
        task, execution = self._execution(full_command)
        self._progress.started(task, execution.label)
        began = time.monotonic()
        execution.attempts += 1
        execution.running = True
        with execution.log.open("a", encoding="utf-8") as log:
            if execution.attempts > 1:
                log.write(f"\n---- attempt {execution.attempts} ----\n")
            beginning = log.tell()
            try:
                exit_code, peak = self._execute(start, task, log)
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
            log.seek(beginning)
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
        for execution in tuple(self._running):
            execution.stop(how)
        raise KeyboardInterrupt

    def _execute(
        self, start: Callable[[], AbstractContextManager[Execution]], task: TaskId, log: TextIO
    ) -> tuple[int, float | None]:
        """Execute a task until it ends; return its exit code and its peak memory in MiB."""
        try:
            with start() as execution:
                self._running.add(execution)
                try:
                    if self._stopping:
                        execution.stop(signal.SIGTERM)
                    self._follow(execution, task, log)
                    return execution.result()
                except BaseException:
                    execution.stop(signal.SIGTERM)
                    for _ in execution.lines():
                        pass
                    raise
                finally:
                    self._running.discard(execution)
        except NotStarted as error:
            log.write(f"The task couldn't be started: {error}.\n")
            return _NOT_STARTED, None

    def _follow(self, execution: Execution, task: TaskId, log: TextIO) -> None:
        for line in execution.lines():
            if line.startswith(PROGRESS_PREFIX):
                self._progress.noted(task, line.removeprefix(PROGRESS_PREFIX).strip())
            log.write(line.removeprefix(PROGRESS_PREFIX))
            log.flush()

    def _execution(self, full_command: list[str]) -> tuple[TaskId, _Cost]:
        executor_input: dict[str, Any] = json.loads(full_command[full_command.index("--executor_input") + 1])
        # <artifacts>/<pipeline>-<time>/[<loop>-iteration-<index>/]<component>/executor_output.json
        parts = Path(executor_input["outputs"]["outputFile"]).relative_to(self._artifacts).parts
        key = TaskId(parts[-2], iterations(parts[1:-2]))
        task = self._tasks[key.component]
        items = task.items(key.iterations, executor_input.get("inputs", {}).get("parameterValues", {}))
        with self._lock:
            if key not in self._executions:
                log = self._logs / f"{self._log_name(key, items)}.log"
                self._executions[key] = _Cost(task.label(items), log)
            return key, self._executions[key]

    def _log_name(self, key: TaskId, items: list[str]) -> str:
        name = "-".join([key.component, *filter(None, (_slug(item) for item in items))])
        number = "-".join(str(index + 1) for index in key.iterations or ()) or "2"
        taken = {Path(RUNNER_LOG).stem, *(execution.log.stem for execution in self._executions.values())}
        while name in taken:
            name = f"{name}-{number}"
        return name


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
