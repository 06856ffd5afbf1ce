"""The command `schedule`: runs on Kubeflow Pipelines that begin by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.cluster_run import (
    AllowTag,
    Candidates,
    Connect,
    Effort,
    Experiment,
    Image,
    Memory,
    NoCache,
    ServiceAccount,
    Sources,
    training,
    uploaded,
)
from commands.here import EffortName
from contract.document import load_contract
from local.workspace import contract_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from submission.schedules import Schedule


def schedule_command(pipelines: Mapping[str, Any]) -> Callable[..., None]:
    def schedule(  # noqa: PLR0913  (an option each)
        connect: Connect,
        *,
        dataset: Annotated[str | None, typer.Argument(help="a folder of datasets/, as it is in the image")] = None,
        cron: Annotated[
            str | None,
            typer.Option(
                metavar="FIELDS",
                help="when, in UTC: minute hour day month weekday, such as '30 6 * * 1'; or six fields, with the second"
                " before them, as Kubeflow Pipelines has it",
            ),
        ] = None,
        name: Annotated[str | None, typer.Option(help="of the schedule [default: concord-DATASET]")] = None,
        listed: Annotated[bool, typer.Option("--list", help="list the schedules instead")] = False,
        delete: Annotated[bool, typer.Option("--delete", help="delete the schedule instead; its runs stay")] = False,
        catchup: Annotated[
            bool, typer.Option("--catchup/--no-catchup", help="make up for runs whose time went by unused")
        ] = False,
        image: Image = None,
        effort: Effort = EffortName.STANDARD,
        candidate: Candidates = None,
        source: Sources = None,
        experiment: Experiment = None,
        service_account: ServiceAccount = None,
        no_cache: NoCache = False,
        allow_tag: AllowTag = False,
        memory: Memory = None,
    ) -> None:
        """Train on Kubeflow Pipelines again and again; the times are in UTC, not in yours.

        The same command given again changes nothing. Another one of the same name replaces the schedule: the new one
        is there before the old one goes. UTC holds unless the cluster's administrator set CRON_SCHEDULE_TIMEZONE of
        ml-pipeline-scheduledworkflow; the next three times are shown in UTC and in your time zone.
        """
        from submission import schedules
        from submission.cron import Cron

        if listed:
            _show(schedules.schedules(connect(), name))
            return
        if not dataset and not (delete and name):
            raise typer.BadParameter("name a dataset, or give --list, or --delete with --name", param_hint="DATASET")
        contract = load_contract(contract_of(dataset)) if dataset else None
        called = name or f"concord-{contract.name if contract else ''}"
        if delete:
            for item in schedules.delete_named(connect(), called):
                print(f"Deleted  {called} ({item.cron}), {item.schedule_id}")
            return
        if not cron or not dataset:
            raise typer.BadParameter("say when, such as --cron '30 6 * * 1' (Mondays, 6:30 UTC)", param_hint="--cron")
        when = Cron.parse(cron, datetime.now(UTC))
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
        ) as run:
            connection = connect()
            version = uploaded(connection, run.package, run.remark)
        wanted = schedules.Wanted(
            name=called,
            experiment=experiment or run.name,
            cron=when.expression,
            version=version,
            parameters=run.parameters,
            service_account=service_account,
            catches_up=catchup,
        )
        kept = schedules.keep(connection, wanted)
        done = "in place of the one before" if kept.replaced else "new" if kept.is_new else "unchanged"
        print(f"Schedule {called} ({when.expression}), {done}\n         {kept.schedule.link}")
        for time in islice(when.times(datetime.now(UTC)), 3):
            print(f"Next     {time:%a %Y-%m-%d %H:%M:%S} UTC = {time.astimezone():%a %Y-%m-%d %H:%M:%S %Z} here")

    return schedule


def _show(found: Iterable[Schedule]) -> None:
    lines = [
        f"{item.name}  {item.cron}  {'on' if item.is_enabled else 'off'}  {item.schedule_id}\n  {item.link}"
        for item in found
    ]
    print("\n".join(lines) or "There is no schedule.")
