"""What the user sees while a pipeline runs."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from local.graph import TaskId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

Outcome = Literal["done", "failed", "stopped"]
_MINUTE = 60.0


@dataclass
class _Row:
    label: str
    state: Literal["waiting", "running", "retrying", "done", "failed", "stopped"] = "waiting"
    began: float = 0.0
    ended: float = 0.0
    note: str = ""


class Progress:
    """Shows each task of a run: a live view on a terminal, otherwise one line for each task that ended.

    Its methods are called by the run, and may be called by several threads at once.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._lock = threading.RLock()
        self._rows: dict[TaskId, _Row] = {}
        self._began = 0.0
        self._total = ""
        self._spinner = Spinner("dots", style="cyan")
        self._live: Live | None = None

    def begin(self, tasks: Mapping[TaskId, str]) -> None:
        """Begin a run of these tasks, given with their labels in the order in which they are expected."""
        self._rows = {task: _Row(label) for task, label in tasks.items()}
        self._began = time.monotonic()
        self._total = ""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(self, console=self._console, redirect_stdout=False, redirect_stderr=False)
            self._live.start(refresh=True)

    def started(self, task: TaskId, label: str) -> None:
        """Show the task as running; a task that wasn't expected gets a row next to its component's others."""
        with self._lock:
            if task not in self._rows:
                self._insert(task, label)
            row = self._rows[task]
            row.began = row.began or time.monotonic()
            row.state, row.note = "running", ""

    def noted(self, task: TaskId, note: str) -> None:
        """Show, beside a running task, how far it says it is (live view only)."""
        with self._lock:
            self._rows[task].note = note

    def retrying(self, task: TaskId, attempt: int, attempts: int) -> None:
        """Show that an attempt at the task failed, and another one follows."""
        with self._lock:
            row = self._rows[task]
            row.state, row.note = "retrying", f"attempt {attempt} of {attempts} failed, trying again"
            self._line(row.label, row.note)

    def ended(self, task: TaskId, *, done: bool) -> None:
        """Show how the task ended."""
        with self._lock:
            row = self._rows[task]
            row.ended = time.monotonic()
            row.state, row.note = "done" if done else "failed", ""
            took = _duration(row.ended - row.began)
            self._line(row.label, f"done in {took}" if done else f"failed after {took}")

    def finish(self, outcome: Outcome) -> None:
        """End the view; what still ran was stopped, and what still waited won't run."""
        with self._lock:
            now = time.monotonic()
            for row in self._rows.values():
                if row.state in ("running", "retrying"):
                    row.state, row.ended = "stopped", now
            count = sum(row.state == "done" for row in self._rows.values())
            tasks = "1 task" if count == 1 else f"{count} tasks"
            took = _duration(now - self._began)
            self._total = {
                "done": f"{tasks} done in {took}",
                "failed": f"Failed after {took}, {tasks} done",
                "stopped": f"Stopped after {took}, {tasks} done",
            }[outcome]
        if self._live is None:
            self._line(self._total)
        else:
            self._live.stop()
            self._live = None

    def _insert(self, task: TaskId, label: str) -> None:
        rows = list(self._rows.items())
        alike = [index for index, (other, _) in enumerate(rows) if other.component == task.component]
        rows.insert(alike[-1] + 1 if alike else len(rows), (task, _Row(label)))
        unknown = TaskId(task.component, None)
        self._rows = {other: row for other, row in rows if other != unknown}

    def _line(self, *parts: str) -> None:
        if self._live is None:
            elapsed = time.monotonic() - self._began
            self._console.print(Text(f"{elapsed:6.1f} s  {' … '.join(parts)}"), soft_wrap=True)

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2, 0, 0))
        for justify in ("left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", style="dim")
        with self._lock:
            now = time.monotonic()
            for row in self._rows.values():
                table.add_row(*self._cells(row, now))
            total = self._total or _duration(now - self._began)
        table_and_total = Table.grid()
        table_and_total.add_row(table)
        table_and_total.add_row(Text(total, style="bold"))
        return table_and_total

    def _cells(self, row: _Row, now: float) -> tuple[RenderableType, ...]:
        if row.state == "waiting":
            return Text("·", style="dim"), Text(row.label, style="dim"), "", "not run" if self._total else "waiting"
        marks: dict[str, RenderableType] = {
            "done": Text("✓", style="green"),
            "failed": Text("✗", style="red"),
            "stopped": Text("✗", style="yellow"),
        }
        seconds = (row.ended or now) - row.began
        note = row.state if row.state in ("failed", "stopped") else row.note
        return marks.get(row.state, self._spinner), Text(row.label), _duration(seconds), Text(note)


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), int(_MINUTE))
    return f"{minutes} min {rest:02} s"
