"""Recurring runs on the server: one for each name, as last asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kfp_server_api import (
    RecurringRunMode,
    V2beta1CronSchedule,
    V2beta1RecurringRun,
    V2beta1RuntimeConfig,
    V2beta1Trigger,
)

from submission.errors import NotFound, ScheduleLeft, SubmissionError
from submission.filters import named
from submission.refusals import Asked
from submission.runs import experiment_id, reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from submission.connection import Connection
    from submission.versions import Uploaded


@dataclass(frozen=True)
class Wanted:
    """A schedule as it should be.

    Attributes:
        cron: six fields (see `cron`).
        catches_up: whether runs whose time went by, while the schedule or the cluster was off, are made up for.
    """

    name: str
    experiment: str
    cron: str
    version: Uploaded
    parameters: Mapping[str, Any]
    service_account: str | None = None
    catches_up: bool = False

    @property
    def mark(self) -> str:
        """A digest of all of it, kept in the description: whether the server has the same can be told from that."""
        parts = [
            *(self.name, self.experiment, self.cron, self.version.pipeline_id, self.version.version_id),
            *(dict(self.parameters), self.service_account, self.catches_up),
        ]
        return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


@dataclass(frozen=True)
class Schedule:
    """A schedule on the server."""

    schedule_id: str
    name: str
    cron: str
    is_enabled: bool
    created: datetime | None
    description: str
    link: str


@dataclass(frozen=True)
class Kept:
    """A schedule that the server has as wanted; `is_new` if it was made for that, in place of those `replaced`."""

    schedule: Schedule
    is_new: bool
    replaced: tuple[Schedule, ...]


def schedules(connection: Connection, name: str | None = None) -> list[Schedule]:
    """The schedules on the server, or those of one name, the newest first."""
    found = connection.every(
        connection.client.recurring_runs.recurring_run_service_list_recurring_runs,
        Asked("list the schedules", "list", "jobs"),
        "recurring_runs",
        sort_by="created_at desc",
        **({"filter": named(name)} if name else {}),
        **connection.scope,
    )
    return [_schedule(connection, item) for item in found]


def keep(connection: Connection, wanted: Wanted) -> Kept:
    """Let the server have the schedule as wanted.

    If it is there already, nothing changes. Otherwise the new one is created first and the old ones are deleted then,
    so that no time goes by without one, and a failure leaves the old one. What a failed attempt left is removed, too.

    Raises `ScheduleLeft` if an old one stays, any other `SubmissionError` if nothing was changed.
    """
    present = schedules(connection, wanted.name)
    same = next((item for item in present if item.is_enabled and wanted.mark in item.description), None)
    kept = same or _create(connection, wanted)
    replaced = [item for item in present if item.schedule_id != kept.schedule_id]
    for item in replaced:
        try:
            delete(connection, item)
        except SubmissionError as error:
            raise ScheduleLeft(
                f"'{wanted.name}' is scheduled anew ({kept.schedule_id}), but the schedule before it "
                f"({item.schedule_id}, {item.cron}) couldn't be removed, so both start runs: {error}\n"
                f"Give the same command again, or delete it on its page: {item.link}"
            ) from None
    return Kept(kept, same is None, tuple(replaced))


def delete(connection: Connection, schedule: Schedule) -> None:
    """Remove a schedule; the runs that it started stay."""
    connection.ask(
        connection.client.recurring_runs.recurring_run_service_delete_recurring_run,
        Asked(f"delete the schedule '{schedule.name}'", "delete", "jobs"),
        recurring_run_id=schedule.schedule_id,
    )


def delete_named(connection: Connection, name: str) -> list[Schedule]:
    """Remove the schedules of a name. Raises `NotFound` if there is none."""
    found = schedules(connection, name)
    if not found:
        known = ", ".join(sorted({f"'{item.name}'" for item in schedules(connection)})) or "none"
        raise NotFound(f"there is no schedule '{name}'; there are: {known}.")
    for item in found:
        delete(connection, item)
    return found


def _create(connection: Connection, wanted: Wanted) -> Schedule:
    body = V2beta1RecurringRun(
        display_name=wanted.name,
        description=f"Version {wanted.version.version} {wanted.mark}",
        experiment_id=experiment_id(connection, wanted.experiment, create=True),
        namespace=connection.namespace,
        pipeline_version_reference=reference(wanted.version),
        runtime_config=V2beta1RuntimeConfig(parameters=dict(wanted.parameters)),
        service_account=wanted.service_account,
        trigger=V2beta1Trigger(cron_schedule=V2beta1CronSchedule(cron=wanted.cron)),
        mode=RecurringRunMode.ENABLE,
        max_concurrency="1",
        no_catchup=not wanted.catches_up,
    )
    asked = Asked(f"create the schedule '{wanted.name}'", "create", "jobs")
    service = connection.client.recurring_runs.recurring_run_service_create_recurring_run
    return _schedule(connection, connection.ask(service, asked, recurring_run=body))


def _schedule(connection: Connection, found: Any) -> Schedule:
    trigger = found.trigger.cron_schedule if found.trigger else None
    return Schedule(
        schedule_id=found.recurring_run_id,
        name=found.display_name or "",
        cron=trigger.cron if trigger else "",
        is_enabled=found.status == "ENABLED" or (found.status is None and found.mode == RecurringRunMode.ENABLE),
        created=found.created_at,
        description=found.description or "",
        link=connection.schedule_link(found.recurring_run_id),
    )
