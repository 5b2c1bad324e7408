"""A simulated fleet: its machines, their addresses, and their expositions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fleet.machine import Machine
from tests.fleet.template import KINDS, real, template

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fleet:
    """A number of machines, half laptops and half servers; the same seed gives the same ones."""

    def __init__(self, count: int, seed: int = 7) -> None:
        self.machines = [Machine.make(number, seed) for number in range(count)]
        self._templates = [template(kind) for kind in KINDS]
        self.content_type = real(KINDS[0])[1]

    def exposition(self, number: int, now: float) -> bytes:
        """Return a machine's exposition at a Unix time."""
        return self._templates[number % len(KINDS)].fill(self.machines[number], now)

    def answers(self, number: int, now: float) -> bool:
        """Return whether a machine can be scraped at a Unix time."""
        return self.machines[number].life.answers(now)


def host(number: int) -> str:
    """Return a machine's address: each has its own loopback address (Linux)."""
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}" if number else "127.0.0.1"


def targets(machines: Sequence[Machine], port: int) -> str:
    """Return a target file (JSON is YAML) that lists machines under their host names."""
    listed = [
        {"targets": [f"{host(machine.number)}:{port}"], "labels": {"instance": f"{machine.name}:5000"}}
        for machine in machines
    ]
    return "[" + ",\n".join(map(json.dumps, listed)) + "]\n"
