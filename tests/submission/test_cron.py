from datetime import UTC, datetime
from itertools import islice

import pytest

from submission.cron import Cron
from submission.errors import InvalidCron

NOW = datetime(2026, 11, 24, 22, 10, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("text", "expression", "times"),
    [
        ("30 6 * * 1", "0 30 6 * * 1", ["2026-11-30 06:30:00", "2026-12-07 06:30:00"]),
        ("15 30 6 * * 1", "15 30 6 * * 1", ["2026-11-30 06:30:15", "2026-12-07 06:30:15"]),
        ("0 0 9 ? * MON-FRI", "0 0 9 ? * MON-FRI", ["2026-11-25 09:00:00", "2026-11-26 09:00:00"]),
        (" */20  *  * * * ", "0 */20 * * * *", ["2026-11-24 22:20:00", "2026-11-24 22:40:00"]),
        ("0 3 29 2 *", "0 0 3 29 2 *", ["2028-02-29 03:00:00", "2032-02-29 03:00:00"]),
        ("0 0 * * 0,6", "0 0 0 * * 0,6", ["2026-11-28 00:00:00", "2026-11-29 00:00:00"]),
        ("0 */7 * * *", "0 0 */7 * * *", ["2026-11-25 00:00:00", "2026-11-25 07:00:00"]),
    ],
)
def test_five_fields_get_seconds_and_six_stay(text: str, expression: str, times: list[str]) -> None:
    cron = Cron.parse(text, NOW)
    assert cron.expression == expression
    assert [f"{time:%Y-%m-%d %H:%M:%S}" for time in islice(cron.times(NOW), 2)] == times


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@daily", "has 1 fields"),
        ("0 6 * *", "has 4 fields"),
        ("0 0 0 6 * * 1", "has 7 fields"),
        ("61 6 * * *", "Bad minute"),
        ("0 24 * * *", "Bad hour"),
        ("0 6 * * 7", "Sunday is 0 or SUN"),
        ("0 6 * * 5-7", "Sunday is 0 or SUN"),
        ("0 6 L * *", "'L' is no day of the month"),
        ("0 6 * * 5#2", "'5#2' is no day of the week"),
        ("0 6 31 2 *", "is no schedule"),
        ("* 30 6 * * *", "every 1 s. The first of six fields is the second"),
        ("*/30 * * * * *", "every 30 s"),
        ("ten past * * *", "'past' is no hour"),
    ],
)
def test_what_is_no_schedule_is_told_why(text: str, words: str) -> None:
    with pytest.raises(InvalidCron, match=words):
        Cron.parse(text, NOW)
