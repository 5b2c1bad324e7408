"""A fleet's history, as blocks for Prometheus to load when it starts; promtool writes them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fleet.fleet import Fleet
from tests.fleet.template import SAMPLE
from tests.tools.stack.chain import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.fleet.machine import Machine

HOURS = 6
"""The longest range of any rule (HostFilesystemFillingUp)."""
STEP = 15
"""Seconds between two samples, also of recording rules."""
BLOCK = 7200
"""Length of Prometheus' smallest blocks, in seconds."""
PAGE = 6 * 3600
"""Seconds that the Fleet dashboard shows."""


def instance(machine: Machine, first: str) -> str:
    """Return a machine's instance label; that of the first one is different."""
    return f"{machine.name}:5000" if machine.number else first


def series(fleet: Fleet, machine: Machine, now: float, wanted: str, labels: str) -> list[tuple[str, str]]:
    """Return a machine's series whose names match a pattern, with extra labels and their values at a time."""
    found = []
    for line in fleet.exposition(machine.number, now).decode().splitlines():
        sample = SAMPLE.fullmatch(line)
        if sample and re.fullmatch(wanted, sample["name"]):
            own = f"{sample['labels']}," if sample["labels"] else ""
            found.append((f"{sample['name']}{{{own}{labels}}}", sample["value"]))
    return found


def room(fleet: Fleet, now: float, first: str, begin: float, end: float) -> Iterator[str]:
    """Yield the free space of filesystems from ``begin`` to ``end``, which trend rules read, as text.

    The values are made up: they fall to those of ``now``. A query takes as long on them as on any others.
    """
    times = [(50 * ago * (1 + ago % 7), f"{now - ago:.3f}\n") for ago in _ago(HOURS * 3600, now, begin, end)]
    for machine in fleet.machines:
        labels = f'job="host",instance="{instance(machine, first)}"'
        for name, value in series(fleet, machine, now, "host_filesystem_available_bytes", labels):
            left = int(float(value))
            yield from [f"{name} {left + more} {at}" for more, at in times]


def shares(fleet: Fleet, now: float, first: str, begin: float, end: float) -> Iterator[str]:
    """Yield the recorded ratios from ``begin`` to ``end``, which the Fleet dashboard shows, as text."""
    times = _ago(PAGE, now, begin, end)
    for machine in fleet.machines:
        labels = f'job="host",instance="{instance(machine, first)}"'
        values = [f"{machine.load.at(now - ago)!r} {now - ago:.3f}\n" for ago in times]
        for resource in ("cpu", "memory", "filesystem"):
            yield from [f'instance:host_usage:ratio{{{labels},resource="{resource}"}} {value}' for value in values]


def _ago(longest: int, now: float, begin: float, end: float) -> list[int]:
    return [ago for ago in range(longest, 0, -STEP) if begin <= now - ago < end]


@dataclass(frozen=True, slots=True)
class Past:
    """The history to create: free space for ``room`` machines, recorded ratios for ``shares`` machines."""

    room: int
    shares: int
    seed: int
    first: str
    now: float

    def write(self, folder: Path) -> None:
        """Write it as blocks into Prometheus' data folder ``folder``."""
        # One process per block: promtool rereads the whole file for each block it creates.
        first = int((self.now - HOURS * 3600) // BLOCK * BLOCK)
        with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as pool:
            list(pool.map(self.block, range(first, int(self.now), BLOCK), repeat(folder)))

    def block(self, begin: int, folder: Path) -> None:
        """Write the block that begins at a Unix time."""
        about = (self.now, self.first, begin, begin + BLOCK)
        lines = chain(room(Fleet(self.room, self.seed), *about), shares(Fleet(self.shares, self.seed), *about))
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
            blocks(lines, Path(aside), folder)


def all_of_it(fleet: Fleet, begin: float, seconds: float) -> Iterator[str]:
    """Yield every sample that machines would have produced in a time range, as text."""
    for machine in fleet.machines:
        labels = f'job="host",instance="{instance(machine, "first:5000")}"'
        for at in range(0, int(seconds), STEP):
            now = begin + at
            if machine.life.answers(now):
                yield from (f"{name} {value} {now:.3f}\n" for name, value in series(fleet, machine, now, ".*", labels))


def blocks(lines: Iterable[str], folder: Path, data: Path) -> None:
    """Write lines as blocks into Prometheus' data folder."""
    text = folder / "history.txt"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        file.write("# EOF\n")
    data.mkdir(parents=True, exist_ok=True)
    command = [find("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    subprocess.run(command, check=True, capture_output=True)
    text.unlink()


def stats(block: Path) -> dict[str, int]:
    """Return the statistics in a block's metadata."""
    found: dict[str, int] = json.loads((block / "meta.json").read_text(encoding="utf-8"))["stats"]
    return found
