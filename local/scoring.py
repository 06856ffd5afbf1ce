"""The command that scores a file on this machine, without Kubeflow: what it says while it runs, and at the end."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from local.workspace import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console

    from components.scoring.counts import Counts

REFUSED = 3
"""The exit status if rows were refused and `strict` was wanted, or if no row at all was answered."""

_SECONDS_BETWEEN_LINES = 5.0


def status_of(counts: Counts, *, strict: bool) -> int:
    """The exit status: 0 or `REFUSED`."""
    return REFUSED if counts.refused and (strict or not counts.answered) else 0


def score_here(bundle: Path, source: Path, output: Path, refused: Path | None, console: Console) -> Counts:
    """Score a file and say what came of it.

    Raises `BundleError`, `UnreadableTable` or `UnwritableFile`, and KeyboardInterrupt also after SIGTERM; no file has
    changed then.
    """
    from components.scoring.job import refused_beside, score_file
    from contract.bundle import load_bundle

    model = load_bundle(bundle)
    refused = refused or refused_beside(output)
    name = f"{model.manifest.name} {model.manifest.version}"
    console.print(Text(f"{shown(source)} is answered by {name} ({model.manifest.candidate})"), soft_wrap=True)
    began = time.monotonic()
    with _interrupted_by_sigterm(), _progress(console) as progress:
        counts = score_file(model, source, output, refused, progress)
    lines = counts.in_words(time.monotonic() - began)
    lines.append(f"Answers  {shown(output)}")
    style = ""
    if counts.refused:
        style = "bold yellow" if counts.answered else "bold red"
        lines.append(f"Reasons  {shown(refused)}: the row, the value and what is allowed")
    for line in lines:
        console.print(Text(line, style=style if line.startswith(("Refused", "Reasons")) else ""), soft_wrap=True)
    return counts


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[float, Counts], None]]:
    """A bar on a terminal, elsewhere a line now and then."""
    if console.is_terminal and not console.is_dumb_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
            task = bar.add_task("Score", total=1.0)

            def move(share: float, counts: Counts) -> None:
                bar.update(task, completed=share, description=f"{counts.rows:,} rows")

            yield move
        return
    last = time.monotonic()

    def say(share: float, counts: Counts) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            console.print(Text(f"{share:.0%}, {counts.rows:,} rows, {counts.refused:,} refused"), soft_wrap=True)

    yield say


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """While inside, SIGTERM is as Ctrl-C: what is half written disappears."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
