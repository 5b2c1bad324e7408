"""The benchmark's measurements of a Prometheus that monitors a fleet."""

from __future__ import annotations

import re
import tempfile
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING

from tests.dashboards.boards import fill, queries
from tests.fleet import history
from tests.fleet.bench_figures import Figures, Group, Plan, Scrapes, Store
from tests.fleet.bench_series import measure_series
from tests.fleet.bench_store import measure_store
from tests.fleet.fleet import Fleet
from tests.fleet.stack import SEED, Watched
from tests.fleet.stored import Stored
from tests.tools.bench_machine import cpu_seconds
from tests.tools.stack.process import NotReadyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fleet.life import Life
    from tests.tools.stack.process import Server

INTERVAL = 15
TIMEOUT = 10
STEP = 30
"""Query step in seconds: that of a six-hour graph on a third of a screen."""
TURN = 3.0
"""Seconds around a scrape in which a machine may have gone up or down: the simulator checks once a second."""


def measure(machines: int, plan: Plan, *, stored: bool = False) -> Figures:
    """Return all figures that can be measured for this many machines, with a pair and its store if ``stored``."""
    figures = Figures(machines, min(machines, plan.room), min(machines, plan.shares))
    figures.store = Store() if stored else None
    kind = Stored if stored else Watched
    with tempfile.TemporaryDirectory() as folder:
        watched = kind(machines, Path(folder), room=figures.room, shares=figures.shares)
        try:
            with watched:
                time.sleep(plan.warm_up)
                measure_running(figures, watched, plan)
        except (OSError, AssertionError, NotReadyError) as reason:
            figures.trouble = f"{type(reason).__name__} {reason}".strip()
    return figures


def measure_running(figures: Figures, watched: Watched, plan: Plan) -> None:
    """Run the measurements in turn; if one fails, the earlier results are kept."""
    measure_window(figures, watched, plan)
    figures.peak_mib = memory(watched.chain.prometheus, "VmHWM")
    measure_rules(figures, watched, plan)
    measure_scrapes(figures, watched, plan)
    measure_series(figures, watched)
    if figures.store and isinstance(watched, Stored):
        measure_store(figures.store, watched, plan.window)
    measure_queries(figures, watched, plan)
    figures.peak_mib = memory(watched.chain.prometheus, "VmHWM")


def memory(server: Server, name: str) -> float:
    """Return a field of /proc/PID/status in MiB."""
    assert server.process
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    assert found, f"{server.name} has ended"
    return int(found[1]) / 1024


def cpu(server: Server) -> float:
    """Return the CPU seconds of a server so far."""
    assert server.process
    return cpu_seconds(server.process.pid)


def measure_window(figures: Figures, watched: Watched, plan: Plan) -> None:
    """CPU, memory, samples and the write-ahead log over the window."""
    appended = 'prometheus_tsdb_head_samples_appended_total{type="float"}'
    wal = "prometheus_tsdb_wal_storage_size_bytes"
    samples, written, received = watched.own(appended), watched.own(wal), watched.received()
    before = {server.name: cpu(server) for server in watched.servers}
    begin = time.monotonic()
    rss: dict[str, list[float]] = {server.name: [] for server in watched.servers}
    while time.monotonic() < begin + plan.window:
        time.sleep(1)
        for server in watched.servers:
            rss[server.name].append(memory(server, "VmRSS"))
    seconds = time.monotonic() - begin
    figures.cpu_cores = {server.name: (cpu(server) - before[server.name]) / seconds for server in watched.servers}
    figures.rss_mib = {name: mean(values) for name, values in rss.items()}
    gained = watched.own(appended) - samples
    figures.samples_a_second = gained / seconds
    figures.wal_bytes_a_sample = (watched.own(wal) - written) / gained
    figures.series = watched.own("prometheus_tsdb_head_series")
    if figures.store:
        figures.store.samples_a_second = (watched.received() - received) / seconds


def measure_scrapes(figures: Figures, watched: Watched, plan: Plan) -> None:
    """Whether each machine was scraped every 15 s, successfully while it was up."""
    window, scrapes = f"{plan.window:.0f}s", Scrapes(missed=0, failed=0, away=0)
    fleet = Fleet(figures.machines, SEED)
    machines = {history.instance(each, f"127.0.0.1:{watched.port}"): each for each in fleet.machines}
    end = time.time() - TIMEOUT  # later ones may not be finished
    found = {each["metric"]["instance"]: each["values"] for each in watched.query(f'up{{job="host"}}[{window}]', end)}
    for name, machine in machines.items():
        judge(scrapes, machine.life, found.get(name, []), end - plan.window, end)
    figures.scrapes = scrapes
    scrapes.length_p99 = watched.own('prometheus_target_interval_length_seconds{interval="15s",quantile="0.99"}')
    durations = watched.query(f'max_over_time(scrape_duration_seconds{{job="host"}}[{window}])')
    scrapes.longest_ms = [float(each["value"][1]) * 1000 for each in durations]


def judge(scrapes: Scrapes, life: Life, values: Sequence[tuple[float, str]], begin: float, end: float) -> None:
    """Add the outcome of one machine's scrapes, from its samples of "up"."""
    times = [at for at, _ in values]
    gaps = [after - at for at, after in pairwise(times)]
    scrapes.late_ms += [abs(gap - INTERVAL) * 1000 for gap in gaps]
    # Do not count samples: of two that are slightly off, one may fall just outside the window at either end.
    around = [times[0] - begin, end - times[-1]] if times else [end - begin]
    scrapes.missed += sum(round(gap / INTERVAL) - 1 for gap in gaps if gap > INTERVAL)
    scrapes.missed += sum(int((gap - TURN) // INTERVAL) for gap in around if gap > TURN)
    for at in (at for at, up in values if up == "0"):
        away = not all(life.answers(at + ago) for ago in (-TURN, 0, TURN))
        scrapes.away += away
        scrapes.failed += not away


def measure_rules(figures: Figures, watched: Watched, plan: Plan) -> None:
    """How long rule evaluations took."""
    own, window = f'{{instance="127.0.0.1:{watched.chain.ports["prometheus"]}"}}', f"{plan.window:.0f}s"

    def by_group(expr: str) -> dict[str, float]:
        found = {each["metric"]["rule_group"]: float(each["value"][1]) for each in watched.query(expr)}
        return {name.rpartition(";")[2]: value for name, value in found.items()}

    metric = f"prometheus_rule_group_last_duration_seconds{own}[{window}]"
    longest, taken = by_group(f"max_over_time({metric})"), by_group(f"avg_over_time({metric})")
    missed = by_group(f"increase(prometheus_rule_group_iterations_missed_total{own}[{window}])")
    now, nothing = datetime.now(UTC), float("nan")
    groups = watched.ask("rules")["groups"]
    for group in groups:
        name, ago = group["name"], (now - datetime.fromisoformat(group["lastEvaluation"])).total_seconds()
        # The last evaluation may be more recent than the last scrape of Prometheus itself.
        most = max(longest.get(name, nothing), group["evaluationTime"])
        figures.groups.append(Group(name, taken.get(name, nothing), most, group["interval"], ago))
    # A group that does not report missed evaluations may have missed them all.
    figures.rules_missed = sum(missed.get(group["name"], nothing) for group in groups)
    times = [(rule["name"], rule["evaluationTime"]) for group in groups for rule in group["rules"]]
    figures.slowest_rules = sorted(times, key=lambda rule: -rule[1])[:5]


def measure_queries(figures: Figures, watched: Watched, plan: Plan) -> None:
    """How long each query of the Fleet dashboard takes, as Grafana first runs it: six hours, all machines."""
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
