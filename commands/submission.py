"""The commands for a cluster: `upload`, `submit`, `schedule`, `status` and `logs` on Kubeflow Pipelines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from commands.cluster_run import (
    AllowTag,
    Candidates,
    Connect,
    Dataset,
    Effort,
    Experiment,
    Image,
    Memory,
    NoCache,
    ServiceAccount,
    Sources,
    compiled,
    revision_of_code,
    training,
    uploaded,
)
from commands.compilation import PipelineName
from commands.endpoint import connecting
from commands.here import EffortName
from commands.scheduling import schedule_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RunId = Annotated[str | None, typer.Argument(metavar="RUN", help="a run's id [default: the newest run]")]


def add_to(app: typer.Typer, pipelines: Mapping[str, Any]) -> None:
    """Add `upload`, `submit`, `schedule`, `status` and `logs`."""
    for command in (_upload(pipelines), _submit(pipelines), schedule_command(pipelines), status, logs):
        app.command()(connecting(command))


def _upload(pipelines: Mapping[str, Any]) -> Callable[..., None]:
    def upload(
        connect: Connect,
        *,
        image: Image = None,
        which: Annotated[PipelineName, typer.Option("--pipeline", help="train or score")] = PipelineName.TRAIN,
        allow_tag: AllowTag = False,
        memory: Memory = None,
    ) -> None:
        """Upload the pipeline to Kubeflow Pipelines as a version, named by project version and commit.

        The same pipeline uploaded again makes no second version.
        """
        defaults = revision_of_code() if which is PipelineName.TRAIN else {}
        with compiled(pipelines[which], image, allow_tag=allow_tag, memory=memory, parameters=defaults) as package:
            uploaded(connect(), package)

    return upload


def _submit(pipelines: Mapping[str, Any]) -> Callable[..., None]:
    def submit(  # noqa: PLR0913  (an option each)
        connect: Connect,
        *,
        dataset: Dataset,
        image: Image = None,
        effort: Effort = EffortName.STANDARD,
        candidate: Candidates = None,
        source: Sources = None,
        experiment: Experiment = None,
        service_account: ServiceAccount = None,
        no_cache: NoCache = False,
        allow_tag: AllowTag = False,
        memory: Memory = None,
        wait: Annotated[bool, typer.Option("--wait/--no-wait", help="follow the run until it ends")] = True,
        timeout: Annotated[
            float | None, typer.Option(metavar="MINUTES", help="stop waiting then; the run goes on [default: never]")
        ] = None,
        poll: Annotated[float, typer.Option(metavar="SECONDS", min=0.05, help="between two looks at the run")] = 5.0,
    ) -> None:
        """Train on Kubeflow Pipelines: upload the pipeline, start a run of it, and follow it.

        Status: 0 the run succeeded, 1 it failed, or it couldn't be started, 4 it was cancelled, 5 it wasn't over when
        the wait ended (timeout, or the API went silent for ten minutes). With --no-wait 0 means that it was started.
        Ctrl-C ends the wait, not the run.
        """
        from submission.runs import Runs

        with training(
            pipelines["train"],
            dataset,
            image,
            effort=effort,
            candidates=candidate or (),
            sources=source or (),
            no_cache=no_cache,
            allow_tag=allow_tag,
            memory=memory,
        ) as wanted:
            connection = connect()
            version = uploaded(connection, wanted.package, wanted.remark)
        runs = Runs(connection)
        run = runs.begin(
            version,
            wanted.parameters,
            name=f"{wanted.name} {effort} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
            experiment=experiment or wanted.name,
            service_account=service_account,
        )
        print(f"Run      {run.run_id} in the experiment {experiment or wanted.name}\n         {run.link}", flush=True)
        if wait:
            from submission.following import follow
            from submission.waiting import Patience

            patience = Patience(poll, None if timeout is None else timeout * 60)
            raise typer.Exit(follow(connection, runs, run, patience, Console()))

    return submit


def status(
    connect: Connect,
    run: RunId = None,
    experiment: Annotated[str | None, typer.Option(help="of whose runs the newest is shown [default: all]")] = None,
) -> None:
    """Show a run on Kubeflow Pipelines: its tasks, how long they took, and why they failed."""
    from submission.following import show_failures, show_run
    from submission.runs import Runs

    connection = connect()
    runs = Runs(connection)
    found = runs.get(run) if run else runs.latest(experiment)
    console = Console()
    show_run(console, found)
    show_failures(connection, console, found)


def logs(
    connect: Connect,
    run: Annotated[str, typer.Argument(metavar="RUN", help="a run's id, as submit and status show it")],
    task: Annotated[str | None, typer.Argument(help="train, or in a loop 'Train · svm' [default: all]")] = None,
    tail: Annotated[int, typer.Option(metavar="LINES", min=0, help="the last lines of each; 0: all")] = 0,
) -> None:
    """Print what the tasks of a run printed."""
    from submission.following import show_logs
    from submission.runs import Runs

    connection = connect()
    raise typer.Exit(show_logs(connection, Runs(connection).get(run), task, tail))
