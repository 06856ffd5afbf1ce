"""A panel as Grafana wants it: the only module that knows the builders of each visualization."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    gauge,
    heatmap,
    piechart,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as grafana
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models import piechart as pie
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitoring.dashboards.variable import DATASOURCE
from monitoring.objectives import RUNBOOK

if TYPE_CHECKING:
    from monitoring.dashboards.panel import Panel, Step

AnyPanel = (
    stat.Panel
    | gauge.Panel
    | timeseries.Panel
    | heatmap.Panel
    | bargauge.Panel
    | barchart.Panel
    | piechart.Panel
    | table.Panel
)
P = TypeVar(
    "P",
    stat.Panel,
    gauge.Panel,
    timeseries.Panel,
    heatmap.Panel,
    bargauge.Panel,
    barchart.Panel,
    piechart.Panel,
    table.Panel,
)


def drawn(panel: Panel, number: int, position: grafana.GridPos) -> AnyPanel:
    """The panel's builder, complete, with its id and its place on the grid."""
    return _DRAW[panel.kind](panel).id(number).grid_pos(position)


def _described(builder: P, panel: Panel) -> P:
    builder.title(panel.title).description(panel.description).datasource(DATASOURCE)
    builder.unit(panel.unit).no_value(panel.empty).thresholds(_thresholds(panel.steps))
    if panel.minimum is not None:
        builder.min(panel.minimum)
    if panel.maximum is not None:
        builder.max(panel.maximum)
    if panel.decimals is not None:
        builder.decimals(panel.decimals)
    if panel.texts:
        builder.mappings([_texts(panel)])
    for name, unit in (panel.units or {}).items():
        builder.override_by_name(name, [grafana.DynamicConfigValue(id_val="unit", value=unit)])
    for reshaping in panel.reshaping:
        config = grafana.DataTransformerConfig(id_val=reshaping.name, options=dict(reshaping.options))
        builder.with_transformation(config)
    builder.links([_runbook(alert) for alert in panel.alerts])
    return builder.targets(list(_targets(panel)))


def _targets(panel: Panel) -> list[prometheus.Dataquery]:
    formats = {"heatmap": PromQueryFormat.HEATMAP, "table": PromQueryFormat.TABLE, "barchart": PromQueryFormat.TABLE}
    targets = []
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().datasource(DATASOURCE).ref_id(chr(ord("A") + number)).expr(query.expr)
        target.format(formats.get(panel.kind, PromQueryFormat.TIME_SERIES)).legend_format(query.legend or panel.title)
        targets.append(target.instant() if query.instant else target.range())
    return targets


def _thresholds(steps: tuple[Step, ...]) -> build.ThresholdsConfig:
    values = [grafana.Threshold(value=step.value, color=step.colour) for step in steps]
    config = build.ThresholdsConfig().mode(grafana.ThresholdsMode.ABSOLUTE)
    return config.steps(values or [grafana.Threshold(value=None, color="blue")])


def _texts(panel: Panel) -> grafana.ValueMap:
    words = {number: grafana.ValueMappingResult(text=text) for number, text in (panel.texts or {}).items()}
    return grafana.ValueMap(options=words)


def _runbook(alert: str) -> build.DashboardLink:
    link = build.DashboardLink(alert).type(grafana.DashboardLinkType.LINK).target_blank(target_blank=True)
    return link.url(f"{RUNBOOK}#{alert.lower()}")


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)


def _palette() -> build.FieldColor:
    return build.FieldColor().mode(grafana.FieldColorModeId.PALETTE_CLASSIC)


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(show_legend=True).placement(options.LegendPlacement.BOTTOM)
    return legend.display_mode(options.LegendDisplayMode.LIST).calcs([])


def _stat(panel: Panel) -> AnyPanel:
    course = options.BigValueGraphMode.NONE if panel.queries[0].instant else options.BigValueGraphMode.AREA
    builder = _described(stat.Panel(), panel).reduce_options(_newest()).graph_mode(course)
    return builder.color_mode(options.BigValueColorMode.VALUE).text_mode(options.BigValueTextMode.AUTO)


def _gauge(panel: Panel) -> AnyPanel:
    return (
        _described(gauge.Panel(), panel).reduce_options(_newest()).show_threshold_markers(show_threshold_markers=True)
    )


def _time_series(panel: Panel) -> AnyPanel:
    builder = _described(timeseries.Panel(), panel).color_scheme(_palette()).legend(_legend()).tooltip(_tooltip())
    builder.draw_style(options.GraphDrawStyle.LINE).line_width(1).show_points(options.VisibilityMode.AUTO)
    if panel.stacked:
        builder.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL)).fill_opacity(40)
    if panel.steps:
        style = common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED)
        builder.thresholds_style(style)
    dashes = {"fill": "dash", "dash": [4, 4]}
    return builder.override_by_regexp(
        "/95 %|chance|threshold/", [grafana.DynamicConfigValue(id_val="custom.lineStyle", value=dashes)]
    )


def _heatmap(panel: Panel) -> AnyPanel:
    colours = heatmap_colours()
    builder = _described(heatmap.Panel(), panel).calculate(calculate=False).color(colours).cell_gap(1)
    return builder.y_axis(y_axis(panel.unit)).mode(options.TooltipDisplayMode.SINGLE).show_legend().hide_y_histogram()


def heatmap_colours() -> heatmap.HeatmapColorOptions:
    """From pale to dark, the more observations; the square root shows rare ones too."""
    colours = heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Blues").steps(64)
    return colours.scale(heat.HeatmapColorScale.EXPONENTIAL).exponent(0.5).fill("dark-blue").reverse(reverse=False)


def y_axis(unit: str) -> heatmap.YAxisConfig:
    """The axis of the buckets' bounds."""
    return heatmap.YAxisConfig().unit(unit).axis_placement(options.AxisPlacement.LEFT)


def _bar_gauge(panel: Panel) -> AnyPanel:
    builder = _described(bargauge.Panel(), panel).reduce_options(_newest()).show_unfilled(show_unfilled=True)
    builder.orientation(options.VizOrientation.HORIZONTAL).display_mode(options.BarGaugeDisplayMode.BASIC)
    return builder.value_mode(options.BarGaugeValueMode.COLOR)


def _bar_chart(panel: Panel) -> AnyPanel:
    builder = _described(barchart.Panel(), panel).color_scheme(_palette()).legend(_legend()).tooltip(_tooltip())
    builder.orientation(options.VizOrientation.AUTO).stacking(options.StackingMode.NONE)
    return builder.show_value(options.VisibilityMode.NEVER).group_width(0.8).bar_width(0.9).fill_opacity(80)


def _pie_chart(panel: Panel) -> AnyPanel:
    legend = (
        piechart.PieChartLegendOptions()
        .show_legend(show_legend=True)
        .placement(options.LegendPlacement.RIGHT)
        .calcs([])
    )
    legend.display_mode(options.LegendDisplayMode.TABLE)
    legend.values([pie.PieChartLegendValues.VALUE, pie.PieChartLegendValues.PERCENT])
    builder = _described(piechart.Panel(), panel).color_scheme(_palette()).reduce_options(_newest())
    return builder.pie_type(pie.PieChartType.DONUT).legend(legend).tooltip(_tooltip())


def _table(panel: Panel) -> AnyPanel:
    return _described(table.Panel(), panel).show_header(show_header=True).cell_height(options.TableCellHeight.SM)


_DRAW = {
    "stat": _stat,
    "gauge": _gauge,
    "timeseries": _time_series,
    "heatmap": _heatmap,
    "bargauge": _bar_gauge,
    "barchart": _bar_chart,
    "piechart": _pie_chart,
    "table": _table,
}
