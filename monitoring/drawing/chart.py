"""One panel on one pair of axes, by Grafana's kind of visualization."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import dates
from matplotlib.patches import Wedge
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from components.reporting.figures import FAINT, INK, MUTED, SERIES, bare, fitted
from monitoring.drawing import table
from monitoring.drawing.unit import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from monitoring.dashboards.document import PanelDocument
    from monitoring.drawing.period import Answer, Period
    from monitoring.measurements import Series

    Draw = Callable[[Axes, PanelDocument, list[Answer], Period], None]

_COLOURS = {"green": "#2a8a57", "yellow": "#d9a72b", "orange": "#d9822b", "red": "#c0392b", "blue": "#4477aa"}
_SHOWN_LINES = 9
_SHOWN_BARS = 14
_SHORT = 18
"""Characters of a legend of which three go side by side."""
_TO_DAYS = 86_400.0
"""Seconds in what matplotlib counts time by: days since 1970."""
_DATES: Any = dates  # its classes have no types


def draw(axes: Axes, panel: PanelDocument, answers: list[Answer], period: Period) -> None:
    """Draw the answers to a panel's queries; a panel without any says so."""
    kinds: dict[str, Draw] = {
        "stat": _numbers,
        "gauge": _gauges,
        "timeseries": _lines,
        "heatmap": _heatmap,
        "bargauge": _bars,
        "barchart": _grouped_bars,
        "piechart": _pie,
        "table": _table,
    }
    if any(math.isfinite(value) for answer in answers for series in answer.series for _, value in series.points):
        kinds[panel.kind](axes, panel, answers, period)
    else:
        _nothing(axes)


def _nothing(axes: Axes) -> None:
    bare(axes)
    axes.text(0.5, 0.5, "no data", ha="center", va="center", color=MUTED, transform=axes.transAxes)


def _numbers(axes: Axes, panel: PanelDocument, answers: list[Answer], _period: Period) -> None:
    bare(axes)
    shown = _named(answers)[:2]
    for place, (name, series) in enumerate(shown):
        height = 0.55 if len(shown) == 1 else 0.75 - 0.5 * place
        words = _words(panel, series.value) or name if panel.raw["options"].get("textMode") == "name" else ""
        value = words or _words(panel, series.value) or text(series.value, panel.unit, _decimals(panel))
        style: dict[str, Any] = {"ha": "center", "va": "center", "transform": axes.transAxes}
        size = 19 if len(value) < 12 else 12  # noqa: PLR2004
        axes.text(0.5, height, value, fontsize=size, fontweight="bold", color=_colour(panel, series.value), **style)
        if name and name != panel.title and not words:
            axes.text(0.5, height - 0.32, name, fontsize=8, color=MUTED, **style)


def _gauges(axes: Axes, panel: PanelDocument, answers: list[Answer], _period: Period) -> None:
    bare(axes)
    axes.set_aspect("equal")
    shown = _named(answers)[:3]
    low, high = panel.minimum or 0.0, 1.0 if panel.maximum is None else panel.maximum
    axes.set_xlim(-1.2, 2.6 * len(shown) - 1.4)
    axes.set_ylim(-0.5, 1.2)
    for place, (name, series) in enumerate(shown):
        centre = (2.6 * place, 0.0)
        axes.add_patch(Wedge(centre, 1, 0, 180, width=0.28, color=FAINT))
        if not math.isnan(series.value):
            share = min(max((series.value - low) / (high - low), 0.0), 1.0)
            axes.add_patch(Wedge(centre, 1, 180 - 180 * share, 180, width=0.28, color=_colour(panel, series.value)))
        value = text(series.value, panel.unit, _decimals(panel))
        axes.text(*centre, value, ha="center", va="bottom", fontsize=12, fontweight="bold")
        axes.text(centre[0], -0.12, name if len(shown) > 1 else "", ha="center", va="top", fontsize=8, color=MUTED)


def _lines(axes: Axes, panel: PanelDocument, answers: list[Answer], period: Period) -> None:
    shown = sorted(_named(answers), key=lambda item: -_highest(item[1]))[:_SHOWN_LINES]
    for number, (name, series) in enumerate(sorted(shown, key=lambda item: item[0])):
        times, values = zip(*series.points, strict=True)
        label = fitted(name, 1.3, 7.5) if name else panel.title
        axes.plot(_dates(times), values, color=SERIES[number % len(SERIES)], linewidth=1.4, label=label)
    for value, colour in panel.steps:
        if value is not None:
            axes.axhline(value, color=_COLOURS.get(colour, MUTED), linewidth=0.9, linestyle="--", zorder=1)
    top = max(_highest(series) for _, series in shown)
    low = panel.minimum if panel.minimum is not None else min(0.0, axes.get_ylim()[0])
    axes.set_ylim(low, panel.maximum if panel.maximum is not None else None if top > low else low + 1)
    _time_axis(axes, period)
    _value_axis(axes, panel)
    columns = 2 if max(len(name) for name, _ in shown) > _SHORT else 3
    axes.legend(
        fontsize=7.5, loc="upper center", bbox_to_anchor=(0.48, -0.12), ncol=columns, borderaxespad=0, columnspacing=1
    )


def _heatmap(axes: Axes, panel: PanelDocument, answers: list[Answer], period: Period) -> None:
    buckets = sorted(answers[0].series, key=lambda series: float(series.labels["le"]))
    times = sorted({time for series in buckets for time, _ in series.points})
    counts = np.array([[dict(series.points).get(time, 0.0) for time in times] for series in buckets])
    counts = np.nan_to_num(np.diff(counts, axis=0, prepend=0.0))
    axes.pcolormesh(_dates(times), np.arange(len(buckets)), counts, cmap="Blues", shading="nearest", rasterized=True)
    bounds = [float(series.labels["le"]) for series in buckets]
    rows = range(0, len(bounds), max(1, len(bounds) // 8))
    axes.set_yticks([*rows], [f"≤ {text(bounds[row], panel.unit)}" for row in rows])
    axes.grid(visible=False)
    _time_axis(axes, period)


def _bars(axes: Axes, panel: PanelDocument, answers: list[Answer], _period: Period) -> None:
    shown = [item for item in _named(answers) if math.isfinite(item[1].value)][:_SHOWN_BARS]
    colours = [_colour(panel, series.value) for _, series in shown]
    axes.barh(range(len(shown)), [series.value for _, series in shown], color=colours, height=0.65)
    for row, (_, series) in enumerate(shown):
        value = text(series.value, panel.unit, _decimals(panel))
        axes.annotate(value, (series.value, row), (4, 0), textcoords="offset points", va="center", size=8)
    axes.set_yticks(range(len(shown)), [name for name, _ in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.margins(x=0.15)
    axes.grid(visible=False, axis="y")


def _grouped_bars(axes: Axes, panel: PanelDocument, answers: list[Answer], _period: Period) -> None:
    category, names = table.joining(panel)
    columns = [{series.labels.get(category, ""): series.value for series in answer.series} for answer in answers]
    rows = sorted({row for column in columns for row in column}, key=_natural)
    width = 0.8 / len(columns)
    for number, (name, column) in enumerate(zip(names, columns, strict=True)):
        places = np.arange(len(rows)) + (number - (len(columns) - 1) / 2) * width
        axes.bar(places, [column.get(row, 0.0) for row in rows], width=width, label=name, color=SERIES[number])
    axes.set_xticks(range(len(rows)), rows, rotation=30, ha="right", fontsize=7.5)
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.25)
    _value_axis(axes, panel)
    axes.legend(fontsize=8, loc="upper right")


def _pie(axes: Axes, panel: PanelDocument, answers: list[Answer], _period: Period) -> None:
    shown = [(name, series.value) for name, series in _named(answers) if series.value > 0]
    if not shown:
        _nothing(axes)
        return
    bare(axes)
    total = sum(value for _, value in shown)
    decimals = _decimals(panel)
    labels = [f"{name}\n{text(value, panel.unit, decimals)} ({100 * value / total:.0f} %)" for name, value in shown]
    axes.pie([value for _, value in shown], labels=labels, colors=SERIES[: len(shown)], textprops={"fontsize": 8})


def _table(axes: Axes, panel: PanelDocument, answers: list[Answer], _period: Period) -> None:
    bare(axes)
    head, rows = table.cells(panel, answers)
    height = min(1.0, 0.17 * (len(rows) + 1))
    box = Bbox.from_bounds(0, 1 - height, 1, height)
    drawn = axes.table(cellText=rows, colLabels=head, cellLoc="left", colLoc="left", bbox=box)
    drawn.auto_set_font_size(False)  # noqa: FBT003  # matplotlib takes it only by position
    drawn.set_fontsize(8)
    drawn.auto_set_column_width(range(len(head)))
    for (row, _), cell in drawn.get_celld().items():
        cell.set_edgecolor(FAINT)
        cell.set_text_props(color=INK if row else MUTED)


def _named(answers: Sequence[Answer]) -> list[tuple[str, Series]]:
    return [(answer.legend(series), series) for answer in answers for series in answer.series if series.points]


def _highest(series: Series) -> float:
    return max((value for _, value in series.points if math.isfinite(value)), default=-math.inf)


def _natural(name: str) -> tuple[int, float, str]:
    """Bins in the order of their numbers: "below 45", "45 to 51", …, "missing" last."""
    if name == "missing":
        return 2, 0.0, name
    first = name.removeprefix("below ").split(" ")[0]
    try:
        return 0, float(first) - (0.5 if name.startswith("below ") else 0.0), name
    except ValueError:
        return 1, 0.0, name


def _colour(panel: PanelDocument, value: float) -> str:
    found = INK
    for start, colour in panel.steps:
        if start is None or value >= start:
            found = _COLOURS.get(colour, INK)
    return found


def _words(panel: PanelDocument, value: float) -> str:
    for mapping in panel.raw["fieldConfig"]["defaults"].get("mappings") or ():
        if (said := mapping["options"].get(f"{value:g}")) and "text" in said:
            return str(said["text"])
    return ""


def _decimals(panel: PanelDocument) -> int | None:
    decimals = panel.raw["fieldConfig"]["defaults"].get("decimals")
    return None if decimals is None else int(decimals)


def _dates(times: Sequence[float]) -> list[float]:
    return [time / _TO_DAYS for time in times]


def _time_axis(axes: Axes, period: Period) -> None:
    axes.set_xlim(period.start / _TO_DAYS, period.end / _TO_DAYS)
    locator = _DATES.AutoDateLocator(tz=datetime.UTC, minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(_DATES.ConciseDateFormatter(locator, show_offset=False))


def _value_axis(axes: Axes, panel: PanelDocument) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value, panel.unit)))
