"""Run the pipeline twice, as processes and inside the pipeline image, and compare: `python -m images.stages --help`."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path  # noqa: TC003  (typer reads it)
from typing import Annotated

import typer
from rich.console import Console

from commands.here import EffortName
from compilation.errors import CompilationError
from components.errors import StageError
from components.image import LOCAL_IMAGE
from contract.errors import ContractError
from images.stages.errors import StagesError
from local.errors import LocalRunError

_WIDTH = 120
"""What the tables need; a narrower window, or a pipe, gets them whole all the same."""


def main(  # noqa: PLR0913, PLR0917
    dataset: Annotated[str, typer.Option(help="a folder of datasets/, which the image has too")] = "heart",
    effort: Annotated[EffortName, typer.Option(help="as of python pipeline.py run")] = EffortName.QUICK,
    candidate: Annotated[
        list[str] | None, typer.Option(help="a candidate to train; may stand several times [default: all]")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="a new directory for both runs and comparison.json [default: runs/stages-DATASET-TIME]"),
    ] = None,
    image: Annotated[str, typer.Option(help="the pipeline image")] = LOCAL_IMAGE,
    processes: Annotated[
        Path | None, typer.Option(help="a finished run as processes to compare with, instead of a new one")
    ] = None,
) -> None:
    """Run every stage inside the pipeline image, and as a process, and compare.

    The image runs as its own user, with a root file system that can't be written to, under each stage's memory limit,
    on a network that leads to MLflow and to nothing else. Status: 0 the same, 1 if something differs that must not, or
    a run failed.
    """
    from images.stages.comparison import Finished, compare
    from images.stages.containers import memory_limits
    from images.stages.proof import Choices, run_both
    from images.stages.table import as_json, facts_table, stages_table

    console = Console()
    began = time.monotonic()
    runs = run_both(Choices(dataset, effort.value, candidate, image), output, processes, console)
    first, second = Finished.at(runs.processes), Finished.at(runs.containers)
    comparison = compare(first, second)
    runs.comparison.write_text(as_json(comparison, first, second), encoding="utf-8")
    console.width = max(console.width, _WIDTH)
    console.print()
    console.print(stages_table(first, second, memory_limits(runs.package)))
    for name, seconds in runs.seconds.items():
        console.print(f"{name}: {seconds:.1f} s from its first stage to its last", highlight=False)
    console.print()
    console.print(facts_table(comparison))
    console.print()
    if comparison.different:
        names = ", ".join(fact.name for fact in comparison.different)
        print(f"What the stages do in the image isn't what they do as processes; different: {names}", file=sys.stderr)
        raise typer.Exit(1)
    console.print(
        f"The same in every number. Both runs and the comparison took {time.monotonic() - began:.0f} s.",
        highlight=False,
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: no container and no server is left behind
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except (StagesError, CompilationError, LocalRunError, StageError, ContractError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
