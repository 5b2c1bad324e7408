"""Measure what a fleet costs a Prometheus with the shipped configuration and rules (Linux).

One process serves machines that do not exist; each is scraped every 15 s. Prints a Markdown table. ``--most`` goes on
with twice as many until a scrape or a rule is late. A report, no test: a shared machine makes any figure worse.
"""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import time
from pathlib import Path

from tests.fleet.bench_disk import Disk, measure_disk
from tests.fleet.bench_measures import PAST, Figures, Plan, measure
from tests.fleet.bench_plot import draw
from tests.fleet.bench_table import details, markdown
from tests.tools.bench_machine import describe

SIZES = (50, 200, 1000)
NOTES = """\
CPU is user and system time from /proc over {window:.0f} s, after {warm_up:.0f} s to warm up. Simulator, Prometheus and
Alertmanager share the cores. Prometheus starts with the past that its rules and queries look back at (6 hours of the
room in filesystems and of the shares), for {past:,} machines at most. Memory is that of some minutes: names of programs
that come later add series until the head is cut, every 2 hours. Disk: promtool writes a block of 2 hours of all that
{machines} machines say ({samples:,} samples; {series:,} series, of which a machine has {each:.0f} at a time;
{size:,} bytes with the index: {bytes:.2f} B a sample), times the samples that Prometheus took in here, those of its
rules and its own included; to it comes the write-ahead log of 2 to 3 hours. A scrape is missed where there is no sample
for it; off its 15 s is the time of a sample."""


def say(text: str) -> None:
    """Show progress beside the report."""
    print(f"# {text}", file=sys.stderr, flush=True)


def run(args: argparse.Namespace, plan: Plan, disk: Disk) -> list[Figures]:
    """Return the figures of all sizes."""
    found: list[Figures] = []
    for size in args.sizes:
        say(f"{size:,} machines")
        found.append(measure(size, plan))
        say(f"{details(found[-1])}\n{markdown(found[-1:], disk)}")  # kept should a later size be cut short
    deadline = time.monotonic() + args.minutes * 60
    while args.most and found[-1].holds() and time.monotonic() < deadline:
        size = 2 * found[-1].machines
        say(f"{size:,} machines")
        try:
            found.append(measure(size, plan))
        except (OSError, AssertionError) as reason:
            say(f"{size:,} machines: {reason}")
            break
        say(f"{details(found[-1])}\n{markdown(found[-1:], disk)}")  # kept should a later size be cut short
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many machines")
    parser.add_argument("--window", type=float, default=Plan.window, help="seconds that are measured for each size")
    parser.add_argument("--warm-up", type=float, default=Plan.warm_up, help="seconds before")
    parser.add_argument("--most", action="store_true", help="double the last size until a scrape or a rule is late")
    parser.add_argument("--minutes", type=float, default=15, help="no further size is begun after so many")
    parser.add_argument("--picture", type=Path, help="draw into this file")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("the benchmark reads /proc: Linux only")
    # What was started is ended in ``finally``, also when this is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(args.warm_up, args.window)
    begin, machine = time.monotonic(), describe()
    disk = measure_disk()
    found = run(args, plan, disk)
    if args.picture:
        draw(found, args.picture)
    about = {**dataclasses.asdict(plan), **dataclasses.asdict(disk), "bytes": disk.bytes_a_sample, "past": PAST}
    print(f"Machine: {machine}.\n\n{markdown(found, disk)}\n\n{NOTES.format(**about)}\n")
    print("\n".join(map(details, found)), f"\nTook {time.monotonic() - begin:.0f} s.")


if __name__ == "__main__":
    main()
