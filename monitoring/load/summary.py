"""What a load came to: one line while it runs, a table at its end."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitoring.load.tally import Durations, Line, Tally
    from monitoring.load.truth import Truth
    from monitoring.load.users import Course, Load

_ORDER = ("valid", "invalid", "odd", "truth")
_QUANTILES = (0.5, 0.95, 0.99)
_HEAD = ("kind", "form", "requests", "expected", "unexpected", "p50 ms", "p95 ms", "p99 ms")
_TEXT_COLUMNS = 2
_SHORTFALL = 0.95
_MILLISECOND = 1000.0


def progress(course: Course) -> str:
    """How far a load is."""
    tally = course.tally
    return (
        f"{course.seconds:6.0f} s  {tally.count:,} requests, {_rate(course):,.1f}/s, {tally.unexpected:,} unexpected,"
        f" p95 {_milliseconds(tally.durations().quantile(0.95))} ms"
    )


def summary(course: Course, load: Load, truth: Truth | None = None) -> str:
    """Everything worth knowing of a load that is over."""
    tally = course.tally
    asked = f"{load.rate:,g} asked" if load.rate else "as fast as possible"
    lines = [
        *_table(tally),
        "",
        f"{tally.count:,} requests in {course.seconds:.1f} s, {tally.rows:,} rows, {tally.rows_answered:,} answered",
        f"{_rate(course):,.1f} requests/s ({asked}, {load.connections} connections)",
        f"statuses: {', '.join(f'{_status(status)} {count:,}' for status, count in sorted(tally.statuses.items()))}",
    ]
    if truth:
        lines.append(
            f"labels: {truth.sent:,} told, {truth.counted:,} counted, {truth.unmatched:,} unmatched,"
            f" {truth.waiting:,} not told yet"
        )
    if course.at_limit:
        lines.append("This tool used a whole core, so the server may be faster than it says here.")
    elif _rate(course) < _SHORTFALL * load.rate:
        lines.append("The rate asked for was not reached: more --connections help if the server can do more.")
    if course.mistakes:
        lines.append(f"This tool failed {course.mistakes} times, first with {course.first_mistake}")
    lines += ["", *_objections(tally)] if tally.objections else ["every request was answered as expected"]
    return "\n".join(lines)


def _rate(course: Course) -> float:
    return course.tally.count / course.seconds if course.seconds else 0.0


def _objections(tally: Tally) -> list[str]:
    """What was unexpected, the most frequent first."""
    found = sorted(tally.objections.items(), key=lambda item: -item[1][1])
    return [f"✗ {kind}, {name}, {count:,} unexpected, the first: {first}" for (kind, name, _), (first, count) in found]


def _table(tally: Tally) -> list[str]:
    ordered = sorted(tally.lines.items(), key=lambda item: (_ORDER.index(item[0][0]), item[0][1]))
    cells = [_HEAD, *(_row(kind, name, line) for (kind, name), line in ordered)]
    unexpected = sum(line.unexpected for (kind, _), line in ordered if kind != "truth")
    cells.append(("all", "", f"{tally.count:,}", "", f"{unexpected:,}", *_shown(tally.durations())))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [_aligned(row, widths) for row in cells]


def _row(kind: str, name: str, line: Line) -> tuple[str, ...]:
    return kind, name, f"{line.count:,}", str(line.expected), f"{line.unexpected:,}", *_shown(line.durations)


def _shown(durations: Durations) -> Iterable[str]:
    return (_milliseconds(durations.quantile(share)) for share in _QUANTILES)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if column < _TEXT_COLUMNS else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _milliseconds(seconds: float) -> str:
    return f"{seconds * _MILLISECOND:.2f}" if seconds == seconds else "-"  # noqa: PLR0124  # NaN differs from itself


def _status(status: int) -> str:
    if not status:
        return "none at all:"
    try:
        return f"{status} {HTTPStatus(status).phrase}:"
    except ValueError:
        return f"{status}:"
