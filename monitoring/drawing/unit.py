"""Numbers as a person reads them, by Grafana's units."""

from __future__ import annotations

import datetime
import math

from monitoring.dashboards.panel import BYTES, BYTES_A_SECOND, DATE, RATIO, REQUESTS, ROWS, SECONDS

_STEPS_OF_TIME = ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"), (86_400.0, "d"))
_STEPS_OF_BYTES = ((1.0, "B"), (2.0**10, "KiB"), (2.0**20, "MiB"), (2.0**30, "GiB"), (2.0**40, "TiB"))
_STEPS_OF_COUNTS = ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"))
_STEPS = {
    SECONDS: _STEPS_OF_TIME,
    BYTES: _STEPS_OF_BYTES,
    BYTES_A_SECOND: _STEPS_OF_BYTES,
    REQUESTS: _STEPS_OF_COUNTS,
    ROWS: _STEPS_OF_COUNTS,
}
_RATES = frozenset({BYTES_A_SECOND, REQUESTS, ROWS})


def text(value: float, unit: str, decimals: int | None = None) -> str:
    """The number with its unit, to three digits unless `decimals` says otherwise."""
    if not math.isfinite(value):
        return "no value" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if unit == DATE:
        return datetime.datetime.fromtimestamp(value / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M")
    if unit == RATIO:
        return f"{100 * value:.{_digits(100 * value) if decimals is None else decimals}f} %"
    if decimals is not None and unit not in _STEPS:
        return f"{value:.{decimals}f}"
    return _scaled(value, _STEPS.get(unit, _STEPS_OF_COUNTS)) + ("/s" if unit in _RATES else "")


def _scaled(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    size, name = max((step for step in steps if abs(value) >= step[0]), default=steps[0])
    if value == 0:
        size, name = next(step for step in steps if step[0] == 1.0)
    number = value / size
    return f"{number:.{_digits(number)}f} {name}".strip()


def _digits(number: float) -> int:
    """Three digits that mean something, and none for whole numbers."""
    if math.isclose(number, round(number), abs_tol=1e-9) or abs(number) >= 100:  # noqa: PLR2004
        return 0
    return 1 if abs(number) >= 10 else 2  # noqa: PLR2004
