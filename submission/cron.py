"""When a schedule starts runs.

Kubeflow Pipelines reads six fields, of which the first is seconds (github.com/robfig/cron, version 1), where cron
itself reads five. It goes by UTC, unless the cluster's administrator set CRON_SCHEDULE_TIMEZONE of its controller,
which the API doesn't tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

from submission.errors import InvalidCron

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_FIELDS = ("second", "minute", "hour", "day of the month", "month", "day of the week")
_UNIX = 5
_WITH_SECONDS = 6
_CHARACTERS = re.compile(r"[0-9*,/?-]+|[A-Za-z]{3}([,-][A-Za-z]{3})*")  # neither L, W nor #, which other crons know
_SHORTEST = 60  # seconds between two runs, each of which needs longer than that


@dataclass(frozen=True)
class Cron:
    """Six fields as Kubeflow Pipelines takes them: `0 30 6 * * 1`."""

    expression: str

    @classmethod
    def parse(cls, text: str, now: datetime) -> Cron:
        """Five fields, which get 0 seconds, or six. Raises `InvalidCron` also for times that never come."""
        fields = text.split()
        if len(fields) not in (_UNIX, _WITH_SECONDS):
            raise InvalidCron(
                f"{text!r} has {len(fields)} fields; it needs five (minute, hour, day of the month, month, day of the "
                "week), or six with the second before them: '30 6 * * 1' is Mondays at 6:30."
            )
        fields = fields if len(fields) == _WITH_SECONDS else ["0", *fields]
        for name, field in zip(_FIELDS, fields, strict=True):
            if not _CHARACTERS.fullmatch(field):
                raise InvalidCron(
                    f"{field!r} is no {name} that Kubeflow Pipelines knows: use numbers with * , - and /."
                )
        if re.search(r"(?<![/\d])7", fields[-1]):
            raise InvalidCron("7 is no day of the week for Kubeflow Pipelines: Sunday is 0 or SUN.")
        cron = cls(" ".join(fields))
        try:
            first, second = islice(cron.times(now), 2)
        except (CronSimError, ValueError) as error:
            reason = str(error) if isinstance(error, CronSimError) else "that time never comes"
            raise InvalidCron(f"{text!r} is no schedule: {reason}.") from None
        if (second - first).total_seconds() < _SHORTEST:
            raise InvalidCron(
                f"{text!r} would start a run every {(second - first).total_seconds():.0f} s. "
                "The first of six fields is the second: write 0 there."
            )
        return cron

    def times(self, after: datetime) -> Iterator[datetime]:
        """The times after a given one, in its time zone."""
        yield from CronSim(self.expression.replace("?", "*"), after)
