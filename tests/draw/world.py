"""An invented hour: a workstation that a training run brings to its limits, and twenty other machines.

Each series of a machine starts as the golden exposition has it, so a new metric is in the pictures once it is in there.
"""

from __future__ import annotations

import math
import random
import re
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from tests.tools.replay import FAULTS, golden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEP = 15
"""Seconds between two scrapes."""
HOUR = 3600
LEAD = 1200
"""Seconds of history before the hour, so that rates over ten minutes are known at its begin."""
END = int(datetime(2026, 3, 14, 20, 17, 30, tzinfo=UTC).timestamp())
TIMES = range(END - HOUR - LEAD, END + 1, STEP)
CPUS = 4
MAIN = "aspen"
TREES = (
    "alder ash beech birch cedar cherry elm fir hazel holly juniper larch linden maple oak pine poplar rowan"
    " spruce willow"
)
DEAD = "holly"
DIED = 25
"""Minutes into the hour at which one machine stops answering."""
PROGRAMS = ("firefox", "jellyfin", "postgres", "gnome-shell", "syncthing", "dockerd", "python3 -m homeassistant")
TRAINING = "python3 train.py"
MEMORY = 2.0**34
BACKUP = END - 1500
"""Each day at this time a backup succeeds."""
UP = 12 * 86400.0
"""Seconds since boot."""
FILESYSTEMS = {"/": (1e11, 0.0), "/boot/efi": (5e8, 0.25), "/home": (4.3e11, 0.44), "/mnt/nas": (4.3e12, 0.52)}
"""Size in bytes, and the share that is used."""
RATES = {
    "oom": 0.0,
    "swap": 2e3,
    "faults": 1.5,
    "hung": 0.0,
    "throttles": 0.0,
    "listen": 0.001,
    "retransmitted": 0.05,
    "errors": 0.02,
    "dropped": 0.02,
    "seconds": 0.06,
    "bytes": 9e5,
    "": 30.0,
}
"""How fast a counter grows per second, by a word in its name; the first that fits."""
STEADY = (
    *("threshold", "info", "logical", "physical", "total_bytes", "_up", "speed", "ratio", "plugged", "_limit"),
    *("members", "missing", "state", "healthy", "problem", "sectors", "rotational", "max_age", "clean"),
)
"""Words in the names of what does not change."""
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Line(NamedTuple):
    """One series: name, labels, and a value for each of TIMES, NaN where there is none."""

    name: str
    labels: dict[str, str]
    values: list[float]

    def text(self) -> Iterator[str]:
        """Yield its samples in OpenMetrics' text format."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        for at, value in zip(TIMES, self.values, strict=True):
            if not math.isnan(value):
                yield f"{self.name}{{{labels}}} {value:.10g} {at}\n"


def gauge(shape: Callable[[float], float]) -> list[float]:
    """Return a value for each scrape; the shape is a function of minutes since the hour began, negative before it."""
    return [shape((at - TIMES[0] - LEAD) / 60) for at in TIMES]


def counter(rate: Callable[[float], float], start: float = 1e3) -> list[float]:
    """Return a counter that grows at this rate per second."""
    return list(accumulate((value * STEP for value in gauge(rate)), initial=start))[:-1]


def noisy(seed: str, base: float, swing: float) -> Callable[[float], float]:
    """Return slow waves and some noise around a base, never below 0; the same at every run."""
    chance = random.Random(seed)
    phase, pace = chance.uniform(0, 6), chance.uniform(0.2, 0.5)
    return lambda minute: max(0.0, base + swing * (math.sin(phase + pace * minute) + chance.uniform(-0.6, 0.6)))


def steps(shape: Callable[[float], float], *changes: tuple[float, float, float]) -> Callable[[float], float]:
    """Return a shape that has another value in some periods: (begin, end, value) in minutes."""

    def changed(minute: float) -> float:
        value = shape(minute)
        inside = [other for begin, end, other in changes if begin <= minute < end]
        return inside[-1] + 0.2 * (value % 0.05) if inside else value

    return changed


class Usage:
    """What a machine's usages make of its other figures."""

    def __init__(self, cpu: list[float], memory: list[float], fullest: float) -> None:
        self.cpu = cpu
        worst = [max(*shares, fullest) for shares in zip(cpu, memory, strict=True)]
        load = [share * CPUS * 1.1 for share in cpu]
        self.known = {
            "host_level": [2.0 if share >= 0.9 else float(share >= 0.8) for share in worst],
            "host_cpu_usage_ratio": cpu,
            "host_load1": _averaged(load, 60 // STEP),
            "host_load5": _averaged(load, 300 // STEP),
            "host_load15": _averaged(load, 900 // STEP),
            "host_memory_usage_ratio": memory,
            "host_memory_total_bytes": [MEMORY] * len(TIMES),
            "host_memory_used_bytes": [share * MEMORY for share in memory],
            "host_memory_available_bytes": [(1 - share) * MEMORY for share in memory],
            "host_memory_free_bytes": [(1 - share) * MEMORY / 4 for share in memory],
            "host_boot_time_seconds": [END - UP] * len(TIMES),
            "host_uptime_seconds": [at - END + UP for at in TIMES],
            "host_battery_plugged": [1.0] * len(TIMES),
            "host_clock_time_seconds": [at + 0.02 for at in TIMES],
            "host_clock_synchronized": [1.0] * len(TIMES),
            "host_clock_offset_seconds": gauge(lambda minute: 0.004 * math.sin(minute / 7)),
            "host_reboot_required": [0.0] * len(TIMES),
            "host_raid_sync_ratio": gauge(lambda minute: 0.4 + 0.007 * minute),
            "host_textfile_mtime_seconds": [float(at - at % 600) for at in TIMES],
            "host_backup_last_success_timestamp_seconds": [float(at - (at - BACKUP) % 86400) for at in TIMES],
        }

    def mode(self, mode: str) -> list[float]:
        """Return the CPU time spent in a mode since boot, in seconds."""
        parts = {"user": 0.78, "nice": 0.02, "system": 0.17, "softirq": 0.03}
        idle = {"idle": 0.98, "iowait": 0.02}
        shares = (busy * parts.get(mode, 0) + (1 - busy) * idle.get(mode, 0) for busy in self.cpu)
        return list(accumulate((share * CPUS * STEP for share in shares), initial=1e4))[:-1]

    def heat(self, name: str, start: float) -> list[float]:
        """Return a processor's temperature or a fan's speed, which follow what it does."""
        if name == "host_fan_rpm":
            return [start * (0.8 + 0.7 * share) for share in _averaged(self.cpu, 240 // STEP)]
        return [start - 15 + 35 * share for share in _averaged(self.cpu, 120 // STEP)]


class Machine(NamedTuple):
    """A machine and its usages, ratios by minute."""

    name: str
    cpu: Callable[[float], float]
    memory: Callable[[float], float]
    fullest: float
    died: float = math.inf

    def lines(self) -> Iterator[Line]:
        """Yield all its series."""
        where = {"instance": f"{self.name}:5000", "job": "host"}
        usage = Usage(gauge(self.cpu), gauge(self.memory), self.fullest)
        alive = [(at - TIMES[0] - LEAD) / 60 < self.died for at in TIMES]
        yield Line("up", where, [float(up) for up in alive])
        yield Line("scrape_duration_seconds", where, gauge(noisy(self.name, 0.02 + len(self.name) / 1000, 0.001)))
        yield Line("scrape_samples_scraped", where, [250.0 * up for up in alive])
        for name, own, values in self._series(usage):
            known = [value if up else math.nan for value, up in zip(values, alive, strict=True)]
            yield Line(name, own | where, known)

    def _series(self, usage: Usage) -> Iterator[tuple[str, dict[str, str], list[float]]]:
        yield from self._exporter()
        if self.name == MAIN:
            yield from _programs(usage.cpu)
        for part in golden():
            if isinstance(part, str) or part[0].startswith("host_top_process"):
                continue
            name, text, start = part
            labels = dict(LABEL.findall(text))
            if "job" in labels:  # as Prometheus calls it, because a target has a job of its own
                labels["exported_job"] = labels.pop("job")
            if name == "host_info":
                labels["hostname"] = self.name
            if labels.get("mountpoint") != "/mnt/late" and (self.name == MAIN or _of_fleet(name, labels)):
                yield name, labels, self._values(name, labels, start, usage)

    def _exporter(self) -> Iterator[tuple[str, dict[str, str], list[float]]]:
        yield "host_exporter_build_info", {"version": "1"}, [1.0] * len(TIMES)
        yield "process_cpu_seconds_total", {}, counter(noisy(f"{self.name} costs", 0.002, 0.0005))
        yield "process_resident_memory_bytes", {}, gauge(noisy(f"{self.name} takes", 4.4e7, 4e5))
        for collector, seconds in (("processes", 0.011), ("filesystem", 0.004), ("disk", 0.001), ("network", 0.001)):
            took = gauge(noisy(f"{self.name}{collector}", seconds, seconds / 12))
            yield "host_exporter_collector_duration_seconds", {"collector": collector}, took
            yield "host_exporter_collector_errors_total", {"collector": collector}, [0.0] * len(TIMES)

    def _values(self, name: str, labels: dict[str, str], start: float, usage: Usage) -> list[float]:
        seed = f"{self.name} {name} {labels}"
        if name in usage.known:
            return usage.known[name]
        if name == "host_cpu_core_usage_ratio":
            apart = gauge(noisy(seed, 0.1, 0.08))
            return [min(1.0, max(0.0, share + own - 0.1)) for share, own in zip(usage.cpu, apart, strict=True)]
        if name == "host_cpu_seconds_total":
            return usage.mode(labels["mode"])
        if "mountpoint" in labels:
            return self._filesystem(name.removeprefix("host_filesystem_"), labels["mountpoint"], start)
        if name == "host_fan_rpm" or (name == "host_temperature_celsius" and labels["chip"] == "coretemp"):
            return usage.heat(name, start)
        return _usual(seed, name, start)

    def _filesystem(self, kind: str, mountpoint: str, start: float) -> list[float]:
        size, used = FILESYSTEMS.get(mountpoint, (3.4e10, 0.31))
        used = self.fullest if mountpoint == "/" else used
        grows = [used + 1e-7 * (at - END) for at in TIMES]
        kinds = {
            "usage_ratio": grows,
            "used_bytes": [share * size for share in grows],
            "available_bytes": [(1 - share) * size for share in grows],
            "size_bytes": [size] * len(TIMES),
            "inodes_usage_ratio": [min(start, 0.2)] * len(TIMES),
        }
        return kinds.get(kind, [0.0] * len(TIMES))


def _usual(seed: str, name: str, start: float) -> list[float]:
    """Return what a figure does of which there is no story."""
    if name in FAULTS:
        return [0.0] * len(TIMES)
    if name.endswith("_total"):
        rate = next(rate for word, rate in RATES.items() if word in name)
        return counter(noisy(seed, rate, rate / 2))
    steady = any(word in name for word in STEADY)
    return [start] * len(TIMES) if steady else gauge(noisy(seed, start, start / 20))


def _programs(cpu: list[float]) -> Iterator[tuple[str, dict[str, str], list[float]]]:
    for number, program in enumerate(PROGRAMS):
        cores = noisy(program, 0.4 / 1.9**number, 0.15 / 1.9**number)
        yield "host_top_process_cpu_cores", {"name": program}, gauge(cores)
        taken = gauge(noisy(f"{program} takes", 2e9 / 1.7**number, 2e7))
        yield "host_top_process_memory_bytes", {"name": program}, taken
        yield "host_top_process_instances", {"name": program}, [1.0] * len(TIMES)
        waits = gauge(noisy(f"{program} waits", 0.9 / 1.9**number, 1.4 / 1.9**number))
        yield "host_top_process_major_faults", {"name": program}, [each if each > 0.2 else math.nan for each in waits]
    trained = [max(0.0, share - 0.35) * CPUS if share > 0.5 else math.nan for share in cpu]
    yield "host_top_process_cpu_cores", {"name": TRAINING}, trained
    yield "host_top_process_memory_bytes", {"name": TRAINING}, [cores * 0 + 3.1e9 for cores in trained]
    yield "host_top_process_instances", {"name": TRAINING}, [cores * 0 + 1 for cores in trained]


def _of_fleet(name: str, labels: dict[str, str]) -> bool:
    wanted = ("host_info", "host_load", "host_cpu_seconds", "host_memory", "host_level", "host_alert", "host_uptime")
    return name.startswith((*wanted, "host_logical")) or labels.get("mountpoint") == "/"


def _averaged(values: list[float], window: int) -> list[float]:
    return [sum(part) / len(part) for end in range(1, len(values) + 1) for part in [values[max(0, end - window) : end]]]


def machines() -> list[Machine]:
    """Return all machines: one is critical and was warned before, one died, one is full, two are warned."""
    cpu = steps(noisy("cpu", 0.24, 0.06), (42, 46, 0.84), (46, 999, 0.96))
    memory = steps(noisy("memory", 0.52, 0.01), (12, 21, 0.83))
    found = [Machine(MAIN, cpu, memory, 0.62)]
    for number, name in enumerate(TREES.split()):
        busy, taken = 0.03 + 0.027 * (number * 7 % 20), 0.25 + 0.022 * (number * 11 % 20)
        if name == "maple":
            taken = 0.84
        fullest = {"elm": 0.93, "oak": 0.85}.get(name, 0.15 + 0.03 * (number * 3 % 20))
        shapes = noisy(f"{name} cpu", busy, 0.03), noisy(f"{name} memory", taken, 0.005)
        found.append(Machine(name, *shapes, fullest, DIED if name == DEAD else math.inf))
    return found
