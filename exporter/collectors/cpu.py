"""CPU usage, derived from cumulative counters."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING, Any

import psutil

from exporter.families import counters, gauge, gauges
from exporter.findings import against
from exporter.model import hidden
from exporter.plausible import IMPOSSIBLE, within
from exporter.sources.attempt import attempt
from exporter.sources.host import LINUX
from exporter.sources.proc_stat import MODES as LINUX_MODES
from exporter.sources.proc_stat import CpuTimes, read_cpu_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client.core import Metric

    from exporter.findings import Finding
    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

NOT_BUSY = ("idle", "iowait")
# Windows has two more than Linux, macOS fewer. On Windows, ``system`` includes ``interrupt`` and ``dpc``.
MODES = (*LINUX_MODES, "interrupt", "dpc")
PART_OF_SYSTEM = ("interrupt", "dpc")

JUMP_BACK = 3.0
"""Seconds that a CPU's counter may go back without counting as a reset: the kernel revises idle and iowait down."""

MOST_OF_IT = 0.8
"""Share of the elapsed time that the other modes must account for while one stands still, or its own is missing."""

TOTAL = -1
"""Stands for all CPUs together, beside the numbers of the CPUs."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Seconds by mode. ``held`` means that one of them stands still until the kernel's own has caught up with it."""

    seconds: dict[str, float]
    held: bool = False


@dataclass(frozen=True, slots=True)
class Cpu:
    """Ratios are 0 to 1 since the previous sample, in the order of ``core_numbers``.

    They are None if there is no previous sample, or if the counters do not tell: after a jump, or while they stand.
    """

    usage_ratio: float | None
    core_usage_ratios: tuple[float | None, ...]
    seconds_by_mode: dict[str, float]
    logical_cpus: int | None
    physical_cores: float | None
    core_numbers: tuple[int, ...]
    counted: Mapping[int, Counted] = hidden()
    read_at: float = hidden()
    missing: tuple[str, ...] = hidden(())


def read(machine: Machine, baseline: Snapshot | None) -> Cpu:
    """Read /proc/stat on Linux, psutil.cpu_times elsewhere; ratios are computed against the baseline."""
    missing: list[str] = []
    before = baseline.section(Cpu) if baseline else None
    times = read_cpu_times(machine.host) if LINUX else _from_psutil(missing)
    read_at = time.monotonic()
    numbers = tuple(sorted(times.cores))
    logical = len(numbers) or None
    physical = attempt("physical cores", lambda: machine.physical_cores.count(len(numbers)), missing)
    then = before.counted if before else {}
    counted = {number: _steady(seconds, then.get(number), 1) for number, seconds in times.cores.items()}
    counted[TOTAL] = _steady(times.total, then.get(TOTAL), len(numbers))
    elapsed = read_at - before.read_at if before else 0.0
    return Cpu(
        usage_ratio=_share(counted[TOTAL], then.get(TOTAL), elapsed * len(numbers), len(numbers)),
        core_usage_ratios=tuple(_share(counted[each], then.get(each), elapsed, 1) for each in numbers) if then else (),
        seconds_by_mode=counted[TOTAL].seconds,
        logical_cpus=logical,
        physical_cores=within(physical, logical),
        core_numbers=numbers,
        counted=counted,
        read_at=read_at,
        missing=tuple(missing),
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


def _from_psutil(missing: list[str]) -> CpuTimes:
    cores = attempt("usage per CPU", lambda: psutil.cpu_times(percpu=True), missing) or []
    return CpuTimes(_by_mode(psutil.cpu_times()), {number: _by_mode(each) for number, each in enumerate(cores)})


def _by_mode(times: Any) -> dict[str, float]:
    seconds = {mode: getattr(times, mode) for mode in MODES if hasattr(times, mode)}
    if "dpc" in seconds:
        system = seconds["system"] - sum(seconds[mode] for mode in PART_OF_SYSTEM)
        seconds["system"] = IMPOSSIBLE if system < 0 else system
    return seconds


def _steady(now: dict[str, float], before: Counted | None, cpus: int) -> Counted:
    """Keep the old value of a counter that fell slightly: Prometheus would see a reset and count it all twice."""
    then = before.seconds if before else {}
    held = {mode: then[mode] for mode, at in now.items() if 0 < then.get(mode, 0.0) - at < JUMP_BACK * max(cpus, 1)}
    return Counted(now | held, held=bool(held))


def _share(now: Counted, before: Counted | None, elapsed: float, cpus: int) -> float | None:
    """Return the busy share of the time that the counters have grown by, None if they do not tell.

    ``elapsed`` is the time that passed, of all ``cpus`` together; it is not known if there are none. The sum of idle
    time falls by hours when a CPU is switched off, and in containers (lxcfs): what is left would be all busy.
    """
    if before is None:
        return None
    most = 2 * elapsed + JUMP_BACK * cpus if cpus else inf
    spent = {}
    for mode, seconds in now.seconds.items():
        grown = seconds - before.seconds.get(mode, nan)
        if 0 <= grown <= most:
            spent[mode] = grown
        elif mode != "steal":  # some kernels count other machines' time backwards; ours can be told without it
            return None
    total = sum(spent.values())
    unsure = now.held or before.held
    if "idle" not in spent or not 0 < total <= most or (unsure and total < MOST_OF_IT * elapsed):
        return None
    return (total - sum(spent.get(mode, 0.0) for mode in NOT_BUSY)) / total
