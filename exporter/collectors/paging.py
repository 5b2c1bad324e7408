"""Paging (Linux): swap traffic, pages that programs wait for, and programs killed because memory ran out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collectors.memory import Memory
from exporter.collectors.pressure import Pressures
from exporter.families import counter
from exporter.findings import Finding
from exporter.model import hidden, per_second
from exporter.sources.vmstat import read_vmstat
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

# The limits of HostThrashing, as in alerts.yml; docs/runbooks.md has what was measured. Rates are those of a minute.
SWAP = 256 * 1024
"""Bytes a second that are swapped in, and as many out: pages that have just gone are wanted back."""
FAULTS = 100
"""Major faults a second. By themselves they say little: a database that maps its files has 10,000 and is well."""
WAITING = 0.1
"""Share of the time in which some program waits for memory, or with swap traffic for disks."""
STALLED = 0.5
"""Share of the time in which all of them do: critical."""
AVAILABLE = 0.05
"""Share of the memory below which faults count where the kernel does not report pressure."""

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Strain:
    """What memory did in the last minute: bytes and major faults a second, and how long programs waited.

    ``waiting_ratio`` is the share of the time in which at least one program waited for memory, ``disk_waiting_ratio``
    for disks; ``stalled_ratio`` that in which all did, for the one or the other. None where there is no pressure
    stall information.
    """

    swap_in_rate_bytes: float | None
    swap_out_rate_bytes: float | None
    fault_rate: float | None
    waiting_ratio: float | None
    disk_waiting_ratio: float | None
    stalled_ratio: float | None


@dataclass(frozen=True, slots=True)
class Paging:
    """Counters since boot; rates since the previous sample, None in the first; and the last minute, once it is known.

    ``recent_oom_kills`` are the processes killed for want of memory in the last ten minutes, the last of them noticed
    ``last_oom_kill_age_seconds`` ago; those killed before the exporter started are not among them.
    """

    oom_kills_total: float | None
    swap_in_bytes_total: float | None
    swap_out_bytes_total: float | None
    major_page_faults_total: float | None
    swap_in_rate_bytes: float | None
    swap_out_rate_bytes: float | None
    fault_rate: float | None
    recent_oom_kills: float
    last_oom_kill_age_seconds: float | None
    strain: Strain | None
    available_ratio: float | None = hidden(None)
    read_at: float = hidden(0.0)

    def is_quiet(self) -> bool:
        """Return whether the machine has neither swapped nor killed anything since it booted, and does not thrash."""
        seen = self.swap_in_bytes_total, self.swap_out_bytes_total, self.oom_kills_total
        return not any(seen) and (self.strain is None or not is_thrashing(self.strain, self.available_ratio))


def read(machine: Machine, baseline: Snapshot | None) -> Paging | None:
    """Read /proc/vmstat; None if there is none. Pressure and available memory are those of the previous sample."""
    now, found = time.monotonic(), read_vmstat(machine.host)
    if found is None:
        return None
    before = baseline.section(Paging) if baseline else None
    memory = baseline.section(Memory) if baseline else None
    elapsed = now - before.read_at if before else 0.0
    kills = machine.oom_kills.count(found.oom_kills, now)
    rates = None
    if baseline:  # the very first sample knows no pressure: as if the kernel reported none
        pressed = _pressure(baseline.section(Pressures))
        rates = machine.paging.rates((found.swap_in_bytes, found.swap_out_bytes, found.major_faults, *pressed), now)
    return Paging(
        oom_kills_total=found.oom_kills,
        swap_in_bytes_total=found.swap_in_bytes,
        swap_out_bytes_total=found.swap_out_bytes,
        major_page_faults_total=found.major_faults,
        swap_in_rate_bytes=per_second(found.swap_in_bytes, before.swap_in_bytes_total if before else None, elapsed),
        swap_out_rate_bytes=per_second(found.swap_out_bytes, before.swap_out_bytes_total if before else None, elapsed),
        fault_rate=per_second(found.major_faults, before.major_page_faults_total if before else None, elapsed),
        recent_oom_kills=sum(kill.processes for kill in kills),
        last_oom_kill_age_seconds=now - kills[-1].moment if kills else None,
        strain=_strain(rates) if rates else None,
        available_ratio=None if memory is None or memory.usage_ratio is None else 1 - memory.usage_ratio,
        read_at=now,
    )


def metrics(section: Paging) -> Iterable[Metric]:
    """Return the paging families."""
    for name, help_text, value in (
        (
            "host_oom_kills_total",
            "Processes that the kernel has killed since boot because memory ran out, of the machine or of a cgroup.",
            section.oom_kills_total,
        ),
        ("host_swap_in_bytes_total", "Bytes read back from swap since boot.", section.swap_in_bytes_total),
        ("host_swap_out_bytes_total", "Bytes written to swap since boot.", section.swap_out_bytes_total),
        (
            "host_major_page_faults_total",
            "Times since boot that a program had to wait for a page to be read from a file or swapped in.",
            section.major_page_faults_total,
        ),
    ):
        yield from counter(name, help_text, value)


def findings(section: Paging, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield a warning for ten minutes after a kill, and one while memory thrashes: critical if programs stall."""
    if section.recent_oom_kills and section.last_oom_kill_age_seconds is not None:
        many = "1 process" if section.recent_oom_kills == 1 else f"{section.recent_oom_kills:.0f} processes"
        ago = (
            "just now"
            if section.last_oom_kill_age_seconds < 60
            else f"{section.last_oom_kill_age_seconds // 60:.0f} min ago"
        )
        reason = f"The kernel killed {many} because memory ran out, {ago}"
        yield Finding("HostOomKill", Level.WARNING, "", reason=reason, culprits="gone")
    strain = section.strain
    if strain is not None and is_thrashing(strain, section.available_ratio):
        stalled = strain.stalled_ratio or 0.0
        level = Level.CRITICAL if stalled >= STALLED else Level.WARNING
        yield Finding("HostThrashing", level, "", reason=_words(strain), culprits="faults")


def _pressure(section: Pressures | None) -> tuple[float | None, ...]:
    """Return the seconds spent waiting for memory and disks, then those stalled; None where unknown."""
    known = {each.resource: each for each in section.resources} if section else {}
    memory, disks = known.get("memory"), known.get("io")
    return (
        memory.waiting_seconds if memory else None,
        disks.waiting_seconds if disks else None,
        memory.stalled_seconds if memory else None,
        disks.stalled_seconds if disks else None,
    )


def _strain(rates: tuple[float | None, ...]) -> Strain:
    swap_in, swap_out, faults, *shares = rates
    # The kernel updates its seconds every two seconds, so that a share of a minute can come out at 1.03.
    waiting, disks, stalled, disks_stalled = (None if each is None else min(each, 1.0) for each in shares)
    stalls = [each for each in (stalled, disks_stalled) if each is not None]
    return Strain(swap_in, swap_out, faults, waiting, disks, max(stalls, default=None))


def is_thrashing(strain: Strain, available_ratio: float | None) -> bool:
    """Return whether memory thrashes; the same as in HostThrashing.

    With swap, pages go both ways and programs wait. Without it, programs wait for their own code, which is read again
    and again: the kernel calls that waiting for memory, unlike the first reading of a file.
    """
    swapping = min(strain.swap_in_rate_bytes or 0, strain.swap_out_rate_bytes or 0) >= SWAP
    waits = [each for each in (strain.waiting_ratio, strain.disk_waiting_ratio) if each is not None]
    if swapping and max(waits, default=1.0) >= WAITING:
        return True
    if (strain.fault_rate or 0) < FAULTS:
        return False
    if strain.waiting_ratio is not None:
        return strain.waiting_ratio >= WAITING
    return available_ratio is not None and available_ratio < AVAILABLE


def _words(strain: Strain) -> str:
    parts = []
    if strain.swap_in_rate_bytes or strain.swap_out_rate_bytes:
        swap_in, swap_out = ((rate or 0) / MIB for rate in (strain.swap_in_rate_bytes, strain.swap_out_rate_bytes))
        parts.append(f"{swap_in:.1f}\u00a0MiB/s swapped in and {swap_out:.1f}\u00a0MiB/s out")
    parts.append(f"{strain.fault_rate or 0:.0f} major faults a second")
    if strain.stalled_ratio is not None:
        parts.append(f"all programs stalled {strain.stalled_ratio * 100:.0f}\u00a0% of the time")
    return f"Memory thrashes: {', '.join(parts)}"
