"""Measure what a fleet costs a Prometheus with the shipped configuration and rules (Linux).

One process simulates the machines; each is scraped every 15 s. Prints a Markdown table. ``--store`` measures the last
size again with the setup of docker-compose.fleet.yml: two servers, and the store that both write to. ``--most`` looks
for the largest fleet that holds. A report, not a test: other load on the machine makes every figure worse.
"""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fleet.bench_disk import measure_disk
from tests.fleet.bench_figures import Figures, Plan
from tests.fleet.bench_measures import measure
from tests.fleet.bench_plot import draw
from tests.fleet.bench_search import search
from tests.fleet.bench_store import measure_bytes
from tests.fleet.bench_table import details, markdown
from tests.tools.bench_machine import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (50, 200, 1000)
NOTES = """\
CPU is user and system time from /proc over {window:.0f} s, after a warm-up of {warm_up:.0f} s. All servers and the
simulator share the cores. Prometheus starts with 6 hours of history: free space of filesystems, which the trend rules
read, for at most {room:,} machines; recorded ratios, which the graphs of the Fleet dashboard read, for at most
{shares:,}. With history for more machines, these queries would take longer than measured. Memory is after some minutes:
new program names add series until the head is truncated, every 2 hours. Disk: bytes per sample times the samples that
Prometheus ingested here, including its own and those of its rules; bytes per sample are those of a 2-hour block that
promtool writes for {machines} machines ({samples:,} samples; {series:,} series, of which a machine has {each:.0f} at a
time; {size:,} bytes with the index: {bytes:.2f} B per sample). The write-ahead log of 2 to 3 hours comes on top. A
scrape counts as missed if it left no sample, as failed if the machine was up but could not be scraped. The deviation of
a scrape is that of its sample's timestamp."""
STORE = """\
The pair is set up as in docker-compose.fleet.yml, but with one Alertmanager; CPU and memory of Prometheus are those of
the first server. Bytes per sample in the store: a whole day of two machines, merged, with the index. Samples kept were
counted after merging the measured minutes: of both servers' samples one per 15 s, also of 5 s rules."""


def say(text: str) -> None:
    """Report progress on standard error."""
    print(f"# {text}", file=sys.stderr, flush=True)


def sizes(args: argparse.Namespace, plan: Plan) -> Iterator[Figures]:
    """Yield the figures for each fleet size."""
    deadline = time.monotonic() + args.minutes * 60

    def of(machines: int) -> Figures:
        say(f"{machines:,} machines")
        return measure(machines, plan)

    for size in args.sizes:
        yield (last := of(size))
    if args.store:
        say(f"{args.sizes[-1]:,} machines, a pair and its store")
        found = measure(args.sizes[-1], plan, stored=True)
        assert found.store
        found.store.bytes_a_sample = measure_bytes()
        yield found
    if args.most:
        yield from search(last, of, lambda: time.monotonic() < deadline)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of machines")
    parser.add_argument("--window", type=float, default=Plan.window, help="seconds to measure at each size")
    parser.add_argument("--warm-up", type=float, default=Plan.warm_up, help="seconds to wait before measuring")
    parser.add_argument("--store", action="store_true", help="also measure the last size with a pair and its store")
    parser.add_argument("--most", action="store_true", help="double the last size until it does not hold, then bisect")
    parser.add_argument("--minutes", type=float, default=30, help="--most starts no further size after this many")
    parser.add_argument("--picture", type=Path, help="draw a plot into this file")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("the benchmark reads /proc: Linux only")
    # Turn SIGTERM into an exception, so that ``finally`` stops what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(args.warm_up, args.window)
    begin, machine = time.monotonic(), describe()
    disk, found = measure_disk(), list[Figures]()
    for figures in sizes(args, plan):
        found.append(figures)
        say(f"{details(figures)}\n{markdown([figures], disk)}")  # keep this much if a later size is interrupted
    # The neighbouring sizes that are closest.
    found.sort(key=lambda figures: figures.machines)
    if args.picture:
        draw([figures for figures in found if not figures.trouble and not figures.store], args.picture)
    about = {**dataclasses.asdict(plan), **dataclasses.asdict(disk), "bytes": disk.bytes_a_sample}
    print(f"Machine: {machine}.\n\n{markdown(found, disk)}\n\n{NOTES.format(**about)}")
    if args.store:
        print(STORE)
    print("", *map(details, found), f"Took {time.monotonic() - begin:.0f} s.", sep="\n")


if __name__ == "__main__":
    main()
