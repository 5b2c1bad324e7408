"""Measure what the exporter costs, next to node_exporter and process-exporter if those are installed (Linux).

Prints a Markdown table with the project's goals. ``--quick`` takes half a minute, the full run about two; ``--long``
also checks memory growth over 10,000 scrapes. A report, not a test: other load on the machine makes every figure worse.
"""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.tools.bench_exporters import ours, peers
from tests.tools.bench_machine import describe
from tests.tools.bench_measures import (
    QUICK,
    Figures,
    Plan,
    measure_cpu,
    measure_idle,
    measure_parallel,
    measure_serial,
    measure_startup,
)
from tests.tools.bench_plot import draw
from tests.tools.bench_table import markdown

NOTES = """\
CPU is the server's user and system time from /proc: the median of {repeats} rounds of up to {scrapes} scrapes, one
after another, gzipped, over one kept-alive connection, with the headers that Prometheus sends. CPU, latency and
memory of Host Exporter are measured with --max-age 0, because by default it reuses a sample younger than 1 s, which
costs next to nothing. 8 scrapers, idle and start use its defaults. Clients and server share the {cores} cores.
process-exporter groups by program name."""


def say(text: str) -> None:
    """Report progress on standard error."""
    print(f"# {text}", file=sys.stderr, flush=True)


def measure(plan: Plan, folder: Path, picture: Path | None) -> str:
    """Return the whole report, and draw a plot into ``picture`` if given."""
    begin = time.monotonic()
    machine = describe()
    others, missing = peers(folder)
    # A reused sample would say nothing about the cost of a scrape.
    programs = [ours("--max-age", "0"), *others]
    defaults = [ours(), *others]
    figures = [Figures(program) for program in programs]
    say(f"CPU per scrape, with {', '.join(map(str, plan.crowd))} extra processes")
    measure_cpu(figures, plan)
    for figure, default in zip(figures, defaults, strict=True):
        say(figure.program.name)
        measure_serial(figure, plan)
        measure_parallel(figure, default, plan)
        measure_startup(figure, default, plan)
    say("idle")
    measure_idle(figures, defaults, plan)
    if picture:
        draw(figures, picture)
    versions = ", ".join(f"{program.name} {program.version}" for program in programs)
    lines = [f"Machine: {machine}.", f"Exporters: {versions}."]
    lines += [f"Not installed here: {name}." for name in missing]
    lines += [f"{figure.program.name} failed: {problem}." for figure in figures for problem in figure.problems]
    notes = NOTES.format(repeats=plan.repeats, scrapes=plan.scrapes, cores=machine.split()[0])
    return "\n".join([*lines, "", markdown(figures, plan), "", notes, f"Took {time.monotonic() - begin:.0f} s."])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run, for the order of magnitude")
    parser.add_argument("--long", action="store_true", help="also measure memory growth over 10,000 scrapes")
    parser.add_argument("--picture", type=Path, help="draw a plot of CPU and latency into this file")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("the benchmark reads /proc: Linux only")
    # Turn SIGTERM into an exception, so that ``finally`` stops what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = QUICK if args.quick else Plan()
    if args.long:
        plan = dataclasses.replace(plan, growth_scrapes=10_000)
    with tempfile.TemporaryDirectory() as folder:
        print(measure(plan, Path(folder), args.picture))


if __name__ == "__main__":
    main()
