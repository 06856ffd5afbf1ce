"""What a panel says, as data: dashboards read as lists of these, `monitoring.dashboards.visualization` draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["stat", "gauge", "timeseries", "heatmap", "bargauge", "barchart", "piechart", "table"]
"""Grafana's names of the visualizations in use."""

SECONDS = "s"
RATIO = "percentunit"
REQUESTS = "reqps"
ROWS = "cps"
COUNT = "short"
NUMBER = "none"
BYTES = "bytes"
BYTES_A_SECOND = "Bps"
DATE = "dateTimeAsIso"

UNITS: dict[str, str] = {
    SECONDS: "seconds",
    RATIO: "ratio, 0 to 1",
    REQUESTS: "requests a second",
    ROWS: "a second",
    COUNT: "count",
    NUMBER: "number",
    BYTES: "bytes",
    BYTES_A_SECOND: "bytes a second",
    DATE: "date",
}
"""Every unit in use, by Grafana's name, in words."""


@dataclass(frozen=True)
class Query:
    """PromQL and what its series are called; `instant` is the value at the end of the range, not its course."""

    expr: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True)
class Step:
    """From `value` on (from the lowest on where it is None) a number has the colour."""

    colour: str
    value: float | None = None


@dataclass(frozen=True)
class Reshaping:
    """One of Grafana's transformations: its id and its options."""

    name: str
    options: Mapping[str, object]


@dataclass(frozen=True)
class Panel:
    """A panel of a dashboard. `width` is in 24ths of the page, `height` in Grafana's units of 30 pixels.

    `description` says what it means and when to worry; `alerts` are those that watch the same; `covers` names the
    panels of predecessors (`monitoring.dashboards.predecessors`) that this one stands in for. `texts` shows words for
    numbers, `units` a unit for a column of a table, `empty` what to say where there is nothing.
    """

    kind: Kind
    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str
    width: int
    height: int
    steps: tuple[Step, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    stacked: bool = False
    alerts: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    texts: Mapping[str, str] | None = None
    units: Mapping[str, str] | None = None
    reshaping: tuple[Reshaping, ...] = ()
    empty: str = "no data"


class Options(TypedDict, total=False):
    """What a panel may say beyond title, description and queries; `Panel` explains each."""

    unit: str
    width: int
    height: int
    steps: tuple[Step, ...]
    minimum: float | None
    maximum: float | None
    decimals: int | None
    stacked: bool
    alerts: tuple[str, ...]
    covers: tuple[str, ...]
    texts: Mapping[str, str]
    units: Mapping[str, str]
    reshaping: tuple[Reshaping, ...]
    empty: str


def stat(title: str, description: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """One large number, or one for each series."""
    return _panel("stat", title, description, queries, {"width": 4, "height": 4, **options})


def gauge(title: str, description: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """A number on a scale from `minimum` to `maximum`; a ratio unless it says otherwise."""
    scale: Options = {"unit": RATIO, "minimum": 0, "maximum": 1, "width": 4, "height": 6}
    return _panel("gauge", title, description, queries, {**scale, **options})


def time_series(title: str, description: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """Lines over time; steps are drawn across as dashed lines."""
    return _panel("timeseries", title, description, queries, options)


def heatmap(title: str, description: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """The buckets of a histogram over time; the unit is that of the buckets' bounds."""
    return _panel("heatmap", title, description, queries, options)


def bar_gauge(title: str, description: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """A bar for each series, in the order of the query."""
    return _panel("bargauge", title, description, queries, options)


def bar_chart(title: str, description: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """Bars side by side for each value of the label that `joined` names."""
    return _panel("barchart", title, description, queries, options)


def pie_chart(title: str, description: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """Shares of a total."""
    return _panel("piechart", title, description, queries, options)


def table(title: str, description: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """Rows of labels and values."""
    return _panel("table", title, description, queries, options)


def _panel(kind: Kind, title: str, description: str, queries: tuple[Query, ...], options: Options) -> Panel:
    of_ratio: Options = {"minimum": 0, "maximum": 1} if options.get("unit") == RATIO else {}
    defaults: Options = {"unit": COUNT, "width": 8, "height": 8, **of_ratio}
    said: Options = {**defaults, **options}
    return Panel(kind, title, description, queries, **said)


def worse_above(red: float, yellow: float | None = None) -> tuple[Step, ...]:
    """Green, yellow from `yellow` on, red from `red` on."""
    return (Step("green"), *((Step("yellow", yellow),) if yellow is not None else ()), Step("red", red))


def worse_below(red: float, yellow: float | None = None) -> tuple[Step, ...]:
    """Red below `red`, yellow below `yellow`, else green."""
    if yellow is None:
        return Step("red"), Step("green", red)
    return Step("red"), Step("yellow", red), Step("green", yellow)


def joined(label: str, *names: str) -> tuple[Reshaping, ...]:
    """One row for each value of a label, with the queries' values in columns of these names."""
    values = _values(names)
    return (
        Reshaping("joinByField", {"byField": label, "mode": "outer"}),
        Reshaping("filterFieldsByName", {"include": {"names": [label, *values]}}),
        Reshaping("organize", {"renameByName": values, "indexByName": _order(label, *values)}),
        Reshaping("sortBy", {"fields": {}, "sort": [{"field": label}]}),
    )


def merged(labels: tuple[str, ...], *names: str) -> tuple[Reshaping, ...]:
    """One row for each set of labels that the queries share, with their values in columns of these names."""
    values = _values(names)
    return (
        Reshaping("merge", {}),
        Reshaping("filterFieldsByName", {"include": {"names": [*labels, *values]}}),
        Reshaping("organize", {"renameByName": values, "indexByName": _order(*labels, *values)}),
    )


def matrix(row: str, column: str) -> tuple[Reshaping, ...]:
    """A row for each value of one label, a column for each of another."""
    options = {"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "zero"}
    return (Reshaping("groupingToMatrix", options),)


def percent(share: float) -> str:
    """A ratio for a sentence."""
    return f"{100 * share:g} %"


def _values(names: tuple[str, ...]) -> dict[str, str]:
    if len(names) == 1:
        return {"Value": names[0]}
    return {f"Value #{chr(ord('A') + number)}": name for number, name in enumerate(names)}


def _order(*fields: str) -> dict[str, int]:
    return {field: number for number, field in enumerate(fields)}
