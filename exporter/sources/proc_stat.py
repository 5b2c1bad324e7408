"""CPU time and boot time on Linux, from /proc/stat (proc(5)).

psutil reads the file twice, takes the CPUs' numbers away, and one line that it cannot parse costs it all of them.
"""

from __future__ import annotations

import os
import re
import time
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, NamedTuple

from exporter.plausible import IMPOSSIBLE
from exporter.sources.host import LONGEST_NUMBER, number, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.sources.host import Host

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""The columns. ``guest`` and ``guest_nice`` follow, but the kernel already counts them in ``user`` and ``nice``."""

MARGIN, LEAST = 1.1, 60.0
"""A counter may exceed the time since boot by a tenth and a minute: the kernel's clocks do not agree exactly."""

_CPU = re.compile(rb"^cpu([0-9]{0,9}) +(.*)$", re.MULTILINE)
_BOOT = re.compile(rb"^btime +(.*)$", re.MULTILINE)


class CpuTimes(NamedTuple):
    """Seconds by mode: of all CPUs together, and of each that is online by its number. NaN for what cannot be."""

    total: dict[str, float]
    cores: dict[int, dict[str, float]]


def read_cpu_times(host: Host) -> CpuTimes:
    """Return the CPUs' time since boot. Raises OSError if /proc/stat cannot be read or lists no CPU."""
    text = _read(host)
    hertz = os.sysconf("SC_CLK_TCK")
    total: dict[str, float] = {}
    cores: dict[int, dict[str, float]] = {}
    for name, columns in _CPU.findall(text):
        ticks = _numbers(columns.split()[: len(MODES)])
        seconds = {mode: count / hertz for mode, count in zip(MODES, ticks, strict=False)}
        if name:
            cores[int(name)] = seconds
        else:
            total = seconds
    if not total and not cores:
        raise OSError(f"{host.proc}/stat lists no CPU")
    return _without_impossible(host, CpuTimes(total, cores), _boot_time(text))


def read_boot_time(host: Host) -> float:
    """Return the Unix time of the last boot. Raises OSError if /proc/stat cannot be read or does not say."""
    found = _boot_time(_read(host))
    if found is None:
        raise OSError(f"{host.proc}/stat does not say")
    return found


def read_uptime(host: Host) -> float | None:
    """Return the seconds since boot (/proc/uptime), None if the system does not say."""
    fields = (read_text(f"{host.proc}/uptime") or "").split()
    return number(fields[0]) if fields else None


def _read(host: Host) -> bytes:
    with open(f"{host.proc}/stat", "rb", buffering=0) as file:
        return file.read()


def _boot_time(text: bytes) -> float | None:
    found = _BOOT.search(text)
    return number(found[1]) if found else None


def _numbers(columns: Sequence[bytes]) -> list[float]:
    try:
        return [int(column) if len(column) <= LONGEST_NUMBER else nan for column in columns]
    except ValueError:
        return [number(column) for column in columns]


def _without_impossible(host: Host, times: CpuTimes, boot_time: float | None) -> CpuTimes:
    """Return the times without what is longer than the machine has been up (lxcfs: 8e16 s idle)."""
    # In a container, either of the two can be its own while the counters are the host's.
    known = (read_uptime(host), None if boot_time is None else time.time() - boot_time)
    longest = max((seconds for seconds in known if seconds is not None and isfinite(seconds)), default=0.0)
    if longest <= 0:
        return times
    cores = {name: _within(seconds, longest) for name, seconds in times.cores.items()}
    # The total includes CPUs that are switched off now.
    cpus = max(len(cores), _possible_cpus(host)) or inf
    return CpuTimes(_within(times.total, longest * cpus), cores)


def _within(seconds: dict[str, float], most: float) -> dict[str, float]:
    limit = most * MARGIN + LEAST
    return {mode: IMPOSSIBLE if spent > limit else spent for mode, spent in seconds.items()}


def _possible_cpus(host: Host) -> int:
    """Return how many CPUs the kernel could use (/sys/devices/system/cpu/possible, "0-7"), 0 if it does not say."""
    found = re.search(r"([0-9]{1,9})$", read_text(f"{host.sys}/devices/system/cpu/possible") or "")
    return int(found[1]) + 1 if found else 0
