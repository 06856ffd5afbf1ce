from __future__ import annotations

import time
from http import HTTPStatus

import pytest

from submission.connection import Connection
from submission.errors import EndpointUnreachable, NotAuthenticated, ServerFailed
from submission.runs import Run, Runs
from submission.versions import Uploaded
from submission.waiting import Patience, wait
from tests.submission.conftest import begin
from tests.submission.kfp_server import KfpServer
from tests.submission.workflow import Told

QUICK = Patience(poll=0.02, timeout=20, pause=0.1)
RUNNING = {"ingest": Told("RUNNING")}
DONE = {"ingest": Told()}


class Witness:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.said: list[str] = []

    def show(self, run: Run) -> None:
        self.states.append(run.state)

    def say(self, text: str) -> None:
        self.said.append(text)


def waited(connection: Connection, version: Uploaded, patience: Patience = QUICK) -> tuple[Run, Witness]:
    runs, witness = Runs(connection), Witness()
    return wait(runs, begin(connection, version, runs), patience, witness), witness


@pytest.mark.parametrize("ending", ["SUCCEEDED", "FAILED", "CANCELED", "CANCELING", "SKIPPED"])
def test_every_ending_ends_the_wait(server: KfpServer, connection: Connection, version: Uploaded, ending: str) -> None:
    server.story, server.ending = [RUNNING, RUNNING, DONE], ending
    run, witness = waited(connection, version)
    assert run.state == ending
    assert run.is_over
    assert witness.states == ["PENDING", "RUNNING", "RUNNING", ending]
    assert witness.said == []


def test_a_paused_run_isnt_over(server: KfpServer, connection: Connection, version: Uploaded) -> None:
    server.ending = "PAUSED"
    run, _ = waited(connection, version, Patience(0.02, timeout=0.1))
    assert (run.state, run.is_over) == ("PAUSED", False)


def test_a_timeout_ends_the_wait_in_time(server: KfpServer, connection: Connection, version: Uploaded) -> None:
    server.story, server.ending = [RUNNING], "RUNNING"
    began = time.monotonic()
    run, _ = waited(connection, version, Patience(poll=5, timeout=0.2))
    assert not run.is_over
    assert time.monotonic() - began < 4


def test_answers_that_fail_for_a_while_are_said_once_and_outlasted(
    server: KfpServer, connection: Connection, version: Uploaded
) -> None:
    server.story = [RUNNING, DONE]
    server.fail("GET .*/runs/", HTTPStatus.SERVICE_UNAVAILABLE, "no healthy upstream", times=3)
    run, witness = waited(connection, version)

    assert run.state == "SUCCEEDED"
    failing, again = witness.said
    assert "it answers 503 Service Unavailable: no healthy upstream" in failing
    assert "The run goes on" in failing
    assert again.startswith("The API answers again, after ")


def test_refused_connections_are_outlasted_too(server: KfpServer, connection: Connection, version: Uploaded) -> None:
    server.story = [RUNNING, RUNNING, DONE]
    server.on_look = lambda look: server.away(0.3) if look == 0 else None
    run, witness = waited(connection, version)

    assert run.state == "SUCCEEDED"
    assert len(witness.said) == 2
    assert "it refuses connections" in witness.said[0] or "the connection broke" in witness.said[0]


def test_pauses_grow_while_it_fails(server: KfpServer, connection: Connection, version: Uploaded) -> None:
    server.fail("GET .*/runs/", HTTPStatus.BAD_GATEWAY)
    with pytest.raises(ServerFailed):
        waited(connection, version, Patience(poll=0.05, silence=0.4, pause=10))
    assert 2 <= len(server.asked("GET .*/runs/")) <= 5


def test_silence_that_lasts_is_an_error(server: KfpServer, connection: Connection, version: Uploaded) -> None:
    server.on_look = lambda look: server.away(60)
    server.story = [RUNNING, DONE]
    with pytest.raises(EndpointUnreachable):
        waited(connection, version, Patience(poll=0.02, silence=0.2, pause=0.05))


def test_what_waiting_wont_change_is_an_error_at_once(
    server: KfpServer, connection: Connection, version: Uploaded
) -> None:
    server.fail("GET .*/runs/", HTTPStatus.UNAUTHORIZED, "expired")
    with pytest.raises(NotAuthenticated):
        waited(connection, version)
    assert len(server.asked("GET .*/runs/")) == 1
