"""Processes: how many there are, and which use the most CPU and memory."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from heapq import nlargest
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from exporter.collectors.memory import Memory
from exporter.families import gauges
from exporter.model import hidden
from exporter.sources.host import LINUX
from exporter.sources.oom_kills import Gone  # noqa: TC001 - names in a section are resolved
from exporter.sources.oom_scores import FIRST, Victim
from exporter.sources.process_memory import NO_TOTALS, MemoryTotals
from exporter.sources.process_use import use
from exporter.sources.processes import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.sources.processes import ProcessSample

K = TypeVar("K", bound="Hashable")

# Always exported where states are known, so that "no zombies" is a 0 and not a gap.
STATES = ("running", "sleeping", "disk-sleep", "stopped", "zombie")


@dataclass(frozen=True, slots=True)
class Program:
    """All processes of one name; ``cpu_cores`` (1 = one core busy) since the previous sample, None in the first.

    ``memory_bytes`` is the resident memory that they hold together, shared pages counted once.
    """

    name: str
    cpu_cores: float | None
    memory_bytes: int
    instances: int


@dataclass(frozen=True, slots=True)
class Process:
    """One process; ``cpu_cores`` since the previous sample, None in the first; memory is the resident set (RSS)."""

    pid: int
    name: str
    user: str
    cpu_cores: float | None
    memory_bytes: int
    threads: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Faulting:
    """A program whose processes waited for pages that were not in memory, so many times a second (major faults)."""

    name: str
    fault_rate: float


@dataclass(frozen=True, slots=True)
class Processes:
    """``programs`` and ``processes`` hold the top ones by CPU plus the top ones by memory, most CPU first.

    ``faulting`` holds the top ones by major faults since the previous sample, only those with any. ``gone`` holds what
    ended with the kills for want of memory of the last ten minutes, largest first.
    """

    total: int
    states: dict[str, int]
    programs: tuple[Program, ...]
    processes: tuple[Process, ...]
    scanned: Mapping[int, ProcessSample] = hidden()
    scanned_at: float = hidden()
    faulting: tuple[Faulting, ...] = ()
    next_victim: Victim | None = None
    gone: tuple[Gone, ...] = ()


def read(machine: Machine, baseline: Snapshot | None) -> Processes:
    """Read every process: /proc/PID/stat on Linux, the system's table on Windows, psutil on macOS.

    CPU use is computed against the baseline.
    """
    before = baseline.section(Processes) if baseline else None
    scanned_at, scanned = time.monotonic(), machine.processes.scan()
    if not scanned:  # there is always one: this
        raise OSError(f"{machine.host.proc} shows no process" if LINUX else "the system shows no process")
    cores, faults = use(scanned, before.scanned, scanned_at - before.scanned_at) if before else ({}, {})
    states: Counter[str] = Counter()
    cpu: dict[str, float] = {}
    resident: dict[str, int] = {}
    named: defaultdict[str, list[ProcessSample]] = defaultdict(list)
    for pid, process in scanned.items():
        name = process.name
        states[process.state] += 1
        named[name].append(process)
        resident[name] = resident.get(name, 0) + process.memory_bytes
        if pid in cores:
            cpu[name] = cpu.get(name, 0.0) + cores[pid]
    top = machine.settings.top
    idle = 0.0 if before else None  # without a baseline, nobody's CPU use is known
    # Of the previous sample: if /proc/meminfo hangs, it costs its own section alone.
    earlier = baseline.section(Memory) if baseline else None
    totals = MemoryTotals(*earlier.programs) if earlier else NO_TOTALS
    memory = machine.program_memory.largest(named, resident, top, _busiest(top, cpu), totals)
    names = _first(top, cpu, memory)
    largest = nlargest(max(top, FIRST), scanned.values(), key=attrgetter("memory_bytes"))
    pids = _first(top, cores, {pid: scanned[pid].memory_bytes for pid in (*cores, *(each.pid for each in largest))})
    swapping = earlier is not None and bool(earlier.swap_used_bytes)
    return Processes(
        total=len(scanned),
        states={**dict.fromkeys(STATES if states.keys() != {UNKNOWN} else (), 0), **states},
        programs=tuple(Program(name, cpu.get(name, idle), memory[name], len(named[name])) for name in names),
        processes=tuple(_process(machine, scanned[pid], cores.get(pid, idle)) for pid in pids),
        faulting=tuple(Faulting(name, faults[name]) for name in _busiest(top, faults)),
        next_victim=machine.oom_scores.next(scanned, largest, everybody=before is None, swapping=swapping),
        gone=machine.oom_kills.gone(scanned, scanned_at),
        scanned=scanned,
        scanned_at=scanned_at,
    )


def most_threads(section: Processes, count: int) -> list[tuple[str, int]]:
    """Return the programs with the most threads, and how many those are, most first; without the kernel's."""
    threads: Counter[str] = Counter()
    for process in section.scanned.values():
        if process.memory_bytes:  # threads of the kernel, one process each, have none
            threads[process.name] += process.threads or 0
    return threads.most_common(count)


def metrics(section: Processes) -> Iterable[Metric]:
    """Return the process families."""
    yield from gauges(
        "host_processes",
        "Number of processes in each state; on Windows, which names none, all are in the state unknown.",
        ("state",),
        [((state,), count) for state, count in sorted(section.states.items())],
    )
    rows = [((program.name,), program) for program in section.programs]
    yield from gauges(
        "host_top_process_cpu_cores",
        "CPU used by all processes of that name since the previous sample taken for any client, 1 = one core busy; "
        "only for the names that use the most CPU or memory.",
        ("name",),
        [(k, program.cpu_cores) for k, program in rows if program.cpu_cores is not None],
    )
    yield from gauges(
        "host_top_process_memory_bytes",
        "Resident memory of all processes of that name together, pages that they share counted once (on macOS once per "
        "process); only for the names that use the most CPU or memory.",
        ("name",),
        [(k, program.memory_bytes) for k, program in rows],
    )
    yield from gauges(
        "host_top_process_instances",
        "Number of processes of that name; only for the names that use the most CPU or memory.",
        ("name",),
        [(k, program.instances) for k, program in rows],
    )
    yield from gauges(
        "host_top_process_major_faults",
        "Major page faults a second of all processes of that name since the previous sample taken for any client: they "
        "waited for pages to be read from a file or swapped in; only for the names with the most, and with any.",
        ("name",),
        [((program.name,), program.fault_rate) for program in section.faulting],
    )
    victim = section.next_victim
    yield from gauges(
        "host_oom_next_victim_memory_bytes",
        "Memory, resident and swapped, of the process that the kernel would kill next if the whole machine ran out of "
        "it: the one with the highest oom_score.",
        ("name",),
        [((victim.name,), victim.memory_bytes)] if victim else [],
    )


def _busiest(count: int, cpu: Mapping[K, float]) -> list[K]:
    return nlargest(count, cpu, key=lambda key: cpu[key])


def _first(count: int, cpu: Mapping[K, float], memory: Mapping[K, int]) -> list[K]:
    """Return the union of the keys that use the most CPU and those that use the most memory, most CPU first."""
    largest: list[K] = nlargest(count, (key for key in memory if memory[key] > 0), key=lambda key: memory[key])
    both: set[K] = {*_busiest(count, cpu), *largest}
    return sorted(both, key=lambda key: (-cpu.get(key, 0.0), -memory[key], str(key)))


def _process(machine: Machine, process: ProcessSample, cores: float | None) -> Process:
    return Process(
        pid=process.pid,
        name=process.name,
        user=machine.processes.user(process),
        cpu_cores=cores,
        memory_bytes=process.memory_bytes,
        threads=process.threads,
        state=process.state,
    )
