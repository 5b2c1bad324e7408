"""Panels of Host: what happens when memory is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common

from grafana import panels, style
from grafana.style import over_time, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import timeseries

KILLS = "processes killed"
FAULTS = "suffix:/s"


def paging() -> timeseries.Panel:
    """Return the swap traffic, and how many processes the kernel killed for want of memory."""
    kills = select_one("host_oom_kills_total")
    panel = panels.graph(
        "Paging",
        "Upwards: read back from swap; downwards: written to it. Good: near 0. A peak one way is a program that starts "
        "or wakes up; both ways at once for minutes is thrashing, see runbook HostThrashing. Red points: the kernel "
        "killed that many processes because memory ran out, see runbook HostOomKill.",
        style.BYTES_A_SECOND,
        over_time(f"rate({select_one('host_swap_in_bytes_total')}[$__rate_interval])", "swapped in", "A"),
        over_time(f"rate({select_one('host_swap_out_bytes_total')}[$__rate_interval])", "swapped out", "B"),
        over_time(f"increase({kills}[$__rate_interval]) > 0", KILLS, "C"),
        below_zero=True,
    )
    marks = [
        style.property_of("unit", style.COUNT),
        style.property_of("custom.axisPlacement", "right"),
        style.property_of("custom.drawStyle", "points"),
        style.property_of("custom.pointSize", 8),
    ]
    return panels.downwards(panel, "/^swapped out$/").override_by_name(KILLS, marks)


def faults() -> timeseries.Panel:
    """Return the programs that waited for pages most often, over time."""
    series = select_one("host_top_process_major_faults")
    panel = panels.graph(
        "Major faults by program",
        "How often programs had to wait for a page to be read from disk: their code, files that they map, swap. Good: "
        "short peaks, when programs start. A database that maps its files has thousands and is well. With much "
        '"Pressure" for memory, the program with the most is the one that thrashes; see runbook HostThrashing.',
        FAULTS,
        *style.ranked(series, "job, instance, name", "{{name}}", "A", (5, style.in_range("max_over_time", series))),
    )
    panel = panel.show_points(common.VisibilityMode.AUTO)
    return panel.legend(style.legend("max", sort="Max", beside=True))
