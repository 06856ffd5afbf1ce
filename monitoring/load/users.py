"""Locust's part: users that draw from one traffic, at one pace, into one tally."""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from monitoring.load.connection import Connection
from monitoring.load.pace import Pace
from monitoring.load.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitoring.load.request import Answer, Request
    from monitoring.load.traffic import Traffic
    from monitoring.load.truth import Truth

_FASTEST_START = 100
"""Connections to open in a second; Locust warns about more."""
_PAUSE = 0.1
"""Seconds that a connection rests after it got no answer, lest an absent server be asked a million times."""
_LABELS_EVERY = 1.0
"""Seconds between two requests that tell labels."""
_TURN = 0.01
"""Seconds that gevent's loop is left to itself at the end: closed sockets are closed for good in its next turn."""
_GRACE = 1.0
"""Seconds beyond those of a timeout, after which a connection that is still busy is given up."""


@dataclass(frozen=True)
class Load:
    """How much to send, and for how long. `rate` is in requests per second, 0 for as fast as possible."""

    host: str
    rate: float
    connections: int
    duration: float
    """Seconds."""
    timeout: float
    """Seconds to wait for an answer."""


@dataclass
class Course:
    """What came of a load so far. `seconds` is how long it lasted; `at_limit` says that this side was too slow."""

    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    at_limit: bool = False
    mistakes: int = 0
    """How often this tool itself went wrong."""
    first_mistake: str = ""

    def mistaken(self, error: Exception) -> None:
        """Note that this tool went wrong."""
        self.first_mistake = self.first_mistake or repr(error)
        self.mistakes += 1


def drive(
    load: Load, traffic: Traffic, truth: Truth | None, show: Callable[[Course], None], show_seconds: float
) -> Course:
    """Put a load on a predictor, until its time is over or somebody presses Ctrl-C; requests under way are finished.

    `show` is called every `show_seconds`. The process must have been patched by gevent: Locust does so when it is
    imported, which is why that happens here.
    """
    from locust.env import Environment

    logging.getLogger().addHandler(logging.NullHandler())  # Locust's warnings are told by `Course` instead
    course = Course()
    over, answered = Event(), Event()
    environment: Any = Environment(
        user_classes=[_user_class(load, traffic, truth, course, over)],
        host=load.host,
    )
    environment.events.cpu_warning.add_listener(lambda **_: setattr(course, "at_limit", True))
    environment.events.user_error.add_listener(lambda exception, **_: course.mistaken(exception))
    runner = environment.create_local_runner()
    stop = _stopped_by_signals()
    started = time.monotonic()

    def watch() -> None:
        while True:
            gevent.sleep(show_seconds)
            course.seconds = time.monotonic() - started
            show(course)

    watching = gevent.spawn(watch)
    telling = gevent.spawn(_tell, load, truth, course, answered, stop) if truth else None
    runner.start(load.connections, spawn_rate=min(load.connections, _FASTEST_START))
    stop.wait(load.duration)
    course.seconds = time.monotonic() - started
    over.set()
    runner.user_greenlets.join(load.timeout + _GRACE)
    runner.quit()  # keeps the processor for a tenth of a second, so not while anything is measured
    watching.kill()
    answered.set()
    if telling:
        telling.join()
    gevent.sleep(_TURN)
    return course


def _user_class(load: Load, traffic: Traffic, truth: Truth | None, course: Course, over: Event) -> type[Any]:
    from locust import User, task
    from locust.exception import CatchResponseError, StopUser

    pace = Pace(load.rate)

    class Client(User):
        """One connection, used by one request at a time.

        It waits by itself: Locust ends a user that waits by an exception, which may come when it has begun to ask.
        """

        def on_start(self) -> None:
            self.connection = Connection(load.host, load.timeout)

        def on_stop(self) -> None:
            self.connection.close()

        @task
        def ask(self) -> None:
            while not over.wait(pace.delay()):
                request = traffic.draw()
                answer = self.connection.exchange(request)
                expected = course.tally.record(request, answer)
                self._report(request, answer, None if expected else CatchResponseError(str(answer.status)))
                if expected and truth and request.kind == "valid":
                    truth.answered(request)
                if not answer.status:
                    over.wait(_PAUSE)
            raise StopUser

        def _report(self, request: Request, answer: Answer, exception: Exception | None) -> None:
            self.environment.events.request.fire(
                request_type=request.method,
                name=f"{request.kind} {request.name}",
                response_time=answer.seconds * 1000,
                response_length=len(answer.body),
                exception=exception,
                context={},
            )

    return Client


def _tell(load: Load, truth: Truth, course: Course, answered: Event, stop: Event) -> None:
    """Tell the labels that are due, again and again; once all is `answered`, wait for the rest unless `stop` is set."""
    connection = Connection(load.host, load.timeout)
    last = False
    while not last:
        last = answered.is_set()
        for _ in range(truth.waiting // truth.at_once + 1):
            request = truth.request()
            if request is None:
                break
            answer = connection.exchange(request)
            course.tally.record(request, answer)
            truth.told(request, answer)
        if not last:
            answered.wait(_LABELS_EVERY)
        elif truth.waiting and not stop.is_set():
            last = False
            stop.wait(max(truth.seconds, _LABELS_EVERY))
    connection.close()


def _stopped_by_signals() -> Event:
    """An event that Ctrl-C and SIGTERM set; the second of them ends the process at once."""
    stop = Event()

    def end() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, end)
    return stop
