"""The benchmark's figures as a Markdown table, next to the project's goals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.tools.bench_measures import Figures, Plan, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """One figure for each exporter; ``reached`` says whether ours meets the goal."""

    name: str
    value: Callable[[Figures], str]
    goal: str = ""
    reached: Callable[[Figures], bool] | None = None


def cpu_goal_ms(processes: int) -> float:
    """Return the goal for a number of processes: 4 / 10 / 28 ms at 70 / 570 / 2,070, 12 us per extra one."""
    return 4 + 0.012 * max(0, processes - 70)


def markdown(figures: Sequence[Figures], plan: Plan) -> str:
    """Return the table; the first exporter is ours."""
    ours = figures[0]
    lines = [
        ["figure", "goal", "", *(figure.program.name for figure in figures)],
        ["---", "---", "---", *("---:" for _ in figures)],
    ]
    for row in rows(ours, plan):
        verdict = "" if row.reached is None else "ok" if row.reached(ours) else "MISSED"
        cells = ["failed" if "nan" in (text := row.value(figure)) else text for figure in figures]
        lines.append([row.name, row.goal, verdict, *cells])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a row with aligned columns: text to the left, figures to the right."""
    words = [cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
    return f"| {' | '.join([*words, *numbers])} |"


def rows(ours: Figures, plan: Plan) -> Iterator[Row]:
    for processes in ours.cpu_ms:
        limit = round(cpu_goal_ms(processes), 1)
        yield Row(
            f"CPU per scrape, {processes:,} processes",
            lambda f, n=processes: f"{f.cpu_ms[n]:.2f} ms",  # type: ignore[misc]
            f"<= {limit:g} ms",
            lambda f, n=processes, limit=limit: f.cpu_ms[n] <= limit,  # type: ignore[misc]
        )
    yield Row(
        "marginal cost of one process", lambda f: f"{f.process_us:.1f} us", "<= 12 us", lambda f: f.process_us <= 12
    )
    yield Row("latency of one scraper, p50 / p95 / p99", lambda f: _three(f.latency_ms))
    yield Row(
        f"RSS after {plan.serial:,} scrapes",
        lambda f: f"{f.rss_mib:.1f} MiB",
        "<= 42 MiB",
        lambda f: f.rss_mib <= 42,
    )
    if plan.growth_scrapes:
        yield Row(
            f"RSS growth, {plan.serial:,} to {plan.growth_scrapes:,} scrapes",
            lambda f: f"{f.growth_mib:+.2f} MiB",
            "none (< 1 MiB)",
            lambda f: f.growth_mib < 1,
        )
    yield Row(
        "8 scrapers at once", lambda f: f"{f.parallel_rate:,.0f}/s", ">= 1,000/s", lambda f: f.parallel_rate >= 1000
    )
    yield Row(
        "8 scrapers at once, p50 / p95 / p99",
        lambda f: _three(f.parallel_ms),
        "p99 <= 15 ms",
        lambda f: percentile(f.parallel_ms, 0.99) <= 15,
    )
    yield Row(
        "8 scrapers at once, errors",
        lambda f: "nan" if math.isnan(f.parallel_rate) else str(len(f.parallel_errors)),
        "0",
        lambda f: not f.parallel_errors,
    )
    yield Row(
        f"idle, CPU in {plan.idle_seconds:g} s",
        lambda f: f"{f.idle_ms:.2f} ms",
        "none (< 5 ms)",
        lambda f: f.idle_ms < 5,
    )
    yield Row(
        "start to first good scrape",
        lambda f: f"{f.startup_seconds:.2f} s",
        "<= 0.8 s",
        lambda f: f.startup_seconds <= 0.8,
    )
    yield Row("series", lambda f: f"{f.series:.0f}", "<= 200", lambda f: f.series <= 200)
    yield Row("bytes, gzip / plain", lambda f: f"{f.wire_bytes:,.0f} / {f.text_bytes:,.0f}")


def _three(values: Sequence[float]) -> str:
    return " / ".join(f"{percentile(values, share):.1f}" for share in (0.5, 0.95, 0.99)) + " ms"
