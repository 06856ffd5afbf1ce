"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from monitoring.dashboards.panel import (
    BYTES,
    BYTES_A_SECOND,
    COUNT,
    DATE,
    NUMBER,
    RATIO,
    REQUESTS,
    ROWS,
    SECONDS,
    UNITS,
)
from monitoring.drawing.unit import text


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.000_012, SECONDS, "12 µs"),
        (0.0123, SECONDS, "12.3 ms"),
        (0.00123, SECONDS, "1.23 ms"),
        (1.5, SECONDS, "1.50 s"),
        (90, SECONDS, "1.50 min"),
        (7200, SECONDS, "2 h"),
        (86_400 * 60, SECONDS, "60 d"),
        (512, BYTES, "512 B"),
        (1536, BYTES, "1.50 KiB"),
        (200 * 2**20, BYTES, "200 MiB"),
        (3.3 * 2**30, BYTES, "3.30 GiB"),
        (2**41, BYTES, "2 TiB"),
        (1536, BYTES_A_SECOND, "1.50 KiB/s"),
        (60, REQUESTS, "60/s"),
        (0.25, REQUESTS, "0.25/s"),
        (26_119, REQUESTS, "26.1 k/s"),
        (12.34, ROWS, "12.3/s"),
        (7, COUNT, "7"),
        (2_500_000, COUNT, "2.50 M"),
        (3e9, COUNT, "3 G"),
        (0.123, NUMBER, "0.12"),
        (0.5, RATIO, "50 %"),
        (0.123, RATIO, "12.3 %"),
        (0.012_34, RATIO, "1.23 %"),
        (1, RATIO, "100 %"),
        (1_700_000_000_000, DATE, "2023-11-14 22:13"),
    ],
)
def test_a_number_has_its_unit(value: float, unit: str, expected: str) -> None:
    assert text(value, unit) == expected


@pytest.mark.parametrize("unit", sorted(set(UNITS) - {DATE}))
def test_nothing_is_nothing_of_the_unit_itself(unit: str) -> None:
    said = text(0.0, unit)
    assert said.startswith("0")
    assert not any(sub in said for sub in ("µ", "m", "Ki", "k"))


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_what_is_no_number_is_told_in_every_unit(unit: str) -> None:
    assert text(math.nan, unit) == "no value"
    assert text(math.inf, unit) == "∞"
    assert text(-math.inf, unit) == "-∞"


@pytest.mark.parametrize("unit", sorted(set(UNITS) - {DATE}))
def test_what_is_below_zero_is_written_like_what_is_above(unit: str) -> None:
    for value in (0.0123, 1.5, 4321.0):
        assert text(-value, unit) == f"-{text(value, unit)}"


def test_decimals_are_kept_where_the_panel_wants_them() -> None:
    assert text(0.999_51, RATIO, 2) == "99.95 %"
    assert text(0.5, RATIO, 0) == "50 %"
    assert text(26_119, COUNT, 0) == "26119"
    assert text(0.1, NUMBER, 3) == "0.100"


def test_decimals_take_no_unit_away() -> None:
    assert text(0.0123, SECONDS, 0).endswith("ms")
    assert text(5, REQUESTS, 1).endswith("/s")
