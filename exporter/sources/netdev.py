"""Network interfaces on Linux: /proc/PID/net/dev for the counters, /sys/class/net for the links.

psutil reads the same files, but those of its own network namespace: in a container, the container's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.host import read_int, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host

RECEIVE_BYTES, RECEIVE_PACKETS, RECEIVE_ERRORS, RECEIVE_DROPPED = 0, 1, 2, 3
TRANSMIT_BYTES, TRANSMIT_PACKETS, TRANSMIT_ERRORS, TRANSMIT_DROPPED = 8, 9, 10, 11


@dataclass(frozen=True, slots=True)
class Counters:
    """What one interface has moved since it was made."""

    receive_bytes: int
    receive_packets: int
    receive_errors: int
    receive_dropped: int
    transmit_bytes: int
    transmit_packets: int
    transmit_errors: int
    transmit_dropped: int


DIGITS = 20
"""Digits of a counter at most: the kernel's have 64 bits."""


def parse_netdev(text: str) -> dict[str, Counters]:
    """Return the counters of a net/dev file (proc(5)) by interface; other lines are passed over."""
    table = {}
    for line in text.split("\n"):
        before, colon, numbers = line.rpartition(":")  # an alias has a colon of its own: "eth0:1"
        name, fields = before.strip(), numbers.split()
        if not colon or len(fields) < 16 or not all(field.isdecimal() and len(field) <= DIGITS for field in fields):
            continue
        # The name is a folder's in /sys; the kernel accepts no other names either (dev_valid_name).
        if not name or name in {".", ".."} or "/" in name or "\0" in name:
            continue
        values = [int(field) for field in fields]
        table[name] = Counters(
            receive_bytes=values[RECEIVE_BYTES],
            receive_packets=values[RECEIVE_PACKETS],
            receive_errors=values[RECEIVE_ERRORS],
            receive_dropped=values[RECEIVE_DROPPED],
            transmit_bytes=values[TRANSMIT_BYTES],
            transmit_packets=values[TRANSMIT_PACKETS],
            transmit_errors=values[TRANSMIT_ERRORS],
            transmit_dropped=values[TRANSMIT_DROPPED],
        )
    return table


def read_netdev(host: Host) -> dict[str, Counters]:
    """Return the counters of the machine's interfaces. Raises OSError where there is no such file."""
    return parse_netdev(host.read_init("net/dev").decode(errors="replace"))


def read_link(host: Host, interface: str) -> tuple[bool | None, int | None]:
    """Return whether the link is up and its speed in bytes a second; None where it is not known.

    Tunnels and some virtual cards have no notion of a link and say "unknown": they work, so they are up.
    """
    folder = f"{host.sys}/class/net/{interface}"
    state = read_text(f"{folder}/operstate")
    megabits = read_int(f"{folder}/speed") or 0  # -1 or unreadable: not known
    return (None if state is None else state in {"up", "unknown"}), (megabits * 125_000 if megabits > 0 else None)


def is_stacked(host: Host, interface: str) -> bool:
    """Return whether an interface lies on others: a bond, a VLAN, a bridge has them as "lower_NAME"."""
    try:
        return any(entry.startswith("lower_") for entry in os.listdir(f"{host.sys}/class/net/{interface}"))
    except OSError:
        return False
