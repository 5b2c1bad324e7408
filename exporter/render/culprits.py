"""The programs behind a finding, as a sentence names them: three at most."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from exporter.collectors.processes import most_threads
from exporter.render.units import size, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.processes import Processes
    from exporter.findings import Culprits

MOST = 3


def culprits(measure: Culprits, processes: Processes | None) -> str:
    """Return the end of a sentence, ": python3 train.py 1.90 cores", empty if there is nobody to name."""
    return _SAID[measure](processes) if measure and processes is not None else ""


def cores(count: float) -> str:
    """Return CPU use in cores: "1.02 cores"."""
    return f"{count:.2f}\u00a0cores"


def _cpu(section: Processes) -> str:
    used = sorted(((p.cpu_cores or 0, p.name) for p in section.programs), key=itemgetter(0), reverse=True)[:MOST]
    return _listed(": ", [f"{name} {cores(count)}" for count, name in used if count >= 0.05])


def _memory(section: Processes) -> str:
    largest = sorted(section.programs, key=attrgetter("memory_bytes"), reverse=True)[:MOST]
    text = _listed(": ", [f"{program.name} {size(program.memory_bytes)}" for program in largest])
    victim = section.next_victim
    return f"{text}; the kernel would end next: {victim.name} ({size(victim.memory_bytes)})" if victim else text


def _threads(section: Processes) -> str:
    return _listed(
        ": ", [f"{name} {whole(count)}\u00a0threads" for name, count in most_threads(section, MOST) if count > 1]
    )


def _faults(section: Processes) -> str:
    most = [each for each in section.faulting[:MOST] if each.fault_rate >= 1]
    return _listed(": ", [f"{each.name} {each.fault_rate:.0f}\u00a0faults a second" for each in most])


def _gone_since(section: Processes) -> str:
    gone = [_gone(each.name, each.instances, each.memory_bytes, each.running) for each in section.gone[:MOST]]
    return _listed("; gone since: ", gone)


def _gone(name: str, instances: int, memory_bytes: int, running: int) -> str:
    """Return "java app.jar (3.1 GiB)", "chromium (2 processes, 512 MiB; 14 run now)"."""
    many = f"{instances} processes, " if instances > 1 else ""
    now = f"; {running} run{'s' if running == 1 else ''} now" if running else ""
    return f"{name} ({many}{size(memory_bytes)}{now})"


def _listed(before: str, names: list[str]) -> str:
    return before + ", ".join(names) if names else ""


_SAID: dict[str, Callable[[Processes], str]] = {
    "cpu": _cpu,
    "memory": _memory,
    "threads": _threads,
    "faults": _faults,
    "gone": _gone_since,
}
