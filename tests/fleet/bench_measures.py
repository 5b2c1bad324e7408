"""What the benchmark measures of a Prometheus that watches a fleet."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING

from tests.dashboards.boards import fill, queries
from tests.fleet import history
from tests.fleet.stack import Watched
from tests.tools.bench_machine import cpu_seconds
from tests.tools.bench_measures import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.tools.stack.process import Server

INTERVAL = 15
STEP = 30
"""Seconds between two points of a graph of six hours on a third of a screen."""
PAST = 1000
"""Of so many machines at most the shares are made that graphs read: of more that takes too long."""


@dataclass(frozen=True)
class Plan:
    """How long is measured, in seconds, and how often each query is run."""

    warm_up: float = 75
    window: float = 150
    repeats: int = 5


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rules: what its evaluation took, and how often it is evaluated."""

    name: str
    mean: float
    longest: float
    interval: float


@dataclass
class Figures:
    """What came out for one size. Names end in the unit."""

    machines: int
    cpu_cores: dict[str, float] = field(default_factory=dict)
    rss_mib: float = 0
    peak_mib: float = 0
    series: float = 0
    samples_a_second: float = 0
    wal_bytes_a_sample: float = 0
    groups: list[Group] = field(default_factory=list)
    rules_missed: float = 0
    slowest_rules: list[tuple[str, float]] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    scrapes_missed: int = 0
    length_p99: float = 0
    scrape_ms: list[float] = field(default_factory=list)
    query_ms: dict[str, float] = field(default_factory=dict)

    def holds(self) -> bool:
        """Return whether every scrape and every evaluation came in its time."""
        in_time = all(group.longest < group.interval for group in self.groups)
        return in_time and not self.rules_missed and not self.scrapes_missed and percentile(self.late_ms, 0.99) < 1000


def memory(server: Server, name: str) -> float:
    """Return a line of a process's status in MiB."""
    assert server.process
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def measure(machines: int, plan: Plan) -> Figures:
    """Return the figures for so many machines."""
    figures = Figures(machines)
    shares = min(machines, PAST)
    with (
        tempfile.TemporaryDirectory() as folder,
        Watched(machines, Path(folder), room=machines, shares=shares) as watched,
    ):
        time.sleep(plan.warm_up)
        measure_window(figures, watched, plan)
        measure_scrapes(figures, watched, plan)
        measure_rules(figures, watched, plan)
        measure_queries(figures, watched, plan)
        figures.peak_mib = memory(watched.chain.prometheus, "VmHWM")
    return figures


def measure_window(figures: Figures, watched: Watched, plan: Plan) -> None:
    """CPU, memory, samples and the log of them on disk, over the window."""
    servers = {s.name: s for s in (watched.chain.prometheus, watched.chain.alertmanager, watched.simulator)}
    appended, wal = (
        'prometheus_tsdb_head_samples_appended_total{type="float"}',
        "prometheus_tsdb_wal_storage_size_bytes",
    )
    samples, written = watched.own(appended), watched.own(wal)
    before = {name: cpu(server) for name, server in servers.items()}
    begin = time.monotonic()
    rss = []
    while time.monotonic() < begin + plan.window:
        time.sleep(1)
        rss.append(memory(watched.chain.prometheus, "VmRSS"))
    seconds = time.monotonic() - begin
    figures.cpu_cores = {name: (cpu(server) - before[name]) / seconds for name, server in servers.items()}
    figures.rss_mib = mean(rss)
    gained = watched.own(appended) - samples
    figures.samples_a_second = gained / seconds
    figures.wal_bytes_a_sample = (watched.own(wal) - written) / gained
    figures.series = watched.own("prometheus_tsdb_head_series")


def cpu(server: Server) -> float:
    """Return the CPU seconds of a server so far."""
    assert server.process
    return cpu_seconds(server.process.pid)


def measure_scrapes(figures: Figures, watched: Watched, plan: Plan) -> None:
    """Whether each machine was scraped every 15 s: one that is away has samples too, of its "up"."""
    window = f"{plan.window:.0f}s"
    found = watched.query(f'up{{job="host"}}[{window}]')
    for each in found:
        times = [float(at) for at, _ in each["values"]]
        gaps = [after - at for at, after in pairwise(times)]
        figures.late_ms += [abs(gap - INTERVAL) * 1000 for gap in gaps]
        figures.scrapes_missed += max(0, int(plan.window // INTERVAL) - 1 - len(gaps))
    figures.scrapes_missed += (figures.machines - len(found)) * int(plan.window // INTERVAL)
    figures.length_p99 = watched.own('prometheus_target_interval_length_seconds{interval="15s",quantile="0.99"}')
    durations = watched.query(f'max_over_time(scrape_duration_seconds{{job="host"}}[{window}])')
    figures.scrape_ms = [float(each["value"][1]) * 1000 for each in durations]


def measure_rules(figures: Figures, watched: Watched, plan: Plan) -> None:
    """What the evaluation of rules took."""

    def by_group(expr: str) -> dict[str, float]:
        return {each["metric"]["rule_group"]: float(each["value"][1]) for each in watched.query(expr)}

    metric, window = "prometheus_rule_group_last_duration_seconds", f"{plan.window:.0f}s"
    longest = by_group(f"max_over_time({metric}[{window}])")
    intervals = by_group("prometheus_rule_group_interval_seconds")
    for name, taken in by_group(f"avg_over_time({metric}[{window}])").items():
        figures.groups.append(Group(name.rpartition(";")[2], taken, longest[name], intervals[name]))
    missed = by_group(f"increase(prometheus_rule_group_iterations_missed_total[{window}])")
    figures.rules_missed = sum(missed.values())
    rules = [rule for group in watched.ask("rules")["groups"] for rule in group["rules"]]
    times = [(rule["name"], rule["evaluationTime"]) for rule in rules]
    figures.slowest_rules = sorted(times, key=lambda rule: -rule[1])[:5]


def measure_queries(figures: Figures, watched: Watched, plan: Plan) -> None:
    """What each query of the dashboard Fleet takes, as Grafana asks at its start: six hours, all machines."""
    for query in (query for query in queries() if query.board == "fleet"):
        expr = fill(query.expr, instance=".+", seconds=history.PAGE)
        times = []
        for _ in range(plan.repeats):
            now, begin = time.time(), time.perf_counter()
            if query.instant:
                watched.ask("query", query=expr, time=now)
            else:
                watched.ask("query_range", query=expr, start=now - history.PAGE, end=now, step=STEP)
            times.append(time.perf_counter() - begin)
        figures.query_ms[f"{query.panel} {query.ref}"] = median(times) * 1000


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, the 99th percentile and the highest."""
    return percentile(values, 0.5), percentile(values, 0.99), max(values, default=float("nan"))
