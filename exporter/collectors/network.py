"""Network interfaces: link state, speed and traffic."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.families import counters, gauges
from exporter.model import hidden, per_second
from exporter.sources.attempt import attempt
from exporter.sources.carriers import carried
from exporter.sources.host import LINUX, printable
from exporter.sources.netdev import Counters, read_link, read_netdev, speed_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot

LABELS = ("interface",)
HELP = {
    "bytes": "Bytes {0} since the interface was created.",
    "packets": "Packets {0} since the interface was created.",
    "errors": "Packets not {0} because of an error, since the interface was created.",
    "dropped": "Packets dropped instead of {0}, for lack of buffer space, since the interface was created.",
}
DIRECTIONS = {"receive": "received", "transmit": "transmitted"}


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface. ``up`` and ``speed_bytes`` (per second) are None if the system does not say.

    Rates are in bytes per second since the previous sample, None in the first. ``stacked`` means that another interface
    counts its traffic as well: a bond's port, a VLAN's card, the card through which a tunnel leaves the machine.
    """

    interface: str
    up: bool | None
    speed_bytes: int | None
    counters: Counters
    receive_rate_bytes: float | None = None
    transmit_rate_bytes: float | None = None
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """All interfaces shown, sorted by name."""

    interfaces: tuple[Interface, ...]
    read_at: float = hidden()
    missing: tuple[str, ...] = hidden(())

    def counted_once(self) -> tuple[Interface, ...]:
        """Return the interfaces to add up for the machine's traffic; any sum over all would count some of it twice."""
        return tuple(interface for interface in self.interfaces if not interface.stacked)


def read(machine: Machine, baseline: Snapshot | None) -> Network:
    """Read /proc/1/net/dev and /sys/class/net on Linux, psutil.net_io_counters and net_if_stats elsewhere."""
    hidden = machine.hidden_interfaces
    missing: list[str] = []
    if LINUX:
        table = {name: data for name, data in read_netdev(machine.host).items() if not hidden.match(name)}
        links = {name: read_link(machine.host, name) for name in table}
    else:
        io = psutil.net_io_counters(pernic=True, nowrap=False)
        table = {name: _from_psutil(data) for name, data in io.items() if not hidden.match(name)}
        # macOS refuses this while an adapter is being removed; the traffic can be read all the same.
        stats = attempt("link state", psutil.net_if_stats, missing) or {}
        links = {name: (s.isup, speed_bytes(s.speed)) for name, s in stats.items()}
    stacked = carried(table, f"{machine.host.sys}/class/net" if LINUX else None)
    read_at = time.monotonic()
    before = baseline.section(Network) if baseline else None
    then = {interface.interface: interface.counters for interface in before.interfaces} if before else {}
    elapsed = read_at - before.read_at if before else 0.0
    interfaces = []
    for name, now in sorted(table.items()):
        up, speed = links.get(name, (None, None))
        last = then.get(printable(name))
        received = per_second(now.receive_bytes, last.receive_bytes if last else None, elapsed)
        transmitted = per_second(now.transmit_bytes, last.transmit_bytes if last else None, elapsed)
        interfaces.append(Interface(printable(name), up, speed, now, received, transmitted, name in stacked))
    return Network(tuple(interfaces), read_at, tuple(missing))


def metrics(section: Network) -> Iterable[Metric]:
    """Return the network families."""
    rows = [((interface.interface,), interface) for interface in section.interfaces]
    yield from gauges("host_network_up", "1 if the link is up, 0 if it is down.", LABELS, [(k, i.up) for k, i in rows])
    yield from gauges(
        "host_network_speed_bytes",
        "Link speed in bytes per second; absent if unknown.",
        LABELS,
        [(k, i.speed_bytes) for k, i in rows],
    )
    for direction, done in DIRECTIONS.items():
        for kind, text in HELP.items():
            yield from counters(
                f"host_network_{direction}_{kind}_total",
                text.format(done),
                LABELS,
                [(k, getattr(i.counters, f"{direction}_{kind}")) for k, i in rows],
            )


def _from_psutil(io: object) -> Counters:
    names = (
        "bytes_recv",
        "packets_recv",
        "errin",
        "dropin",
        "bytes_sent",
        "packets_sent",
        "errout",
        "dropout",
    )
    return Counters(*(getattr(io, name) for name in names))
