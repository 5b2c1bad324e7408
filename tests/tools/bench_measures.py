"""The benchmark's measurements of each exporter."""

from __future__ import annotations

import json
import math
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from tests.tools.bench_client import Scraper
from tests.tools.bench_exporters import Program, Server, hammers
from tests.tools.bench_machine import Crowd, cpu_seconds, fine_cpu_seconds, process_count, rss_mib

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST = 6.0
"""Seconds after which a CPU measurement ends early: with slow scrapes, fewer are accurate enough."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    repeats: int = 3
    scrapes: int = 60
    crowd: tuple[int, ...] = (0, 500, 2000)
    serial: int = 1000
    parallel_seconds: float = 5
    idle_seconds: float = 10
    growth_scrapes: int = 0


QUICK = Plan(repeats=1, scrapes=30, serial=200, parallel_seconds=2, idle_seconds=2)


@dataclass
class Figures:
    """The results for one exporter, nan where a measurement failed. Names end in the unit."""

    program: Program
    cpu_ms: dict[int, float] = field(default_factory=dict)
    latency_ms: list[float] = field(default_factory=list)
    rss_mib: float = math.nan
    growth_mib: float = math.nan
    series: float = math.nan
    wire_bytes: float = math.nan
    text_bytes: float = math.nan
    parallel_rate: float = math.nan
    parallel_ms: list[float] = field(default_factory=list)
    parallel_errors: list[str] = field(default_factory=list)
    idle_ms: float = math.nan
    startup_seconds: float = math.nan
    problems: list[str] = field(default_factory=list)

    @property
    def process_us(self) -> float:
        """Return the cost of one additional process, from the smallest to the largest crowd."""
        few, many = min(self.cpu_ms), max(self.cpu_ms)
        return (self.cpu_ms[many] - self.cpu_ms[few]) / max(1, many - few) * 1000

    @contextmanager
    def surviving(self, what: str) -> Iterator[None]:
        """Record a failure: one broken exporter must not cost the report on the others."""
        try:
            yield
        except OSError as reason:
            self.problems.append(f"{what}: {reason}")


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def cpu_a_scrape(server: Server, scrapes: int) -> float:
    """Return the CPU time of one scrape in ms."""
    with Scraper(server.port) as scraper:
        for _ in range(3):  # the first scrapes meet new processes
            scraper.scrape()
        before, begin, done = cpu_seconds(server.pid), time.monotonic(), 0
        while done < scrapes and (done < 5 or time.monotonic() - begin < LONGEST):
            scraper.scrape()
            done += 1
        return (cpu_seconds(server.pid) - before) / done * 1000


def measure_cpu(figures: Sequence[Figures], plan: Plan) -> None:
    """CPU per scrape at each crowd size; the exporters take turns, so that all are disturbed alike."""
    for count in plan.crowd:
        with Crowd(count):
            processes = process_count()
            values: list[list[float]] = [[] for _ in figures]
            for _ in range(plan.repeats):
                for figure, taken in zip(figures, values, strict=True):
                    with figure.surviving(f"CPU at {processes:,} processes"), Server(figure.program) as server:
                        taken.append(cpu_a_scrape(server, plan.scrapes))
        for figure, taken in zip(figures, values, strict=True):
            figure.cpu_ms[processes] = median(taken) if taken else math.nan


def measure_serial(figure: Figures, plan: Plan) -> None:
    """Sequential scrapes: latency, memory, response size, and whether memory grows."""
    with figure.surviving("one scraper"), Server(figure.program) as server, Scraper(server.port) as scraper:
        for _ in range(plan.serial):
            begin = time.perf_counter()
            scraper.scrape()
            figure.latency_ms.append((time.perf_counter() - begin) * 1000)
        figure.rss_mib = rss_mib(server.pid)
        page = scraper.page()
        figure.series, figure.wire_bytes, figure.text_bytes = page.series, len(page.wire), len(page.text.encode())
        if plan.growth_scrapes:
            for _ in range(plan.growth_scrapes - plan.serial):
                scraper.scrape()
            figure.growth_mib = rss_mib(server.pid) - figure.rss_mib


def measure_parallel(figure: Figures, program: Program, plan: Plan, scrapers: int = 8) -> None:
    """Several scrapers in parallel for some seconds."""
    with figure.surviving(f"{scrapers} scrapers"), Server(program) as server:
        processes = hammers(server.port, scrapers, plan.parallel_seconds)
        try:
            for process in processes:
                answer = json.loads(process.communicate(timeout=plan.parallel_seconds + 60)[0])
                figure.parallel_ms += [seconds * 1000 for seconds in answer["latencies"]]
                figure.parallel_errors += answer["errors"]
        finally:
            for process in processes:
                process.kill()
                process.wait()
        figure.parallel_rate = len(figure.parallel_ms) / plan.parallel_seconds


def measure_idle(figures: Sequence[Figures], programs: Sequence[Program], plan: Plan) -> None:
    """CPU time while idle, after some scrapes, with all connections closed."""
    with ExitStack() as stack:
        running: list[tuple[Figures, Server]] = []
        for figure, program in zip(figures, programs, strict=True):
            with figure.surviving("idle"):
                server = stack.enter_context(Server(program))
                cpu_a_scrape(server, 5)
                running.append((figure, server))
        time.sleep(1)
        before = [fine_cpu_seconds(server.pid) for _, server in running]
        time.sleep(plan.idle_seconds)
        for (figure, server), first in zip(running, before, strict=True):
            figure.idle_ms = (fine_cpu_seconds(server.pid) - first) * 1000


def measure_startup(figure: Figures, program: Program, plan: Plan) -> None:
    """Time from process start to a complete scrape."""
    times = []
    with figure.surviving("start"):
        for _ in range(plan.repeats):
            with Server(program) as server:
                times.append(server.startup)
        figure.startup_seconds = median(times)
