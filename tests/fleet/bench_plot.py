"""Plots the benchmark's figures: CPU, memory, and the time for rules and queries, by number of machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.fleet.bench_table import rules_share
from tests.tools.bench_plot import COLOURS, STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from tests.fleet.bench_figures import Figures


def draw(all_figures: Sequence[Figures], path: Path) -> None:
    """Write the plot; the file's extension determines the format."""
    machines = [figures.machines for figures in all_figures]
    prometheus = [figures.cpu_cores["prometheus"] for figures in all_figures]
    memory = [figures.rss_mib["prometheus"] for figures in all_figures]
    peak = [figures.peak_mib for figures in all_figures]
    rules = [sum(1000 * group.mean for group in figures.groups) for figures in all_figures]
    slowest = [max(figures.query_ms.values()) for figures in all_figures]
    with mpl.rc_context(STYLE):
        picture = Figure(figsize=(12, 4), layout="constrained")
        left, middle, right = picture.subplots(1, 3)
        _lines(left, machines, {"Prometheus": prometheus, "time spent on rules": list(map(rules_share, all_figures))})
        left.set(title="CPU", ylabel="cores")
        _lines(middle, machines, {"mean": memory, "peak": peak})
        middle.set(title="Memory of Prometheus", ylabel="MiB")
        _lines(right, machines, {"all rules once": rules, "slowest query of Fleet": slowest})
        right.set(title="Rules and queries", ylabel="ms")
        picture.savefig(path, dpi=100)


def _lines(axes: Axes, machines: Sequence[int], lines: dict[str, list[float]]) -> None:
    for (name, values), colour in zip(lines.items(), COLOURS, strict=False):
        axes.plot(machines, values, "o-", color=colour, label=name)
    # Small sizes are close together on the axis: label only the last of them.
    shown = [count for count in machines if count == machines[-1] or count >= machines[-1] / 8]
    axes.set_xticks(shown, [f"{count:,}" for count in shown])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("machines")
    axes.legend(frameon=False)
