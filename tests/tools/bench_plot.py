"""Plots the benchmark's figures: CPU per scrape, and latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.tools.bench_measures import percentile
from tests.tools.bench_table import cpu_goal_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from tests.tools.bench_measures import Figures

COLOURS = ("#0f766e", "#b45309", "#6d28d9")
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
STYLE: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}


def draw(figures: Sequence[Figures], path: Path) -> None:
    """Write the plot; the first exporter is ours. The file's extension determines the format."""
    with mpl.rc_context(STYLE):
        picture = Figure(figsize=(10, 4), layout="constrained")
        left, right = picture.subplots(1, 2)
        _cpu(left, figures)
        _latency(right, figures)
        picture.savefig(path, dpi=100)


def _cpu(axes: Axes, figures: Sequence[Figures]) -> None:
    for figure, colour in zip(figures, COLOURS, strict=False):
        axes.plot(list(figure.cpu_ms), list(figure.cpu_ms.values()), "o-", color=colour, label=figure.program.name)
    processes = sorted(figures[0].cpu_ms)
    axes.plot(processes, [cpu_goal_ms(count) for count in processes], "--", color="#6b7280", label="goal")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xticks(processes, [f"{count:,}" for count in processes])
    axes.set(title="CPU per scrape", xlabel="processes", ylabel="ms, logarithmic")
    axes.legend(frameon=False)


def _latency(axes: Axes, figures: Sequence[Figures]) -> None:
    width = 0.8 / len(figures)
    for place, (figure, colour) in enumerate(zip(figures, COLOURS, strict=False)):
        values = [percentile(figure.parallel_ms, share) for share in SHARES.values()]
        bars = axes.bar([n + place * width for n in range(len(values))], values, width, color=colour)
        axes.bar_label(bars, fmt="%.1f", padding=2)
    axes.set_xticks([n + 0.4 - width / 2 for n in range(len(SHARES))], list(SHARES))
    axes.set(title="Latency with eight parallel scrapers", ylabel="ms")
