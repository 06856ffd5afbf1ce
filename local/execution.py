"""What executes a task's command: what an engine, such as `local.processes.Processes`, must offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    RunTask = Callable[[list[str], Callable[[], AbstractContextManager["Execution"]]], int]
    """Runs a task, given its command and what starts it; returns its exit code. Two threads may call it at once."""


class NotStarted(Exception):
    """A task's command couldn't be started; the text says why, and goes to the task's log."""


class Execution(Protocol):
    """A task's command that is being executed."""

    def lines(self) -> Iterable[str]:
        """Yield what it prints, a line at a time, until it has ended, and whatever it started too."""

    def result(self) -> tuple[int, float | None]:
        """Wait for its end; return its exit code (negative: a signal) and peak memory in MiB, if that was measured."""

    def stop(self, number: signal.Signals) -> None:
        """End it by a signal, with whatever it started; nothing happens if it has ended."""


class Engine(Protocol):
    """Lets KFP's local runner execute tasks its way."""

    def runner(self, run_task: RunTask, scratch: Path) -> AbstractContextManager[object]:
        """While inside, KFP's runner (which this yields) passes each task to `run_task`.

        Args:
            run_task: keeps the task's log and record.
            scratch: an empty directory on this machine, removed after the run.
        """
