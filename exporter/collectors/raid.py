"""Arrays of Linux software RAID (md), and what has become of their members."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import gauges
from exporter.findings import Finding
from exporter.sources.host import LINUX
from exporter.sources.md import MdArray, MdMember, read_arrays
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

STOPPED = frozenset({"inactive", "broken"})
"""States of an array that nobody can read: not assembled, or with too few members left."""

STATES = ("in_sync", "rebuilding", "spare", "faulty", "missing")
"""States that are always counted; others ("journal", "replacement", "inactive") where there are such members."""

MOST_MIRRORS = 8
"""Disks that somebody may want in a mirror. NAS firmware makes mirrors of 24 or 32 and uses what there is."""
OLD, MOST_OLD_MIRRORS = "0.90", 2
"""The same in superblocks of the old version, which hardly anybody but such firmware has made since 2010: Synology's
has its system in a mirror of as many members as the box has bays, whether there are disks in them or not."""


@dataclass(frozen=True, slots=True)
class Member:
    """A device of an array. ``state`` is one of STATES, or "journal", "replacement", "inactive"."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Array:
    """One array. ``degraded_members`` is how many members it lacks, None without redundancy (raid0, linear).

    ``missing_members`` are those of which nothing is left, None if nobody knows how many there should be. ``action`` is
    what is being done to the whole array, None if nothing, and ``action_ratio`` how much of that is done (0 to 1), None
    while it waits for its turn.
    """

    device: str
    level: str
    state: str
    members: tuple[Member, ...]
    missing_members: int | None
    degraded_members: float | None
    action: str | None
    action_ratio: float | None

    def names(self, state: str) -> list[str]:
        """Return the members in a state."""
        return [member.name for member in self.members if member.state == state]

    def trouble(self) -> tuple[Level, str]:
        """Return how bad it is and what is wrong, in words; OK and nothing if the array is whole."""
        faulty, rebuilding = self.names("faulty"), self.names("rebuilding")
        lost = f": {', '.join(faulty)} failed" if faulty else ""
        lacks = self.degraded_members or 0
        if self.names("inactive") or (faulty and self.degraded_members is None):
            return Level.CRITICAL, f"does not run{lost}"
        if lacks > len(rebuilding):
            return Level.CRITICAL, f"is degraded, {lacks - len(rebuilding):.0f} of its members missing or failed{lost}"
        if lacks:
            done = "waiting" if self.action_ratio is None else f"{int(self.action_ratio * 100 + 1e-6)}\u00a0% done"
            return Level.WARNING, f"is rebuilding {', '.join(rebuilding)}, {done}{lost}"
        return (Level.WARNING, f"has failed members: {', '.join(faulty)}") if faulty else (Level.OK, "")


@dataclass(frozen=True, slots=True)
class Raid:
    """All arrays, by name."""

    arrays: tuple[Array, ...]


def read(machine: Machine, _baseline: Snapshot | None) -> Raid | None:
    """Read /sys/block/md*/md; None if there is no array."""
    arrays = tuple(_array(each) for each in read_arrays(machine.host)) if LINUX else ()
    return Raid(arrays) if arrays else None


def metrics(section: Raid) -> Iterable[Metric]:
    """Return the families of arrays."""
    yield from gauges(
        "host_raid_degraded_members",
        "Members that the array lacks: missing, failed or not rebuilt yet. Absent for arrays without redundancy.",
        ("device", "level"),
        [((each.device, each.level), each.degraded_members) for each in section.arrays],
    )
    yield from gauges(
        "host_raid_members",
        "Members of the array by state; those of an array that does not run are inactive.",
        ("device", "state"),
        [((each.device, state), count) for each in section.arrays for state, count in _counted(each).items()],
    )
    yield from gauges(
        "host_raid_member_info",
        "A member of the array, by name, and its state.",
        ("device", "member", "state"),
        [((each.device, member.name, member.state), 1) for each in section.arrays for member in each.members],
    )
    yield from gauges(
        "host_raid_sync_ratio",
        "How far what is being done to the array (check, recover, resync, reshape) is, 0-1; absent if nothing is.",
        ("device", "action"),
        [((each.device, each.action), each.action_ratio) for each in section.arrays if each.action],
    )


def findings(section: Raid, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield each array that lacks a member: critical, or a warning while it is being rebuilt. A check is no fault."""
    for each in section.arrays:
        level, reason = each.trouble()
        if level > Level.OK:
            yield Finding("HostRaidDegraded", level, "RAID", each.device, reason=reason)


def _counted(array: Array) -> dict[str, int | None]:
    found = Counter(member.state for member in array.members)
    return dict.fromkeys(STATES, 0) | dict(found) | {"missing": array.missing_members}


def _array(array: MdArray) -> Array:
    # The states of the members of an array that does not run say nothing: all are spares, for example.
    stopped = array.state in STOPPED
    members = tuple(Member(each.name, _state(array, each, stopped=stopped)) for each in array.members)
    slots = array.slots
    taken = {each.slot for each in array.members if each.slot is not None and each.slot >= 0}
    sound = {each.slot for each in array.members if "in_sync" in each.flags}
    # What has failed soon loses its place, but stays until somebody removes it.
    fallen = sum("faulty" in each.flags and each.slot not in taken for each in array.members)
    degraded = None if stopped else array.degraded
    most = MOST_OLD_MIRRORS if array.metadata == OLD else MOST_MIRRORS
    if array.level == "raid1" and slots is not None and slots > most and degraded is not None:
        # Degraded by design. Only what has been there can be lost.
        degraded = len(taken - sound) + fallen
        slots = len(taken)
    there = len(members) if stopped else len(taken) + fallen
    missing = None if slots is None else max(slots - there, 0)
    return Array(array.device, array.level, array.state, members, missing, degraded, array.action, array.done_ratio)


def _state(array: MdArray, member: MdMember, *, stopped: bool) -> str:
    flags = member.flags
    if "faulty" in flags:
        return "faulty"
    if stopped:
        return "inactive"
    if "journal" in flags:
        return "journal"
    if "replacement" in flags:  # being made in place of one that still works: nothing is lost
        return "replacement"
    if "in_sync" in flags:
        return "in_sync"
    return "rebuilding" if member.slot is not None and array.action == "recover" else "spare"
