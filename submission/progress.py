"""What the user sees while a run on the cluster is waited for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from submission.duration import duration
from submission.tasks import ENDED

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import RenderableType

    from submission.runs import Run
    from submission.tasks import Task

_MARKS = {"SUCCEEDED": ("✓", "green"), "SKIPPED": ("·", "dim"), "FAILED": ("✗", "red"), "CANCELED": ("✗", "yellow")}


class Progress:
    """A `Watcher` for people: a live view on a terminal, otherwise one line for each task that ended.

    Durations are the cluster's, whose clock may differ from that of this machine by seconds.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._began = time.monotonic()
        self._run: Run | None = None
        self._told: dict[str, str] = {}
        self._spinner = Spinner("dots", style="cyan")
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(self, console=self._console, redirect_stdout=False, redirect_stderr=False)
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def show(self, run: Run) -> None:
        """Show the run as it is now."""
        self._run = run
        for task in run.tasks:
            if task.state in ENDED and self._told.get(task.key) != task.state:
                self._told[task.key] = task.state
                if self._live is None:
                    self._line(f"{task.label} … {ending(task)}")
        if self._live:
            self._live.refresh()

    def say(self, text: str) -> None:
        """Show a sentence about the wait."""
        self._line(text)

    def _line(self, text: str) -> None:
        elapsed = time.monotonic() - self._began
        self._console.print(Text(f"{elapsed:6.1f} s  {text}"), soft_wrap=True)

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2, 0, 0))
        for justify in ("left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", style="dim")
        now = datetime.now(UTC)
        for task in self._run.tasks if self._run else ():
            mark, style = _MARKS.get(task.state, ("", ""))
            seconds = task.seconds(now)
            table.add_row(
                Text(mark, style=style) if mark else self._spinner,
                Text(task.label),
                "" if seconds is None else duration(max(0.0, seconds)),
                "from the cache" if task.is_cached else "" if task.state == "SUCCEEDED" else task.state.lower(),
            )
        whole = Table.grid()
        whole.add_row(table)
        state = self._run.state.lower() if self._run else "waiting"
        whole.add_row(Text(f"{duration(time.monotonic() - self._began)}, {state}", style="bold"))
        return whole


def ending(task: Task) -> str:
    """How a task ended: `done in 4.2 s`."""
    seconds = task.seconds(task.ended) if task.ended else None
    took = "" if seconds is None else duration(max(0.0, seconds))
    if task.is_cached:
        return "taken from the cache"
    if task.state == "SUCCEEDED":
        return f"done in {took}" if took else "done"
    if task.state == "SKIPPED":
        return "skipped"
    return f"{task.state.lower()} after {took}" if took else task.state.lower()
