"""Measure what a fleet costs a Prometheus with the shipped configuration and rules (Linux).

One process serves machines that do not exist; each is scraped every 15 s. Prints a Markdown table. ``--store`` measures
the last size once more as docker-compose.fleet.yml has it: two servers, and the store that both send to. ``--most``
looks for the most machines that hold. A report, no test: a shared machine makes any figure worse.
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
CPU is user and system time from /proc over {window:.0f} s, after {warm_up:.0f} s to warm up. All servers and the
simulator share the cores. Prometheus starts with a past of 6 hours: the room in filesystems, which trends read, for
{room:,} machines at most; the recorded shares, which graphs of the dashboard Fleet read, for {shares:,} at most: with
more machines these queries would take longer than measured. Memory is that of some minutes: names of programs that come
later add series until the head is cut, every 2 hours. Disk: promtool writes a block of 2 hours of all that {machines}
machines say ({samples:,} samples; {series:,} series, of which a machine has {each:.0f} at a time; {size:,} bytes
with the index: {bytes:.2f} B a sample), times the samples that Prometheus took in here, those of its rules and its own
included; to it comes the write-ahead log of 2 to 3 hours. A scrape is missed where there is no sample of it, failed
where the machine was there but was not heard; off its 15 s is the time of a sample."""
STORE = """\
The pair is as docker-compose.fleet.yml has it, but with one Alertmanager; CPU and memory of Prometheus are the first
one's. Bytes a sample in the store: a whole day of two machines, merged, with the index. What is kept was counted after
a merge of the minutes that were measured: of the samples of both one each 15 s, of rules that are judged every 5 s
too."""


def say(text: str) -> None:
    """Show progress beside the report."""
    print(f"# {text}", file=sys.stderr, flush=True)


def sizes(args: argparse.Namespace, plan: Plan) -> Iterator[Figures]:
    """Yield the figures of all sizes."""
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
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many machines")
    parser.add_argument("--window", type=float, default=Plan.window, help="seconds that are measured for each size")
    parser.add_argument("--warm-up", type=float, default=Plan.warm_up, help="seconds before")
    parser.add_argument("--store", action="store_true", help="measure the last size with a pair and its store, too")
    parser.add_argument("--most", action="store_true", help="twice the last size until it does not hold, then between")
    parser.add_argument("--minutes", type=float, default=30, help="--most begins no further size after so many")
    parser.add_argument("--picture", type=Path, help="draw into this file")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("the benchmark reads /proc: Linux only")
    # What was started is ended in ``finally``, also when this is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(args.warm_up, args.window)
    begin, machine = time.monotonic(), describe()
    disk, found = measure_disk(), list[Figures]()
    for figures in sizes(args, plan):
        found.append(figures)
        say(f"{details(figures)}\n{markdown([figures], disk)}")  # kept should a later size be cut short
    # Those beside each other that differ least.
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
