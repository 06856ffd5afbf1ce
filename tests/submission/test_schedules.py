from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest

from submission.connection import Connection, Endpoint
from submission.errors import NotFound, NotPermitted, ScheduleLeft, ServerFailed
from submission.package import Package
from submission.schedules import Wanted, delete_named, keep, schedules
from submission.versions import Uploaded, upload
from tests.submission.conftest import PARAMETERS
from tests.submission.kfp_server import KfpServer, serving


@pytest.fixture
def wanted(version: Uploaded) -> Wanted:
    return Wanted("weekly", "heart", "0 30 6 * * 1", version, PARAMETERS, service_account="trainer")


def changes(server: KfpServer) -> list[str]:
    return [request.method for request in server.asked("(POST|DELETE) .*/recurringruns")]


def test_a_schedule_is_made_as_wanted(server: KfpServer, connection: Connection, wanted: Wanted) -> None:
    kept = keep(connection, wanted)
    (made,) = server.schedules.values()

    assert kept.is_new
    assert kept.schedule.link == f"{server.url}/#/recurringrun/details/{made.recurring_run_id}"
    assert made.trigger.cron_schedule.cron == "0 30 6 * * 1"
    assert (made.mode, made.no_catchup, made.max_concurrency) == ("ENABLE", True, "1")
    assert (made.service_account, made.runtime_config.parameters) == ("trainer", PARAMETERS)
    assert made.pipeline_version_reference.pipeline_version_id == wanted.version.version_id


def test_the_same_again_changes_nothing(server: KfpServer, connection: Connection, wanted: Wanted) -> None:
    first = keep(connection, wanted)
    again = keep(connection, wanted)

    assert (again.is_new, again.replaced) == (False, ())
    assert again.schedule.schedule_id == first.schedule.schedule_id
    assert changes(server) == ["POST"]


@pytest.mark.parametrize(
    "change",
    [
        {"cron": "0 0 6 * * 1"},
        {"parameters": {"effort": "standard"}},
        {"service_account": None},
        {"catches_up": True},
        {"experiment": "hearts"},
    ],
)
def test_another_one_of_its_name_takes_its_place_without_a_gap(
    server: KfpServer, connection: Connection, wanted: Wanted, change: dict[str, Any]
) -> None:
    old = keep(connection, wanted).schedule
    kept = keep(connection, replace(wanted, **change))

    assert kept.is_new
    assert [item.schedule_id for item in kept.replaced] == [old.schedule_id]
    assert list(server.schedules) == [kept.schedule.schedule_id]
    assert changes(server) == ["POST", "POST", "DELETE"]


def test_other_names_are_left_alone(server: KfpServer, connection: Connection, wanted: Wanted) -> None:
    keep(connection, wanted)
    keep(connection, replace(wanted, name="weekly of another"))
    assert len(server.schedules) == 2


def test_a_failure_leaves_the_old_one(server: KfpServer, connection: Connection, wanted: Wanted) -> None:
    old = keep(connection, wanted).schedule
    server.forbidden = {"create jobs"}
    with pytest.raises(NotPermitted, match="create the schedule 'weekly'"):
        keep(connection, replace(wanted, cron="0 0 6 * * 1"))
    assert list(server.schedules) == [old.schedule_id]
    assert changes(server).count("DELETE") == 0


def test_an_old_one_that_cant_be_removed_is_named_and_goes_the_next_time(
    server: KfpServer, connection: Connection, wanted: Wanted
) -> None:
    old = keep(connection, wanted).schedule
    server.fail("DELETE .*/recurringruns", HTTPStatus.SERVICE_UNAVAILABLE, times=1)
    with pytest.raises(ScheduleLeft, match="both start runs") as caught:
        keep(connection, replace(wanted, cron="0 0 6 * * 1"))
    assert old.schedule_id in str(caught.value)
    assert len(server.schedules) == 2

    again = keep(connection, replace(wanted, cron="0 0 6 * * 1"))
    assert not again.is_new
    assert list(server.schedules) == [again.schedule.schedule_id]


def test_one_that_was_switched_off_is_replaced(server: KfpServer, connection: Connection, wanted: Wanted) -> None:
    old = keep(connection, wanted).schedule
    server.schedules[old.schedule_id].status = "DISABLED"
    assert not schedules(connection)[0].is_enabled
    assert keep(connection, wanted).is_new
    assert [item.is_enabled for item in schedules(connection)] == [True]


def test_deleting_takes_those_of_the_name(server: KfpServer, connection: Connection, wanted: Wanted) -> None:
    keep(connection, wanted)
    kept = keep(connection, replace(wanted, name="daily")).schedule
    delete_named(connection, "weekly")
    assert list(server.schedules) == [kept.schedule_id]
    with pytest.raises(NotFound, match="there is no schedule 'weekly'; there are: 'daily'"):
        delete_named(connection, "weekly")


def test_the_namespace_is_sent(package: Package) -> None:
    with serving(namespaces=("team",)) as server:
        connection = Connection(Endpoint(server.url, "team"))
        keep(connection, Wanted("weekly", "heart", "0 0 6 * * 1", upload(connection, package, "1"), PARAMETERS))
        (made,) = server.schedules.values()
        assert made.namespace == "team"
        assert server.asked("GET .*/recurringruns")[0].query["namespace"] == "team"


def test_a_list_that_doesnt_come_makes_no_second_schedule(
    server: KfpServer, connection: Connection, wanted: Wanted
) -> None:
    keep(connection, wanted)
    server.fail("GET .*/recurringruns", HTTPStatus.SERVICE_UNAVAILABLE)
    with pytest.raises(ServerFailed):
        keep(connection, wanted)
    assert changes(server) == ["POST"]
