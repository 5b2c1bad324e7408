"""The kinds of panels: numbers, graphs, tables, timelines. Grafana's defaults are set explicitly here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import common as ui
from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common

from grafana import alerting, links, style
from grafana.colours import COLOURS, CRITICAL, LABELS, MARKS, NO_LEVEL, OK, PLACES, WARNING, of_legend
from grafana.style import ON, SOURCE, STEP

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import prometheus
    from grafana_foundation_sdk.models import dashboard

NO_DATA, NOT_KNOWN = "no data", "-"
PLACE = re.compile(r"(?<=[A-Z])\d$")
"""In the name of a query of style.ranked: the place of its series."""


def number(title: str, description: str, unit: str, *queries: prometheus.Dataquery, decimals: int = 0) -> stat.Panel:
    """Return one large number, as of the end of the time range."""
    last = ui.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")
    panel = stat.Panel().title(title).description(description).datasource(SOURCE).targets(list(queries)).interval(STEP)
    panel = panel.unit(unit).decimals(decimals).no_value(NO_DATA).reduce_options(last)
    panel = panel.mappings([style.missing(NO_DATA)])
    panel = panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.VALUE)
    panel = panel.justify_mode(common.BigValueJustifyMode.CENTER).orientation(common.VizOrientation.AUTO)
    panel = panel.text_mode(common.BigValueTextMode.VALUE).wide_layout(True).show_percent_change(False)
    return panel.color_scheme(style.fixed(style.NEUTRAL)).thresholds(style.limits())


def signal(panel: stat.Panel, *steps: tuple[float, str]) -> stat.Panel:
    """Return a number on a green background, which takes another colour from each of these values on."""
    panel = panel.thresholds(style.limits(*steps)).color_scheme(style.by_limits())
    return panel.color_mode(common.BigValueColorMode.BACKGROUND)


def number_with_level(title: str, description: str, expr: str, resource: str, legend: str = "__auto") -> stat.Panel:
    """Return a ratio, coloured by the machine's own limits.

    Panel thresholds are constants, but a machine's limits are series, so there is one query per colour and only one of
    them returns a value. Either limit may be none, and its series absent; without both the number has no colour.
    """

    def reached(severity: str) -> str:
        return f"({expr} >= {ON} group_left () {style.limit(resource, severity)})"

    limits = f"({style.limit(resource, 'warning')} or {style.limit(resource, 'critical')})"
    queries = {
        "A": (OK, f"{expr} and {ON} {limits} unless {reached('warning')} unless {reached('critical')}"),
        "B": (WARNING, f"{reached('warning')} unless {reached('critical')}"),
        "C": (CRITICAL, reached("critical")),
        "D": (NO_LEVEL, f"{expr} unless {ON} {limits}"),
    }
    return _coloured(title, description, style.RATIO, queries, legend)


def number_of_alerts(description: str, alerts: str, up: str) -> stat.Panel:
    """Return how many alerts fire, in the colour of the worst, with a link to the runbooks.

    The arguments are the selectors of ALERTS and of ``up`` for what is shown; without targets there is no number.
    """
    count, critical = f"count({alerting.firing(alerts)})", f"count({alerting.firing(alerts, 'critical')})"
    queries = {
        "A": (OK, f"0 * count({up}) unless {count}"),
        "B": (WARNING, f"{count} unless {critical}"),
        "C": (CRITICAL, f"{count} and {critical}"),
    }
    panel = _coloured("Alerts firing", description, style.COUNT, queries)
    for ref in queries:
        panel = panel.override_by_query(ref, [links.runbooks()])
    return panel


def _coloured(
    title: str, description: str, unit: str, queries: dict[str, tuple[str, str]], legend: str = "__auto"
) -> stat.Panel:
    """Return a number of which one query at a time has the value: (colour, query) by its letter."""
    panel = number(title, description, unit, *(style.now(q, legend, ref) for ref, (_, q) in queries.items()))
    for ref, (colour, _) in queries.items():
        panel = panel.override_by_query(ref, [style.colour_override(colour)])
    return panel.color_mode(common.BigValueColorMode.BACKGROUND)


def graph(
    title: str, description: str, unit: str, *queries: prometheus.Dataquery, below_zero: bool = False
) -> timeseries.Panel:
    """Return lines over time. Gaps stay gaps, because nothing was measured there.

    The axis starts at zero unless something is drawn ``below_zero``. Grafana chooses the decimals: a fixed number makes
    0.25 "0.3", and an axis that needs more of them loses its figures.
    """
    panel = timeseries.Panel().title(title).description(description).datasource(SOURCE).targets(list(queries))
    panel = panel.interval(STEP).unit(unit)
    panel = panel if below_zero else panel.min(0)
    panel = panel.draw_style(common.GraphDrawStyle.LINE).line_interpolation(common.LineInterpolation.LINEAR)
    panel = panel.line_width(1).fill_opacity(10).gradient_mode(common.GraphGradientMode.NONE)
    panel = panel.show_points(common.VisibilityMode.NEVER).span_nulls(False).insert_nulls(False)
    panel = panel.stacking(ui.StackingConfig().mode(common.StackingMode.NONE).group("A"))
    panel = panel.axis_placement(common.AxisPlacement.AUTO).axis_label("").axis_border_show(False)
    panel = panel.thresholds_style(ui.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.OFF))
    panel = panel.legend(style.legend()).tooltip(style.tooltip()).color_scheme(style.shades())
    panel = panel.thresholds(style.limits())
    for query in queries:
        built = query.build()
        ref = built.ref_id or ""
        if place := PLACE.search(ref):
            panel = panel.override_by_query(ref, [style.colour_override(PLACES[int(place[0]) - 1])])
            continue
        for name, colour in of_legend(built.legend_format or "").items():
            panel = panel.override_by_name(name, [style.colour_override(colour)])
    return panel


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Return a graph with stacked lines; limit lines are not stacked."""
    return (
        panel.stacking(ui.StackingConfig().mode(common.StackingMode.NORMAL).group("A")).fill_opacity(40).line_width(1)
    )


def dashed(panel: timeseries.Panel, *names: str) -> timeseries.Panel:
    """Return a graph in which some lines are marks rather than amounts: dashed, not filled, not stacked.

    Limits stay out of the legend.
    """
    for name in names:
        marks = [
            style.property_of("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}),
            style.property_of("custom.fillOpacity", 0),
            style.property_of("custom.stacking", {"mode": "none", "group": "marks"}),
            style.property_of("custom.lineWidth", 1),
            style.colour_override(COLOURS[name]),
        ]
        if name in MARKS:
            marks.append(style.property_of("custom.hideFrom", {"legend": True, "tooltip": False, "viz": False}))
        panel = panel.override_by_name(name, marks)
    return panel


def beside_the_stack() -> list[dashboard.DynamicConfigValue]:
    """Return the properties of a line in a stacked graph that is another thing than what the stack adds up."""
    return [
        style.property_of("custom.stacking", {"mode": "none", "group": "marks"}),
        style.property_of("custom.fillOpacity", 0),
        style.property_of("custom.lineWidth", 2),
    ]


def limit_lines(resource: str, times: str = "") -> tuple[prometheus.Dataquery, prometheus.Dataquery]:
    """Return the queries for a machine's own limits; ``times`` is the total to multiply them by, empty for ratios."""
    factor = f" * {ON} max by (job, instance) ({times})" if times else ""
    return (
        style.over_time(f"{style.limit(resource, 'warning')}{factor}", "warning limit", "X"),
        style.over_time(f"{style.limit(resource, 'critical')}{factor}", "critical limit", "Y"),
    )


def downwards(panel: timeseries.Panel, pattern: str) -> timeseries.Panel:
    """Return a graph, made with ``below_zero``, whose matching series point downwards: the other direction."""
    panel = panel.override_by_regexp(pattern, [style.property_of("custom.transform", "negative-Y")])
    return panel.axis_centered_zero(True)


def list_of(title: str, description: str, *queries: prometheus.Dataquery) -> table.Panel:
    """Return a table: each query is a column, and rows are merged by their labels."""
    panel = table.Panel().title(title).description(description).datasource(SOURCE).targets(list(queries)).interval(STEP)
    panel = panel.show_header(True).cell_height(common.TableCellHeight.SM).no_value(NOT_KNOWN).filterable(False)
    panel = panel.mappings([style.missing(NOT_KNOWN)])
    panel = panel.cell_options(common.TableAutoCellOptions())
    panel = panel.align(common.FieldTextAlignment.AUTO).color_scheme(style.fixed(style.NEUTRAL))
    panel = panel.thresholds(style.limits()).unit(style.COUNT).decimals(1)
    if len(queries) > 1:
        panel = panel.with_transformation(style.transformation("merge", {}))
    return panel


def timeline(title: str, description: str, *queries: prometheus.Dataquery) -> statetimeline.Panel:
    """Return states over time, one line per series, with the colours of the panel's value mappings.

    Not by thresholds: Grafana merges equal neighbours, and with thresholds it then asks them alone for the colour.
    """
    panel = statetimeline.Panel().title(title).description(description).datasource(SOURCE).targets(list(queries))
    panel = panel.interval(STEP).no_value(NO_DATA).unit(style.COUNT).decimals(0)
    panel = (
        panel.show_value(common.VisibilityMode.NEVER).merge_values(True).row_height(0.8).line_width(0).fill_opacity(80)
    )
    panel = panel.align_value(common.TimelineValueAlignment.LEFT).tooltip(
        style.tooltip(common.TooltipDisplayMode.SINGLE)
    )
    legend = ui.VizLegendOptions().show_legend(False).display_mode(common.LegendDisplayMode.LIST)
    legend = legend.placement(common.LegendPlacement.BOTTOM).calcs([])
    return panel.legend(legend).color_scheme(style.fixed(style.NEUTRAL)).thresholds(style.limits())


def sorted_by(column: str) -> ui.TableSortByFieldState:
    """Return the sort order of a table: by this column, largest first."""
    return ui.TableSortByFieldState().display_name(column).desc(True)


def bar(resource: str, width: int = 110) -> list[dashboard.DynamicConfigValue]:
    """Return the properties of a column that shows ratios as bars of one colour: limits differ from row to row.

    What is not known has no bar: one in no colour, or Grafana would draw it at 0.
    """
    return [
        style.property_of("unit", style.RATIO),
        style.property_of("decimals", 0),
        style.property_of("min", 0),
        style.property_of("max", 1),
        style.property_of("mappings", [style.missing(NOT_KNOWN, NO_LEVEL)]),
        style.property_of("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
        style.width(width),
        style.colour_override(COLOURS.get(resource) or LABELS["resource"][resource]),
    ]
