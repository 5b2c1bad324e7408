"""The benchmark's figures as a Markdown table with one column per size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.tools.bench_measures import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.fleet.bench_disk import Disk
    from tests.fleet.bench_figures import Figures, Group, Store

    Rows = dict[str, Callable[[Figures], str]]

DAY = 86400
NOTHING = "-"
GROUPS = ("host usage", "host overview", "host", "host trend")


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, the 99th percentile and the maximum."""
    return percentile(values, 0.5), percentile(values, 0.99), max(values, default=math.nan)


def rules_share(figures: Figures) -> float:
    """Return the fraction of time spent evaluating rules, all groups together."""
    return sum(group.mean / group.interval for group in figures.groups)


def markdown(all_figures: Sequence[Figures], disk: Disk) -> str:
    """Return the table; missing figures are shown as a dash."""
    rows: Rows = {
        "machines": lambda f: f"{f.machines:,}{', a pair and its store' if f.store else ''}",
        **_cost(disk),
        **_series(disk),
        **_rules(),
        **_scrapes(),
    }
    if all_figures[-1].machines > all_figures[0].machines:
        rows |= _memory(all_figures[0])
    if any(figures.store for figures in all_figures):
        rows |= _store()
    rows["everything on time"] = lambda f: "yes" if f.holds() else f"**no**: {'; '.join(f.broken())}"
    lines = [[name, *(_cell(value, figures) for figures in all_figures)] for name, value in rows.items()]
    lines.insert(1, ["---", *("---:" for _ in all_figures)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Callable[[Figures], str], figures: Figures) -> str:
    try:
        text = value(figures)
    except (KeyError, StopIteration):
        return NOTHING
    return text if "nan" not in text or "**" in text else NOTHING


def _cost(disk: Disk) -> Rows:
    return {
        "CPU of Prometheus, cores": lambda f: f"{f.cpu_cores['prometheus']:.3f}",
        "CPU of Alertmanager, cores": lambda f: f"{f.cpu_cores['alertmanager']:.3f}",
        "CPU of the simulator, cores": lambda f: f"{f.cpu_cores['simulator']:.3f}",
        "memory (RSS), mean / peak": lambda f: f"{f.rss_mib['prometheus']:,.0f} / {f.peak_mib:,.0f} MiB",
        "samples a second": lambda f: f"{f.samples_a_second:,.0f}",
        "disk per machine and day": lambda f: (
            f"{f.samples_a_second * DAY * disk.bytes_a_sample / f.machines / 2**20:.2f} MiB"
        ),
        "write-ahead log per sample": lambda f: f"{f.wal_bytes_a_sample:.1f} B",
    }


def _series(disk: Disk) -> Rows:
    return {
        "series in the head": lambda f: f"{f.series:,.0f}",
        "series per machine: its own": lambda f: f"{f.kinds['own']:.1f}",
        "… of each scrape": lambda f: f"{f.kinds['scrape']:.1f}",
        "… of rules and alerts": lambda f: f"{f.kinds['rules']:.1f}",
        "… of programs that have ended": lambda f: f"{f.kinds['gone']:.1f}",
        "… of the servers themselves": lambda f: f"{f.kinds['servers']:.1f}",
        "its own in a two-hour block": lambda _: f"{disk.series / disk.machines:.0f}",
    }


def _memory(first: Figures) -> Rows:
    def each(figures: Figures) -> float:
        """Return the KiB per series beyond those of the first size."""
        more = figures.series - first.series
        gained = figures.rss_mib["prometheus"] - first.rss_mib["prometheus"]
        return gained * 1024 / more if figures.machines > first.machines else math.nan

    return {f"memory per series beyond those of {first.machines:,} machines": lambda f: f"{each(f):.2f} KiB"}


def _took(group: Group) -> str:
    return f"{1000 * group.mean:,.0f} / {1000 * group.longest:,.0f} ms of {group.interval:.0f} s"


def _rules() -> Rows:
    def of(name: str) -> Callable[[Figures], str]:
        return lambda f: _took(next(group for group in f.groups if group.name == name))

    def nearest(figures: Figures) -> str:
        group = figures.nearest
        return f'"{group.name}": {group.share:.0%}' if group else NOTHING

    return {
        "all rules, evaluated once": lambda f: f"{1000 * sum(group.mean for group in f.groups) or math.nan:,.0f} ms",
        "time spent on rules": lambda f: f"{rules_share(f) or math.nan:.1%}",
        **{f'group "{name}", mean / longest': of(name) for name in GROUPS},
        "group closest to its interval, longest": nearest,
        "evaluations missed": lambda f: f"{f.rules_missed:.0f}",
    }


def _scrapes() -> Rows:
    return {
        "scrapes missed": lambda f: f"{f.scrapes.missed:.0f}",
        "scrapes failed (and of machines that were down)": lambda f: f"{f.scrapes.failed:.0f} ({f.scrapes.away:.0f})",
        "deviation of a scrape from its 15 s, p50 / p99 / max": lambda f: "{:.0f} / {:.0f} / {:.0f} ms".format(
            *spread(f.scrapes.late_ms)
        ),
        "interval reported by Prometheus, p99": lambda f: f"{f.scrapes.length_p99:.3f} s",
        "longest scrape per machine, p50 / p99 / max": lambda f: "{:.0f} / {:.0f} / {:.0f} ms".format(
            *spread(f.scrapes.longest_ms)
        ),
        "queries of the Fleet dashboard, p50 / slowest": lambda f: "{0:.0f} / {2:.0f} ms".format(
            *spread([*f.query_ms.values()])
        ),
    }


def _store() -> Rows:
    def year(figures: Figures, store: Store) -> float:
        """Return the GB per machine and year in the store."""
        return store.samples_a_second * store.kept * store.bytes_a_sample * 365 * DAY / figures.machines / 1e9

    rows: dict[str, Callable[[Figures, Store], str]] = {
        "CPU of the second Prometheus, cores": lambda f, _: f"{f.cpu_cores['prometheus-b']:.3f}",
        "CPU of the store, cores": lambda f, _: f"{f.cpu_cores['victoriametrics']:.3f}",
        "memory of the store (RSS)": lambda f, _: f"{f.rss_mib['victoriametrics']:,.0f} MiB",
        "samples per second to the store, from both": lambda _, s: f"{s.samples_a_second:,.0f}",
        "kept of them": lambda _, s: f"{s.kept:.1%}",
        "rejected or dropped": lambda _, s: f"{s.lost:,.0f}",
        "maximum lag when sending": lambda _, s: f"{s.behind:.1f} s",
        "bytes per sample in the store": lambda _, s: f"{s.bytes_a_sample:.2f}",
        "store per machine and year": lambda f, s: f"{year(f, s):.2f} GB",
    }

    def shown(text: Callable[[Figures, Store], str]) -> Callable[[Figures], str]:
        return lambda figures: text(figures, figures.store) if figures.store else NOTHING

    return {name: shown(text) for name, text in rows.items()}


def details(figures: Figures) -> str:
    """Return the slowest rules and queries of a size."""
    rules = ", ".join(f"{name} {1000 * seconds:.0f}" for name, seconds in figures.slowest_rules)
    queries = sorted(figures.query_ms.items(), key=lambda each: -each[1])
    slow = ", ".join(f"{name} {taken:.0f}" for name, taken in queries[:5])
    return f"{figures.machines:,} machines, slowest in ms: rules {rules}; queries {slow}."
