"""Network interfaces on Linux: counters from /proc/PID/net/dev, link state from /sys/class/net.

psutil reads the same files, but for its own network namespace: in a container, the container's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.carriers import is_tap
from exporter.sources.host import counter, read_int, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host

RECEIVE_BYTES, RECEIVE_PACKETS, RECEIVE_ERRORS, RECEIVE_DROPPED = 0, 1, 2, 3
TRANSMIT_BYTES, TRANSMIT_PACKETS, TRANSMIT_ERRORS, TRANSMIT_DROPPED = 8, 9, 10, 11

SPEEDS_UNKNOWN = {0xFFFF, 0xFFFFFFFF // 10**6}
"""-1 in the 16 bits that Linux' drivers once had for a speed in Mbit/s, and in Windows' 32 bits for one in bit/s."""

FASTEST = 10_000_000
"""Mbit/s, above every link there is: -1 in 32 bits, or in the upper 16 of them, is more."""

TAP_SPEEDS = {10 * 125_000, 10_000 * 125_000}
"""What Linux says of every tun and tap (10 Mbit/s, later 10 Gbit/s): a constant, not a speed."""


@dataclass(frozen=True, slots=True)
class Counters:
    """One interface's traffic since it was created; NaN for what is no number."""

    receive_bytes: float | None
    receive_packets: float | None
    receive_errors: float | None
    receive_dropped: float | None
    transmit_bytes: float | None
    transmit_packets: float | None
    transmit_errors: float | None
    transmit_dropped: float | None

    def errors(self) -> float | None:
        """Return the errors in both directions, None if either is unknown."""
        received, sent = self.receive_errors, self.transmit_errors
        return None if received is None or sent is None else received + sent


COLUMNS = 16
LONGEST_LINE = 21 * COLUMNS
"""Characters of all counters together: the kernel's have 64 bits, at most 20 digits."""


def parse_netdev(text: str) -> dict[str, Counters]:
    """Return the counters in a net/dev file (proc(5)) by interface; lines without one are skipped."""
    table = {}
    for line in text.split("\n"):
        before, colon, numbers = line.rpartition(":")  # an alias contains a colon: "eth0:1"
        name = before.strip()
        # The name becomes part of a path in /sys; the kernel accepts no other names either (dev_valid_name).
        if not colon or not name or name in {".", ".."} or "/" in name or "\0" in name:
            continue
        values = _values(numbers)
        if len(values) < COLUMNS:  # cut off, or no interface's line: nothing tells which column is which
            continue
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


def _values(numbers: str) -> list[float]:
    fields, digits = numbers.split(), numbers.replace(" ", "")
    if len(digits) < LONGEST_LINE and digits.isdecimal() and digits.isascii():
        return [int(field) for field in fields]  # as nearly always: checking each column takes twice as long
    return [counter(field) for field in fields]


def read_netdev(host: Host) -> dict[str, Counters]:
    """Return the counters of the machine's interfaces. Raises OSError if the file cannot be read."""
    return parse_netdev(host.read_init("net/dev").decode(errors="replace"))


def read_link(host: Host, interface: str) -> tuple[bool | None, int | None]:
    """Return whether the link is up and its speed in bytes per second; None for what is unknown.

    Tunnels and some virtual interfaces have no carrier state and report "unknown": they work, so they count as up.
    """
    folder = f"{host.sys}/class/net/{interface}"
    state = read_text(f"{folder}/operstate")
    speed = speed_bytes(read_int(f"{folder}/speed"))
    if speed in TAP_SPEEDS and is_tap(folder):
        speed = None
    return (None if state is None else state in {"up", "unknown"}), speed


def speed_bytes(megabits: int | None) -> int | None:
    """Return a link speed in Mbit/s as bytes per second, None if the driver does not know it."""
    if megabits is None or not 0 < megabits < FASTEST or megabits in SPEEDS_UNKNOWN:
        return None
    return megabits * 125_000
