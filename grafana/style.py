"""What all panels share: units, legends, queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import common as ui
from grafana_foundation_sdk.builders import dashboard as db
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from grafana.colours import COLOURS, CRITICAL, INFO, LABELS, MISSING, NEUTRAL, NO_LEVEL, OK, WARNING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ("COLOURS", "CRITICAL", "INFO", "NEUTRAL", "NO_LEVEL", "OK", "WARNING")

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

RATIO, BYTES, BYTES_A_SECOND, SECONDS, COUNT, CELSIUS, RPM, A_MINUTE = (
    "percentunit", "bytes", "binBps", "s", "short", "celsius", "rotrpm", "suffix:/min",
)  # fmt: skip
# Not Bps, pps and cpm: of these Grafana would write 0.8 as "800 mB/s", "800 mp/s" and "0.8 c/m".
CORES, OPERATIONS, PACKETS_A_SECOND = "suffix:cores", "suffix:ops/s", "suffix:packets/s"

STEP = "15s"
"""The scrape interval in prometheus.yml; a finer step shows nothing more."""

ON = "on (job, instance)"

SOME = ('job=~"$job"', 'instance=~"$instance"')
# Grafana escapes the values of multi-value variables, but not of single-value ones. As a pattern, the address
# "[2001:db8::1]:5000" would not match itself.
ONE = ('job="$job"', 'instance="$instance"')


def select(metric: str, *matchers: str) -> str:
    """Return the selector of a metric for the selected machines."""
    return f"{metric}{{{', '.join((*SOME, *matchers))}}}"


def select_one(metric: str, *matchers: str) -> str:
    """Return the selector of a metric on a dashboard that shows one machine."""
    return f"{metric}{{{', '.join((*ONE, *matchers))}}}"


def writable(usage: str) -> str:
    """Return the query for the usage of filesystems without those that cannot be written: images are full by nature."""
    return f"({usage} unless on (job, instance, device, mountpoint) {select_one('host_filesystem_readonly')} == 1)"


def limit(resource: str, severity: str, of: Callable[..., str] = select_one) -> str:
    """Return each machine's own limit: one series even if two target files list the machine with different labels.

    ``of`` makes the selector: of the machine that a dashboard shows, or with ``select`` of several.
    """
    found = of("host_alert_threshold_ratio", f'resource="{resource}"', f'severity="{severity}"')
    return f"max by (job, instance) ({found})"


def over_time(expr: str, legend: str, ref: str = "A") -> prometheus.Dataquery:
    """Return a query for a graph."""
    return _query(expr, ref).legend_format(legend).range().format(PromQueryFormat.TIME_SERIES)


def ranked(
    series: str, by: str, legend: str, ref: str, *best: tuple[int, str], first: int = 1, named: str = ""
) -> list[prometheus.Dataquery]:
    """Return the queries for a top list over time, one for each place, so that each place can have its own colour.

    The same series hold the same places at every step. ``series`` is what is shown and ``by`` the labels that tell its
    lines apart. ``best`` is how many to take and by what: a query that gives one value for the whole time range, with
    the same labels. If there are several, each adds to those before it. The largest has the colour of place ``first``.
    ``named`` is a query for 1 with the label ``hostname`` for each line. It is joined to those that are shown alone.
    """
    found: list[prometheus.Dataquery] = []
    taken = ""
    for count, value in best:
        left = f"({value} unless on ({by}) ({taken}))" if taken else value
        for place in range(1, count + 1):
            top = f"topk({place}, {left})"
            top = f"({top} unless on ({by}) topk({place - 1}, {left}))" if place > 1 else top
            expr = f"{series} and on ({by}) {top}"
            if named:  # first what does not change from step to step, which is evaluated once
                expr = f"{series} * on ({by}) group_left (hostname) ({named} and on ({by}) {top})"
            found.append(over_time(expr, legend, f"{ref}{first + len(found)}"))
        taken = f"{taken} or topk({count}, {left})" if taken else f"topk({count}, {left})"
    return found


def words_of(label: str) -> str:
    """Return the pattern of the values of a label that have colours of their own."""
    return "|".join(LABELS[label])


def in_range(function: str, series: str) -> str:
    """Return the query for one value of each series in the time range, such as its largest; the same at every step."""
    return f"{function}({series}[$__range] @ end())"


def now(expr: str, legend: str = "__auto", ref: str = "A") -> prometheus.Dataquery:
    """Return a query for the end of the time range."""
    return _query(expr, ref).legend_format(legend).instant().format(PromQueryFormat.TIME_SERIES)


def rows(expr: str, ref: str) -> prometheus.Dataquery:
    """Return a query whose series are the rows of a table.

    Grafana merges rows whose labels agree, metric names included, so all queries of a table return the same labels.
    """
    return _query(expr, ref).legend_format("__auto").instant().format(PromQueryFormat.TABLE)


def _query(expr: str, ref: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(SOURCE).expr(expr).ref_id(ref).interval(STEP)
    return query.editor_mode(QueryEditorMode.CODE).exemplar(False)


def fixed(colour: str) -> db.FieldColor:
    """Return one colour for everything."""
    return db.FieldColor().mode(dashboard.FieldColorModeId.FIXED).fixed_color(colour)


def shades() -> db.FieldColor:
    """Return shades of one colour, for series that are neither known by name nor ranked.

    Grafana's palettes would give some of them red or green, which say bad and good here.
    """
    return db.FieldColor().mode(dashboard.FieldColorModeId.SHADES).fixed_color("blue")


def by_limits() -> db.FieldColor:
    """Return the colour of the threshold that is reached."""
    return db.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)


def limits(*steps: tuple[float, str], base: str = OK) -> db.ThresholdsConfig:
    """Return thresholds: a base colour and one from each value on."""
    found = [dashboard.Threshold(None, base), *(dashboard.Threshold(value, colour) for value, colour in steps)]
    return db.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(found)


def words(texts: dict[str, tuple[str, str]]) -> list[dashboard.ValueMapping]:
    """Return value mappings: (text, colour) by value."""
    results = {
        value: dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return [dashboard.ValueMap(options=results)]


def missing(text: str, colour: str = MISSING) -> dashboard.ValueMapping:
    """Return the value mapping for what is not known: this text, in grey."""
    result = dashboard.ValueMappingResult(text=text, color=colour, index=0)
    options = dashboard.DashboardSpecialValueMapOptions(match=dashboard.SpecialValueMatch.NULL_AND_NAN, result=result)
    return dashboard.SpecialValueMap(options=options)


def legend(*calcs: str, sort: str = "", beside: bool = False) -> ui.VizLegendOptions:
    """Return a legend; with calculations it is a table, sorted by one of them, largest first.

    Below the graph it may take a third of the panel's height, and the rest of its rows are hidden: there is room for
    three in a panel of the usual height, 9. ``beside`` the graph there is room for many.
    """
    display = common.LegendDisplayMode.TABLE if calcs else common.LegendDisplayMode.LIST
    place = common.LegendPlacement.RIGHT if beside else common.LegendPlacement.BOTTOM
    found = ui.VizLegendOptions().show_legend(True).placement(place).display_mode(display)
    found = found.calcs(list(calcs))
    return found.sort_by(sort).sort_desc(True) if sort else found


def tooltip(mode: common.TooltipDisplayMode = common.TooltipDisplayMode.MULTI) -> ui.VizTooltipOptions:
    """Return a tooltip with all series, largest first."""
    return ui.VizTooltipOptions().mode(mode).sort(common.SortOrder.DESCENDING)


def property_of(name: str, value: object) -> dashboard.DynamicConfigValue:
    """Return one property of an override."""
    return dashboard.DynamicConfigValue(id_val=name, value=value)


def coloured_text() -> list[dashboard.DynamicConfigValue]:
    """Return the properties of a column of words, each in the colour of its mapping."""
    return [property_of("decimals", 0), property_of("custom.cellOptions", {"type": "color-text"})]


def colour_override(colour: str) -> dashboard.DynamicConfigValue:
    """Return the property that sets the colour of a series."""
    return property_of("color", {"mode": "fixed", "fixedColor": colour})


def transformation(name: str, options: dict[str, object]) -> dashboard.DataTransformerConfig:
    """Return a transformation of the query result."""
    return dashboard.DataTransformerConfig(id_val=name, options=options)


def width(pixels: int) -> dashboard.DynamicConfigValue:
    """Return the property that sets the width of a column; without one it is at least 150 pixels wide."""
    return property_of("custom.width", pixels)


def columns(names: dict[str, str], hidden: Sequence[str] = ()) -> dashboard.DataTransformerConfig:
    """Return the transformation that orders and names the columns of a table; ``names`` is by query column."""
    return transformation(
        "organize",
        {
            "excludeByName": dict.fromkeys(hidden, True),
            "indexByName": {column: index for index, column in enumerate(names)},
            "renameByName": {column: name for column, name in names.items() if column != name},
        },
    )
