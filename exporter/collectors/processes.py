"""Processes: how many, and which use most."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, TypeVar

from exporter.families import gauges
from exporter.model import hidden

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.sources.processes import ProcessSample

K = TypeVar("K", bound="Hashable")

# Always shown, so that "no zombie" is a 0 and not a gap.
STATES = ("running", "sleeping", "disk-sleep", "stopped", "zombie")


@dataclass(frozen=True, slots=True)
class Program:
    """All processes of one name; ``cpu_cores`` since the previous sample (None: no previous), 1 = one core busy."""

    name: str
    cpu_cores: float | None
    memory_bytes: int
    instances: int


@dataclass(frozen=True, slots=True)
class Process:
    """One process; ``cpu_cores`` since the previous sample (None: no previous), memory is its resident set (RSS)."""

    pid: int
    name: str
    user: str
    cpu_cores: float | None
    memory_bytes: int
    threads: int
    state: str


@dataclass(frozen=True, slots=True)
class Processes:
    """``programs`` and ``processes`` are the first by CPU and the first by memory, most CPU first."""

    total: int
    states: dict[str, int]
    programs: tuple[Program, ...]
    processes: tuple[Process, ...]
    scanned: Mapping[int, ProcessSample] = hidden()
    scanned_at: float = hidden()


def read(machine: Machine, baseline: Snapshot | None) -> Processes:
    """Read every process (/proc/PID/stat, elsewhere psutil); CPU shares against the baseline."""
    before = baseline.section(Processes) if baseline else None
    scanned_at, scanned = time.monotonic(), machine.processes.scan()
    cores = _cpu_cores(scanned, before, scanned_at)
    states = Counter(dict.fromkeys(STATES, 0))
    cpu: dict[str, float] = {}
    memory: dict[str, int] = {}
    instances: dict[str, int] = {}
    for pid, process in scanned.items():
        name = process.name
        states[process.state] += 1
        instances[name] = instances.get(name, 0) + 1
        memory[name] = memory.get(name, 0) + process.memory_bytes
        if pid in cores:
            cpu[name] = cpu.get(name, 0.0) + cores[pid]
    top = machine.settings.top
    idle = 0.0 if before else None  # nothing is known of anybody's CPU
    names = _first(top, cpu, memory)
    pids = _first(top, cores, {pid: process.memory_bytes for pid, process in scanned.items()})
    return Processes(
        total=len(scanned),
        states=dict(states),
        programs=tuple(Program(name, cpu.get(name, idle), memory[name], instances[name]) for name in names),
        processes=tuple(_process(machine, scanned[pid], cores.get(pid, idle)) for pid in pids),
        scanned=scanned,
        scanned_at=scanned_at,
    )


def metrics(section: Processes) -> Iterable[Metric]:
    """Return the process families."""
    yield from gauges(
        "host_processes",
        "Processes in each state.",
        ("state",),
        [((state,), count) for state, count in sorted(section.states.items())],
    )
    rows = [((program.name,), program) for program in section.programs]
    yield from gauges(
        "host_top_process_cpu_cores",
        "CPU used since the previous sample, whoever asked for it, by all processes of that name, 1 = one core busy; "
        "for the names that use most CPU or memory.",
        ("name",),
        [(k, program.cpu_cores) for k, program in rows if program.cpu_cores is not None],
    )
    yield from gauges(
        "host_top_process_memory_bytes",
        "Resident memory (RSS) of all processes of that name, pages they share counted in each; "
        "for the names that use most CPU or memory.",
        ("name",),
        [(k, program.memory_bytes) for k, program in rows],
    )
    yield from gauges(
        "host_top_process_instances",
        "Processes of that name; for the names that use most CPU or memory.",
        ("name",),
        [(k, program.instances) for k, program in rows],
    )


def _cpu_cores(scanned: Mapping[int, ProcessSample], before: Processes | None, now: float) -> dict[int, float]:
    """Return the CPU use of the processes that used any, in cores, by PID."""
    cores: dict[int, float] = {}
    if before is None:
        return cores
    elapsed = max(now - before.scanned_at, 0.01)
    then = before.scanned
    for pid, process in scanned.items():
        known = then.get(pid)
        if known is process:  # nothing changed since: it did not run
            continue
        spent = process.cpu_seconds
        if known is not None and known.started == process.started:
            spent -= known.cpu_seconds
        elif known is None:
            # Started meanwhile, so all its time is of this window. If it is old and only now came into sight,
            # its whole past must not count: no thread uses more than the time there was.
            spent = min(spent, elapsed * max(1, process.threads))
        if spent > 0:
            cores[pid] = spent / elapsed
    return cores


def _first(count: int, cpu: Mapping[K, float], memory: Mapping[K, int]) -> list[K]:
    """Return the keys that use most CPU and those that use most memory, together, most CPU first."""
    busiest: list[K] = nlargest(count, cpu, key=lambda key: cpu[key])
    largest: list[K] = nlargest(count, (key for key in memory if memory[key] > 0), key=lambda key: memory[key])
    both: set[K] = {*busiest, *largest}
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
