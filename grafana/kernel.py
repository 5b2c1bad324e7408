"""Panels of Host about the kernel: its limits, its clock, TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import over_time, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import timeseries


def limits() -> timeseries.Panel:
    """Return the used share of each of the kernel's limits."""
    panel = panels.graph(
        "Kernel limits",
        "Used share of what the kernel allows the whole machine: open files, threads, connections that the firewall "
        "tracks. Good: low and flat. A line that only rises: a program that does not close or end what it starts. "
        "Runbook HostLimitNear says how to find it; the alert fires at 80 %.",
        style.RATIO,
        over_time(select_one("instance:host_limit_usage:ratio"), "{{resource}}"),
    )
    return panel.fill_opacity(0)


def clock() -> timeseries.Panel:
    """Return how far the clock is off, by Prometheus' clock and by the machine's own time service."""
    panel = panels.graph(
        "Clock",
        "How far the clock is ahead of Prometheus' (below zero: behind), what its time service still corrects, and how "
        "wrong it may be at most. Good: within a second of 0. Without a time service only the first line is there, "
        "and it includes the time that a scrape takes.",
        style.SECONDS,
        over_time(select_one("instance:host_clock_skew:seconds"), "ahead of Prometheus", "A"),
        over_time(select_one("host_clock_offset_seconds"), "to correct", "B"),
        over_time(select_one("host_clock_error_seconds"), "wrong at most", "C"),
        below_zero=True,
    )
    return panel.fill_opacity(0)


def tcp() -> timeseries.Panel:
    """Return what TCP has to send again, and what it drops for programs that are too slow."""
    return panels.graph(
        "TCP",
        "TCP segments sent again because nobody confirmed them, and connections dropped because a program did not "
        "accept them fast enough. Good: few of the first, none of the second. Both rise when the network or the "
        "machine is overloaded.",
        style.A_MINUTE,
        over_time(
            f"60 * rate({select_one('host_tcp_retransmitted_segments_total')}[$__rate_interval])", "sent again", "A"
        ),
        over_time(f"60 * rate({select_one('host_tcp_listen_overflows_total')}[$__rate_interval])", "not accepted", "B"),
    )
