"""Wait for a run to end.

The SDK's own wait never ends for a cancelled run, and at the first answer that doesn't come, and takes a failed run for
a completed one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from submission.errors import SubmissionError

if TYPE_CHECKING:
    from submission.runs import Run, Runs


@dataclass(frozen=True)
class Patience:
    """How long to wait, and how often to look.

    Attributes:
        poll: seconds between two looks.
        timeout: seconds until the wait ends, whatever the run does; None: no limit.
        silence: seconds for which the API may fail to answer. A server that is replaced by its next version is away for
            a minute or two.
        pause: the longest seconds between two attempts while it fails to answer.
    """

    poll: float = 5.0
    timeout: float | None = None
    silence: float = 600.0
    pause: float = 60.0


class Watcher(Protocol):
    """Whoever wants to know how the run is going."""

    def show(self, run: Run) -> None:
        """Take note of the run as it is now."""

    def say(self, text: str) -> None:
        """Take note of what happens to the wait itself."""


def wait(runs: Runs, run: Run, patience: Patience, watcher: Watcher) -> Run:
    """Look at a run until it is over; returns it as last seen, which after a timeout isn't over.

    Raises the last `SubmissionError` if the API can't be asked any more. The run goes on nonetheless.
    """
    began = heard = time.monotonic()
    failures = 0
    watcher.show(run)
    while not run.is_over:
        pause = patience.poll if not failures else min(patience.poll * 2**failures, patience.pause)
        left = None if patience.timeout is None else began + patience.timeout - time.monotonic()
        if left is not None and left <= 0:
            break
        time.sleep(pause if left is None else min(pause, left))
        try:
            run = runs.get(run.run_id)
        except SubmissionError as error:
            if not error.is_transient or time.monotonic() - heard > patience.silence:
                raise
            failures += 1
            if failures == 1:
                watcher.say(f"{str(error).splitlines()[0]} The run goes on; asking again until it answers.")
            continue
        now = time.monotonic()
        if failures:
            watcher.say(f"The API answers again, after {now - heard:.0f} s.")
        heard, failures = now, 0
        watcher.show(run)
    return run
