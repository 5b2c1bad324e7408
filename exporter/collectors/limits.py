"""The kernel's limits for the whole machine and how much of them is used; hung tasks and lost connections (Linux)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collectors.processes import Processes, most_threads
from exporter.families import counter, gauge, gauges
from exporter.findings import Finding
from exporter.sources.host import LINUX
from exporter.sources.kernel_limits import conntrack, file_descriptors, hung_tasks, tcp, threads
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.sources.kernel_limits import Use
    from exporter.thresholds import Thresholds

EVERY = 30.0
"""Seconds between readings: /proc/net/netstat alone takes longer than many a collector."""
NEAR, NEARLY_REACHED = 0.8, 0.95
"""Used shares at which there is a warning, and at which it is critical; the same limits as in HostLimitNear."""
NAMES = {"descriptors": "Open files", "threads": "Threads", "conntrack": "Tracked connections"}
HOLDERS = 3
"""Programs to name when threads become scarce."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What is used of one limit, and the limit; None if unknown or if there is none."""

    resource: str
    used: int | None
    limit: int | None

    def name(self) -> str:
        """Return what it limits, for people."""
        return NAMES[self.resource]

    def usage_ratio(self) -> float | None:
        """Return the used share. It may be above 1: root may go beyond some limits, and a limit may be lowered."""
        return self.used / self.limit if self.used is not None and self.limit else None


@dataclass(frozen=True, slots=True)
class Holder:
    """A program, and the threads of all its processes."""

    name: str
    threads: int


@dataclass(frozen=True, slots=True)
class Limits:
    """``limits`` of descriptors, threads and conntrack, those that the machine has; the counts are since boot.

    ``holders`` are the programs with the most threads, if threads are near their limit.
    """

    limits: tuple[Limit, ...]
    hung_tasks: int | None
    tcp_retransmitted_segments: int | None
    tcp_listen_overflows: int | None
    holders: tuple[Holder, ...] = ()


def read(machine: Machine, baseline: Snapshot | None) -> Limits | None:
    """Read /proc/sys and the network counters of process 1."""
    if not LINUX:
        return None
    host = machine.host
    # Of an earlier sample: if /proc hangs, it costs its own section alone.
    processes = baseline.section(Processes) if baseline else None
    tasks = threads(host, max(processes.scanned, default=0) if processes else None)
    used = (("descriptors", file_descriptors(host)), ("threads", tasks), ("conntrack", conntrack(host)))
    near = processes if (_of("threads", tasks).usage_ratio() or 0.0) >= NEAR else None
    limits = tuple(_of(name, use) for name, use in used if use.used is not None)
    counts = (hung_tasks(host), *tcp(host))
    if not limits and counts == (None, None, None):
        return None
    return Limits(
        limits,
        *counts,
        tuple(Holder(*each) for each in most_threads(near, HOLDERS)) if near else (),
    )


def metrics(section: Limits) -> Iterable[Metric]:
    """Return the families of the limits, hung tasks and TCP."""
    limits = {each.resource: each for each in section.limits}
    for resource, used, limit, what, most in _FAMILIES:
        if found := limits.get(resource):
            yield from gauge(used, what, found.used)
            yield from gauge(limit, most, found.limit)
    yield from gauges(
        "host_top_process_threads",
        "Threads of all processes of that name together; only for the three names that have the most, and only while "
        "80 % of the machine's threads are used.",
        ("name",),
        [((each.name,), each.threads) for each in section.holders],
    )
    yield from counter(
        "host_hung_tasks_total",
        "How often since boot the kernel has found a task that has waited for minutes without any progress. It looks "
        "every two minutes by default, and counts a task again for as long as it hangs.",
        section.hung_tasks,
    )
    yield from counter(
        "host_tcp_retransmitted_segments_total",
        "TCP segments that were sent again since boot, because nobody confirmed them.",
        section.tcp_retransmitted_segments,
    )
    yield from counter(
        "host_tcp_listen_overflows_total",
        "TCP connections dropped since boot because the program they were for did not accept them fast enough.",
        section.tcp_listen_overflows,
    )


def findings(section: Limits, _thresholds: Thresholds) -> Iterable[Finding]:
    """Compare the use of each limit with fixed shares."""
    for each in section.limits:
        ratio = each.usage_ratio()
        if ratio is not None and ratio >= NEAR:
            level, limit = (Level.CRITICAL, NEARLY_REACHED) if ratio >= NEARLY_REACHED else (Level.WARNING, NEAR)
            yield Finding(
                "HostLimitNear",
                level,
                each.name(),
                each.resource,
                ratio,
                limit,
                named=True,
                culprits="threads" if each.resource == "threads" else "",
            )


def _of(resource: str, use: Use) -> Limit:
    return Limit(resource, use.used, use.limit)


_FAMILIES = (
    (
        "descriptors",
        "host_file_descriptors_used",
        "host_file_descriptors_limit",
        "Open files, sockets and pipes of all processes together.",
        "How many of them the kernel allows (fs.file-max); root may have more.",
    ),
    (
        "threads",
        "host_threads_used",
        "host_threads_limit",
        "Threads of all processes, including those of the kernel.",
        (
            "How many there can be: kernel.threads-max or kernel.pid_max, whichever is smaller. Absent in a container "
            "on Linux 6.14 or later, which does not see the machine's pid_max, unless a PID shows that it is larger."
        ),
    ),
    (
        "conntrack",
        "host_conntrack_entries",
        "host_conntrack_limit",
        "Connections that the firewall tracks for the machine's own network.",
        "How many of them it can track (net.netfilter.nf_conntrack_max); absent if that cannot be known.",
    ),
)
