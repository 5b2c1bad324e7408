"""The state of the machine in words, the same on page, terminal and in a title."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from exporter.render.units import percent, size
from exporter.thresholds import Finding, Level, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.collectors.processes import Processes

RESOURCES = {"cpu": "CPU", "memory": "Memory", "filesystem": "Filesystem"}


def headline(found: tuple[Finding, ...]) -> str:
    """Return the level in a few words: "all well", "1 warning", "2 critical, 1 warning"."""
    if worst(found) is Level.OK:
        return "all well"
    counts = {level: sum(finding.level is level for finding in found) for level in (Level.CRITICAL, Level.WARNING)}
    return ", ".join(_count(number, level) for level, number in counts.items() if number)


def sentence(finding: Finding, processes: Processes | None) -> str:
    """Return one finding with its limit and the programs behind it: "CPU 93 % (critical from 90 %): ..."."""
    name = " ".join(part for part in (RESOURCES[finding.resource], finding.subject) if part)
    text = f"{name} {percent(finding.ratio)} ({finding.level} from {percent(finding.limit)})"
    culprits = _culprits(finding.resource, processes)
    return f"{text}: {', '.join(culprits)}" if culprits else text


def cores(count: float) -> str:
    """Return CPU use in cores: "1.02 cores"."""
    return f"{count:.2f}\u00a0cores"


def _count(number: int, level: Level) -> str:
    plural = "s" if level is Level.WARNING and number > 1 else ""
    return f"{number} {level}{plural}"


def _culprits(resource: str, processes: Processes | None) -> Sequence[str]:
    if processes is None or resource == "filesystem":
        return ()
    if resource == "cpu":
        busiest = sorted(processes.programs, key=attrgetter("cpu_cores"), reverse=True)[:3]
        return [f"{program.name} {cores(program.cpu_cores)}" for program in busiest if program.cpu_cores >= 0.05]
    largest = sorted(processes.programs, key=attrgetter("memory_bytes"), reverse=True)[:3]
    return [f"{program.name} {size(program.memory_bytes)}" for program in largest]
