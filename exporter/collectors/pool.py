"""Pools of disks: ZFS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import gauges
from exporter.findings import Finding
from exporter.sources.host import LINUX
from exporter.sources.zfs import read_pools
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

WHOLE, WORKS = "ONLINE", "DEGRADED"
"""States of a pool whose data can be reached: with all disks it needs, and without some of them."""


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. ``state`` is the kernel's word: ONLINE, DEGRADED, SUSPENDED."""

    pool: str
    type: str
    state: str

    def level(self) -> Level:
        """Return how bad its state is."""
        return {WHOLE: Level.OK, WORKS: Level.WARNING}.get(self.state, Level.CRITICAL)


@dataclass(frozen=True, slots=True)
class Pools:
    """All pools that are imported, by name."""

    pools: tuple[Pool, ...]


def read(machine: Machine, _baseline: Snapshot | None) -> Pools | None:
    """Read /proc/spl/kstat/zfs; None if there is no pool."""
    pools = tuple(Pool(name, "zfs", state) for name, state in read_pools(machine.host)) if LINUX else ()
    return Pools(pools) if pools else None


def metrics(section: Pools) -> Iterable[Metric]:
    """Return the family of pools."""
    yield from gauges(
        "host_pool_state",
        "1 for the state that the pool is in: ONLINE, DEGRADED (works without some of its disks), or worse.",
        ("pool", "type", "state"),
        [((each.pool, each.type, each.state), 1) for each in section.pools],
    )


def findings(section: Pools, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield a warning for a pool that is degraded, and a critical finding for one whose data cannot be reached."""
    for each in section.pools:
        if each.level() > Level.OK:
            yield Finding("HostPoolDegraded", each.level(), "Pool", each.pool, reason=f"is {each.state}")
