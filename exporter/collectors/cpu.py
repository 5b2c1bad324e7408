"""CPU usage, derived from cumulative counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from exporter.families import counters, gauge, gauges
from exporter.findings import against
from exporter.model import hidden
from exporter.sources.topology import online_cpus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.findings import Finding
    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

# No ``guest``: the kernel already counts it in ``user``. macOS and Windows have fewer modes.
MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "interrupt", "dpc")
NOT_BUSY = ("idle", "iowait")
# On Windows, ``system`` includes ``interrupt`` and ``dpc``.
PART_OF_SYSTEM = ("interrupt", "dpc")
JUMP_BACK = 3.0
"""Seconds a counter may go back without counting as a reset: the kernel revises idle and iowait downwards."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """Ratios are 0 to 1 since the previous sample; the very first sample has nothing to compare with, so None."""

    usage_ratio: float | None
    core_usage_ratios: tuple[float | None, ...]
    seconds_by_mode: dict[str, float]
    logical_cpus: int
    physical_cores: int | None
    core_numbers: tuple[int, ...]
    core_seconds: tuple[dict[str, float], ...] = hidden()


def read(machine: Machine, baseline: Snapshot | None) -> Cpu:
    """Read psutil.cpu_times (/proc/stat), in total and per CPU; ratios are computed against the baseline."""
    before = baseline.section(Cpu) if baseline else None
    total = _steady(_by_mode(psutil.cpu_times()), before.seconds_by_mode if before else None)
    cores = tuple(_by_mode(times) for times in psutil.cpu_times(percpu=True))
    shares: tuple[float, ...] = ()
    # A core that was added or removed since the baseline shifts the others: no per-core ratios in this sample.
    if before and len(before.core_seconds) == len(cores):
        cores = tuple(_steady(now, then) for now, then in zip(cores, before.core_seconds, strict=True))
        shares = tuple(_share(now, then) for now, then in zip(cores, before.core_seconds, strict=True))
    return Cpu(
        usage_ratio=_share(total, before.seconds_by_mode) if before else None,
        core_usage_ratios=shares,
        seconds_by_mode=total,
        logical_cpus=len(cores),
        physical_cores=machine.physical_cores.count(len(cores)),
        core_numbers=online_cpus(machine.host, len(cores)),
        core_seconds=cores,
    )


def metrics(section: Cpu) -> Iterable[Metric]:
    """Return the CPU families."""
    yield from gauge(
        "host_cpu_usage_ratio",
        "Busy share of all CPUs since the previous sample taken for any client, 0-1; idle and iowait are not busy.",
        section.usage_ratio,
    )
    yield from gauges(
        "host_cpu_core_usage_ratio",
        "Busy share of one CPU since the previous sample taken for any client, 0-1; idle and iowait are not busy.",
        ("core",),
        [((str(core),), share) for core, share in zip(section.core_numbers, section.core_usage_ratios, strict=False)],
    )
    yield from counters(
        "host_cpu_seconds_total",
        "Seconds spent in each mode since boot, summed over all CPUs.",
        ("mode",),
        [((mode,), seconds) for mode, seconds in section.seconds_by_mode.items()],
    )
    yield from gauge("host_logical_cpus", "CPUs that the system schedules tasks on.", section.logical_cpus)
    yield from gauge("host_physical_cores", "Physical cores, not counting hyper-threads.", section.physical_cores)


def findings(section: Cpu, thresholds: Thresholds) -> Iterable[Finding]:
    """Compare CPU usage with the owner's thresholds."""
    yield from against(
        thresholds.cpu, section.usage_ratio, kind="HostHighCpu", resource="cpu", what="CPU", culprits="cpu"
    )


def _by_mode(times: Any) -> dict[str, float]:
    seconds = {mode: getattr(times, mode) for mode in MODES if hasattr(times, mode)}
    if "dpc" in seconds:
        seconds["system"] = max(0.0, seconds["system"] - sum(seconds[mode] for mode in PART_OF_SYSTEM))
    return seconds


def _steady(now: dict[str, float], then: dict[str, float] | None) -> dict[str, float]:
    """Keep the old value of a counter that fell slightly: Prometheus would see a reset and count it all twice."""
    if then is None:
        return now
    return {
        mode: then[mode] if 0 < then.get(mode, 0.0) - seconds < JUMP_BACK else seconds for mode, seconds in now.items()
    }


def _share(now: dict[str, float], then: dict[str, float]) -> float:
    spent = {mode: max(0.0, seconds - then.get(mode, 0.0)) for mode, seconds in now.items()}
    total = sum(spent.values())
    idle = sum(spent.get(mode, 0.0) for mode in NOT_BUSY)
    return (total - idle) / total if total > 0 else 0.0
