"""What all panels share: colours, units, legends, queries. The same thing has the same colour everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import common as ui
from grafana_foundation_sdk.builders import dashboard as db
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

OK, WARNING, CRITICAL, NEUTRAL, INFO, NO_LEVEL = "green", "yellow", "red", "text", "blue", "transparent"
COLOURS = {
    "user": "blue",
    "system": "purple",
    "I/O wait": "orange",
    "steal": "dark-red",
    "used": "purple",
    "caches": "blue",
    "free": "text",
    "available": "blue",
    "idlest core": "text",
    "busiest core": "text",
    "mean of all cores": "text",
    "swap used": "orange",
    "total": "text",
    "warning limit": WARNING,
    "critical limit": CRITICAL,
    "cpu": "blue",
    "memory": "purple",
    "filesystem": "orange",
    "inodes": "text",
    "io": "orange",
    "1 min": "blue",
    "5 min": "purple",
    "15 min": "orange",
    "CPUs": "text",
    "charge": "green",
    "plugged in": "text",
    "2xx": "green",
    "3xx": "blue",
    "4xx": "yellow",
    "5xx": "red",
    "50 % within": "blue",
    "95 % within": "purple",
    "99 % within": "orange",
}

CORES, OPERATIONS = "suffix:cores", "suffix:ops/s"
"""Units that Grafana has no name for: the word after the number."""

RATIO, BYTES, BYTES_A_SECOND, SECONDS, COUNT, CELSIUS, A_MINUTE = (
    "percentunit", "bytes", "Bps", "s", "short", "celsius", "cpm",
)  # fmt: skip

RUNBOOKS = "http://localhost:5000/runbooks"
"""The exporter's page of runbooks, where alerts.yml has its links too."""

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


def firing(alerts: str, severity: str = "warning|critical") -> str:
    """Return the query for firing alerts as a person counts them: a critical alert and its warning are one.

    ``alerts`` is the selector of ALERTS for the selected machines.
    """
    chosen = alerts.replace("}", f', alertstate="firing", severity=~"{severity}"}}')
    return f"count by (job, instance, alertname, device, mountpoint, collector) ({chosen})"


def fired(alerts: str) -> str:
    """Return the query for alerts over time: 1 warning, 2 critical, 3 info; also those that fired between two steps.

    ``alerts`` is the selector of ALERTS for the selected machines.
    """

    def one(severity: str) -> str:
        chosen = alerts.replace("}", f', alertstate="firing", severity="{severity}"}}')
        return f"max_over_time({chosen}[$__interval])"

    return f"2 * {one('critical')} or {one('warning')} or 3 * {one('info')}"


def limit(resource: str, severity: str) -> str:
    """Return a machine's own limit: one series even if two target files list the machine with different labels."""
    found = select_one("host_alert_threshold_ratio", f'resource="{resource}"', f'severity="{severity}"')
    return f"max by (job, instance) ({found})"


def over_time(expr: str, legend: str, ref: str = "A") -> prometheus.Dataquery:
    """Return a query for a graph."""
    return _query(expr, ref).legend_format(legend).range().format(PromQueryFormat.TIME_SERIES)


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


def by_name() -> db.FieldColor:
    """Return a colour by name, the same on every dashboard and every day."""
    return db.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


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


def legend(*calcs: str, sort: str = "") -> ui.VizLegendOptions:
    """Return a legend below the graph; with calculations it is a table, sorted by one of them, largest first."""
    display = common.LegendDisplayMode.TABLE if calcs else common.LegendDisplayMode.LIST
    found = ui.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM).display_mode(display)
    found = found.calcs(list(calcs))
    return found.sort_by(sort).sort_desc(True) if sort else found


def tooltip(mode: common.TooltipDisplayMode = common.TooltipDisplayMode.MULTI) -> ui.VizTooltipOptions:
    """Return a tooltip with all series, largest first."""
    return ui.VizTooltipOptions().mode(mode).sort(common.SortOrder.DESCENDING)


def property_of(name: str, value: object) -> dashboard.DynamicConfigValue:
    """Return one property of an override."""
    return dashboard.DynamicConfigValue(id_val=name, value=value)


def colour_override(colour: str) -> dashboard.DynamicConfigValue:
    """Return the property that sets the colour of a series."""
    return property_of("color", {"mode": "fixed", "fixedColor": colour})


def links(title: str, url: str, *, new_tab: bool = False) -> dashboard.DynamicConfigValue:
    """Return the property that makes values lead to another page."""
    return property_of("links", [{"title": title, "url": url, "targetBlank": new_tab}])


def runbook() -> dashboard.DynamicConfigValue:
    """Return the property that makes a series of ALERTS lead to the runbook of its alert, in a tab of its own."""
    return links("Runbook of ${__field.labels.alertname}", "${runbooks:raw}#${__field.labels.alertname}", new_tab=True)


def transformation(name: str, options: dict[str, object]) -> dashboard.DataTransformerConfig:
    """Return a transformation of the query result."""
    return dashboard.DataTransformerConfig(id_val=name, options=options)


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
