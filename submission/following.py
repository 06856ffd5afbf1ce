"""A run told to the person at the command line: while it goes on, how it ended, and why it failed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from submission.duration import duration
from submission.errors import SubmissionError, UnknownTask
from submission.pods import last_lines, log_of, remains_of
from submission.progress import Progress, ending
from submission.runs import STATUS_OF, STILL_RUNNING
from submission.tasks import ENDED
from submission.waiting import wait

if TYPE_CHECKING:
    from rich.console import Console

    from submission.connection import Connection
    from submission.runs import Run, Runs
    from submission.tasks import Task
    from submission.waiting import Patience

_MARKS = {"SUCCEEDED": "✓", "FAILED": "✗", "CANCELED": "✗", "SKIPPED": "·"}
_SHOWN = 5  # failed tasks; those of a loop usually fail for one reason


def follow(connection: Connection, runs: Runs, run: Run, patience: Patience, console: Console) -> int:
    """Wait for a run, showing its tasks; returns the exit status (`STATUS_OF`, `STILL_RUNNING`).

    Ctrl-C ends the wait, not the run: it says so, and is raised again.
    """
    try:
        with Progress(console) as progress:
            run = wait(runs, run, patience, progress)
    except KeyboardInterrupt:
        print(f"\n{_goes_on(run)}", file=sys.stderr)
        raise
    except SubmissionError as error:
        print(f"{error}\n{_goes_on(run)}", file=sys.stderr)
        return STILL_RUNNING
    if not run.is_over:
        print(f"Not over after {patience.timeout or 0:.0f} s. {_goes_on(run)}", file=sys.stderr)
        return STILL_RUNNING
    summary = _summary(run)
    _line(console, f"{summary[0].upper()}{summary[1:]}")
    show_failures(connection, console, run)
    return STATUS_OF[run.state]


def show_run(console: Console, run: Run) -> None:
    """Print a run and its tasks."""
    now = datetime.now(UTC)
    width = max((len(task.label) for task in run.tasks), default=0)
    _line(console, f"{run.name}: {_summary(run)}\n{run.run_id}  {run.link}")
    for task in run.tasks:
        seconds = task.seconds(now)
        so_far = f"{task.state.lower()}{'' if seconds is None else f' for {duration(max(0.0, seconds))}'}"
        state = ending(task) if task.state in ENDED else so_far
        _line(console, f"{_MARKS.get(task.state, '…')} {task.label:<{width}}  {state}")


def show_failures(connection: Connection, console: Console, run: Run) -> None:
    """Print why tasks failed: the API's own words, the pod's end, and the last lines of its log."""
    if run.error and run.state != "SUCCEEDED":
        _line(console, f"\n{run.error}")
    for task in run.failed[:_SHOWN]:
        _line(console, f"\n{task.label} failed{f': {task.error}' if task.error else ''}")
        if task.pods:
            _line(console, f"  pod {task.pods[-1]} in the namespace {connection.pod_namespace}")
        remains = remains_of(connection, run.run_id, task)
        if remains.ending:
            _line(console, f"  {remains.ending}")
        for line in remains.log.splitlines():
            _line(console, f"  | {line}")
        if remains.obstacle:
            _line(console, f"  {remains.obstacle}")
    if len(run.failed) > _SHOWN:
        _line(console, f"\n… and {len(run.failed) - _SHOWN} more: python pipeline.py logs {run.run_id}")


def show_logs(connection: Connection, run: Run, wanted: str | None, tail: int) -> int:
    """Print the logs of a run's tasks, or of those that are called so; returns 1 if one couldn't be had, else 0.

    Raises `UnknownTask`.
    """
    status = 0
    for task in _called(run, wanted):
        for pod in task.pods:
            print(f"==> {task.label} (pod {pod})", flush=True)
            try:
                print(last_lines(log_of(connection, run.run_id, pod), tail), flush=True)
            except SubmissionError as error:
                print(f"its log can't be had: {str(error).splitlines()[0]}", file=sys.stderr)
                status = 1
        if not task.pods:
            reason = "its outputs are those of an earlier run" if task.is_cached else "no pod of it has begun"
            print(f"==> {task.label}: {reason}", flush=True)
    return status


def _called(run: Run, wanted: str | None) -> list[Task]:
    if wanted is None:
        return list(run.tasks)
    name = " ".join(wanted.split()).casefold()
    found = [
        task for task in run.tasks if name in (task.name.casefold(), task.label.casefold(), task.key.casefold())
    ] or [task for task in run.tasks if task.label.casefold().startswith(f"{name} ·")]
    if not found:
        known = ", ".join(dict.fromkeys(f"'{task.label}'" for task in run.tasks)) or "none yet"
        raise UnknownTask(f"the run {run.run_id} has no task {wanted!r}; it has: {known}.")
    return found


def _summary(run: Run) -> str:
    count = sum(task.state == "SUCCEEDED" for task in run.tasks)
    tasks = f"{count} {'task' if count == 1 else 'tasks'} done"
    took = "" if not (run.finished and run.created) else duration((run.finished - run.created).total_seconds())
    verb = {"CANCELING": "is being cancelled", "CANCELED": "was cancelled"}.get(run.state, run.state.lower())
    return f"{verb}{f' after {took}' if took and run.is_over else ''}, {tasks}"


def _goes_on(run: Run) -> str:
    return (
        f"The run goes on: {run.link}\n"
        f"Look at it: python pipeline.py status {run.run_id}. End it: 'Terminate' on its page."
    )


def _line(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)
