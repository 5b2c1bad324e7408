"""What a fleet said before now, as blocks that Prometheus finds when it starts; promtool writes them."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

from tests.fleet.template import SAMPLE
from tests.tools.stack.chain import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.fleet.fleet import Fleet
    from tests.fleet.machine import Machine

HOURS = 6
"""As far back as the longest rule looks (HostFilesystemFillingUp)."""
STEP = 15
"""Seconds between two samples, those of recorded rules too."""
PAGE = 6 * 3600
"""Seconds that the dashboard Fleet shows."""


def instance(machine: Machine, first: str) -> str:
    """Return the address that a machine is known by; the first has another one."""
    return f"{machine.name}:5000" if machine.number else first


def series(fleet: Fleet, machine: Machine, now: float, wanted: str, labels: str) -> list[tuple[str, str]]:
    """Return the series of a machine whose names fit a pattern, under more labels, with their values at a time."""
    found = []
    for line in fleet.exposition(machine.number, now).decode().splitlines():
        sample = SAMPLE.fullmatch(line)
        if sample and re.fullmatch(wanted, sample["name"]):
            own = f"{sample['labels']}," if sample["labels"] else ""
            found.append((f"{sample['name']}{{{own}{labels}}}", sample["value"]))
    return found


def long(fleet: Fleet, now: float, first: str) -> Iterator[str]:
    """Yield as text what long queries read: room for hours, shares for the time that a page shows.

    All of it is what the machine says now, in straight lines: it costs a query as much as any other figure.
    """
    for machine in fleet.machines:
        labels = f'job="host",instance="{instance(machine, first)}"'
        for name, value in series(fleet, machine, now, "host_filesystem_available_bytes", labels):
            end = float(value)
            for ago in range(HOURS * 3600, 0, -STEP):
                yield f"{name} {end + 50 * ago * (1 + ago % 7):.0f} {now - ago:.3f}\n"
        for resource in ("cpu", "memory", "filesystem"):
            for ago in range(PAGE, 0, -STEP):
                share = machine.load.at(now - ago)
                yield f'instance:host_usage:ratio{{{labels},resource="{resource}"}} {share!r} {now - ago:.3f}\n'


def all_of_it(fleet: Fleet, begin: float, seconds: float) -> Iterator[str]:
    """Yield as text every sample that machines would have given in a time."""
    for machine in fleet.machines:
        labels = f'job="host",instance="{instance(machine, "first:5000")}"'
        for at in range(0, int(seconds), STEP):
            now = begin + at
            if machine.life.answers(now):
                yield from (f"{name} {value} {now:.3f}\n" for name, value in series(fleet, machine, now, ".*", labels))


def blocks(lines: Iterable[str], folder: Path, data: Path) -> None:
    """Write lines as blocks into Prometheus' folder."""
    text = folder / "history.txt"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        file.write("# EOF\n")
    data.mkdir(parents=True, exist_ok=True)
    command = [find("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    subprocess.run(command, check=True, capture_output=True)
    text.unlink()


def stats(block: Path) -> dict[str, int]:
    """Return what a block says it holds."""
    found: dict[str, int] = json.loads((block / "meta.json").read_text(encoding="utf-8"))["stats"]
    return found
