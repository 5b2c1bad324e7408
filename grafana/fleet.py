"""Dashboard Fleet: every machine in one table, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import alerting, levels, links, panels, style
from grafana.machines import NAMES, SEEN_AT
from grafana.style import ON, now, rows, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, table, timeseries
    from grafana_foundation_sdk.models import dashboard

    from grafana.board import Board

SEEN = select(SEEN_AT)
# Prometheus, Alertmanager and Grafana are targets too, but not machines.
UP = f"({select('up')} and {ON} {SEEN})"
ANSWERING = f"{ON} {select('up')} == 1"
# A machine that answers and does not say how it is doing, such as one with an older exporter, needs a look: a warning.
LEVEL = f"({select('instance:host_level:max')} and {ANSWERING} or {ON} ({UP} == 1))"
USAGE = select("instance:host_usage:ratio")


def fill(board: Board) -> None:
    """Lay out the panels."""
    for panel in (machines(), down(), critical(), warning()):
        board.add(panel, 6, 4)
    board.add(table_of_machines(), 24, 16)
    board.add(highest("cpu", "CPU"), 8, 13)
    board.add(highest("memory", "Memory"), 8, 13)
    board.add(highest("filesystem", "Fullest disk"), 8, 13)


def machines() -> stat.Panel:
    """Return the number of machines."""
    return panels.number(
        "Machines",
        "Monitored machines. Good: as many as you have. If one is missing, no file in targets/ lists it.",
        style.COUNT,
        now(f"count({UP})"),
    )


def down() -> stat.Panel:
    """Return the number of machines that are down."""
    panel = panels.number(
        "Down",
        "Machines whose last scrape failed. Good: 0. After 2 minutes an email is sent; see runbook HostExporterDown.",
        style.COUNT,
        now(f"count({UP} == 0) or 0 * count({UP})"),
    )
    return panels.signal(panel, (1, style.CRITICAL))


def critical() -> stat.Panel:
    """Return the number of machines in a critical state."""
    return _at_level("Critical", 2, style.CRITICAL)


def warning() -> stat.Panel:
    """Return the number of machines in a warning state."""
    return _at_level("Warning", 1, style.WARNING)


def _at_level(title: str, level: int, colour: str) -> stat.Panel:
    panel = panels.number(
        title,
        f"Machines whose own status page says {title.lower()} now. Good: 0. "
        "They are at the top of the table; click a name to see why.",
        style.COUNT,
        now(f"count({LEVEL} == {level}) or 0 * count({LEVEL})"),
    )
    return panels.signal(panel, (1, colour))


def score() -> str:
    """Return how bad it is: 3 for down, 2 critical, 1 warning, plus the highest usage: one sort order is enough."""
    worst = f"(clamp_max(max by (job, instance) ({USAGE}), 0.999) or {ON} 0 * {UP})"
    return f"({LEVEL} + {ON} {worst}) or {ON} (({UP} == 0) + 3)"


def table_of_machines() -> table.Panel:
    """Return all machines, worst first."""

    def each(expr: str) -> str:
        # Recorded averages outlive the machine: its last figures are none of now.
        return f"(max by (job, instance) ({expr}) and {ANSWERING})"

    def share(resource: str) -> str:
        return levels.of_machines(each(select("instance:host_usage:ratio", f'resource="{resource}"')), resource)

    # A machine that has never been scraped has no name yet and goes by its address.
    named, unnamed = select(SEEN_AT, 'hostname!=""'), select(SEEN_AT, 'hostname=""')
    addressed = f'label_join({unnamed}, "hostname", "", "instance")'
    seen = f"topk by (job, instance) (1, {named} or {addressed})"
    panel = panels.list_of(
        "Machines",
        "Every machine, worst first: down, critical, warning, well, as its own status page says. Good: all well. The "
        "colour beside each share is its level by that machine's own limits. Click a name, or the number of its firing "
        "alerts, to open its dashboard.",
        rows(f"sort_desc(({score()}) * {ON} group_left (hostname) ({seen} > bool 0))", "A"),
        rows(share("cpu"), "C"),
        rows(share("memory"), "D"),
        rows(share("filesystem"), "E"),
        rows(each(f"{select('host_load5')} / {select('host_logical_cpus')}"), "F"),
        rows(each(select("host_uptime_seconds")), "G"),
        rows(
            f"count by (job, instance) ({alerting.firing(select('ALERTS'))}) or {ON} max by (job, instance) (0 * {UP})",
            "H",
        ),
    )
    names = {
        "hostname": "Machine", "Value #A": "Level", "Value #H": "Alerts", "Value #C": "CPU", "Value #D": "Memory",
        "Value #E": "Fullest disk", "Value #F": "Load per CPU", "Value #G": "Uptime",
        "instance": "Address", "job": "Job",
    }  # fmt: skip
    panel = panel.with_transformation(style.columns(names, ["Time"]))
    for name, resource in {"CPU": "cpu", "Memory": "memory", "Fullest disk": "filesystem"}.items():
        panel = levels.coloured(panel.override_by_name(name, panels.bar(resource)), name, resource)
    panel = panel.override_by_name("Uptime", [style.property_of("unit", style.SECONDS), style.width(90)])
    panel = panel.override_by_name("Load per CPU", [style.property_of("decimals", 2), style.width(125)])
    panel = panel.override_by_name("Alerts", [style.property_of("decimals", 0), style.width(75)])
    panel = panel.override_by_name("Job", [style.width(70)])
    panel = panel.override_by_name("Level", _level())
    for name in ("Machine", "Alerts"):
        panel = panel.override_by_name(name, [_link()])
    return panel.sort_by([panels.sorted_by("Level")])


def _level() -> list[dashboard.DynamicConfigValue]:
    texts = (
        ("well", style.OK),
        ("warning", style.WARNING),
        ("critical", style.CRITICAL),
        ("down", style.CRITICAL),
    )
    ranges = [
        {
            "type": "range",
            "options": {"from": value, "to": value + 0.9999, "result": {"text": text, "color": colour, "index": value}},
        }
        for value, (text, colour) in enumerate(texts)
    ]
    return [
        style.property_of("mappings", ranges),
        style.property_of("custom.cellOptions", {"type": "color-background", "mode": "basic"}),
        style.width(80),
    ]


def _link() -> dashboard.DynamicConfigValue:
    address = "/d/host?var-datasource=${datasource}&var-job=${__data.fields.Job}&var-instance=${__data.fields.Address}"
    return links.to("Open this machine", f"{address}&${{__url_time_range}}")


def highest(resource: str, title: str) -> timeseries.Panel:
    """Return the five machines with the highest usage of a resource."""
    series = select("instance:host_usage:ratio", f'resource="{resource}"')
    panel = panels.graph(
        f"{title}: five highest",
        f"{title} of the five machines with the highest average in this period. Good: below the "
        "limits of each. A machine that stands out from its peers is worth a look, whatever its level.",
        style.RATIO,
        *style.ranked(
            series, "job, instance", "{{hostname}}", "A", (5, style.in_range("avg_over_time", series)), named=NAMES
        ),
    )
    return panel.max(1).fill_opacity(0).legend(style.legend("mean", "max", sort="Max"))
