"""The benchmark's figures as a Markdown table: a column for each size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fleet.bench_measures import Figures, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.fleet.bench_disk import Disk

DAY = 86400


def disk_mib(figures: Figures, disk: Disk) -> float:
    """Return what a machine needs on disk for a day, in MiB."""
    return figures.samples_a_second * DAY * disk.bytes_a_sample / figures.machines / 2**20


def rules_share(figures: Figures) -> float:
    """Return the share of the time in which rules are evaluated, of all groups together."""
    return sum(group.mean / group.interval for group in figures.groups)


def markdown(all_figures: Sequence[Figures], disk: Disk) -> str:
    """Return the table."""
    rows: dict[str, Callable[[Figures], str]] = {
        "machines": lambda f: f"{f.machines:,}",
        "CPU of Prometheus, cores": lambda f: f"{f.cpu_cores['prometheus']:.3f}",
        "time spent on rules": lambda f: f"{rules_share(f):.1%}",
        "CPU of Alertmanager, cores": lambda f: f"{f.cpu_cores['alertmanager']:.3f}",
        "CPU of the simulator, cores": lambda f: f"{f.cpu_cores['simulator']:.3f}",
        "memory (RSS), mean / peak": lambda f: f"{f.rss_mib:,.0f} / {f.peak_mib:,.0f} MiB",
        "series in the head": lambda f: f"{f.series:,.0f}",
        "samples a second": lambda f: f"{f.samples_a_second:,.0f}",
        "disk a machine and day": lambda f: f"{disk_mib(f, disk):.2f} MiB",
        "write-ahead log a sample": lambda f: f"{f.wal_bytes_a_sample:.1f} B",
    }
    for place, group in enumerate(all_figures[0].groups):
        if group.name in {"host usage", "host overview", "host", "host trend"}:
            rows[f'rules "{group.name}", mean / longest of {group.interval:.0f} s'] = lambda f, n=place: (  # type: ignore[misc]
                f"{1000 * f.groups[n].mean:.0f} / {1000 * f.groups[n].longest:.0f} ms"
            )
    rows |= {
        "evaluations missed": lambda f: f"{f.rules_missed:.0f}",
        "scrapes off their 15 s, p50 / p99 / most": lambda f: "{:.0f} / {:.0f} / {:.0f} ms".format(*spread(f.late_ms)),
        "interval by Prometheus, p99": lambda f: f"{f.length_p99:.3f} s",
        "scrapes missed": lambda f: f"{f.scrapes_missed}",
        "longest scrape of each, p50 / p99 / most": lambda f: "{:.0f} / {:.0f} / {:.0f} ms".format(
            *spread(f.scrape_ms)
        ),
        "Fleet's queries, p50 / slowest": lambda f: "{0:.0f} / {2:.0f} ms".format(*spread([*f.query_ms.values()])),
        "every scrape and rule in its time": lambda f: "yes" if f.holds() else "NO",
    }
    lines = [[name, *(value(figures) for figures in all_figures)] for name, value in rows.items()]
    lines.insert(1, ["---", *("---:" for _ in all_figures)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def details(figures: Figures) -> str:
    """Return the slowest rules and queries of a size."""
    rules = ", ".join(f"{name} {1000 * seconds:.0f}" for name, seconds in figures.slowest_rules)
    queries = sorted(figures.query_ms.items(), key=lambda each: -each[1])
    slow = ", ".join(f"{name} {taken:.0f}" for name, taken in queries[:5])
    return f"{figures.machines:,} machines, slowest in ms: rules {rules}; queries {slow}."
