"""Many machines: which there are, where each is to be found, and what it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fleet.machine import Machine
from tests.fleet.template import KINDS, real, template

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fleet:
    """So many machines, always the same ones for a seed: half are laptops, half are servers."""

    def __init__(self, count: int, seed: int = 7) -> None:
        self.machines = [Machine.make(number, seed) for number in range(count)]
        self._templates = [template(kind) for kind in KINDS]
        self.content_type = real(KINDS[0])[1]

    def exposition(self, number: int, now: float) -> bytes:
        """Return what a machine says at a time (Unix)."""
        return self._templates[number % len(KINDS)].fill(self.machines[number], now)

    def answers(self, number: int, now: float) -> bool:
        """Return whether a machine can be scraped at a time (Unix)."""
        return self.machines[number].life.answers(now)


def host(number: int) -> str:
    """Return the address of a machine: each has one of its own, all of them loopback (Linux)."""
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}" if number else "127.0.0.1"


def targets(machines: Sequence[Machine], port: int) -> str:
    """Return a target file (JSON is YAML) with machines under the names of their hosts."""
    listed = [
        {"targets": [f"{host(machine.number)}:{port}"], "labels": {"instance": f"{machine.name}:5000"}}
        for machine in machines
    ]
    return "[" + ",\n".join(map(json.dumps, listed)) + "]\n"
