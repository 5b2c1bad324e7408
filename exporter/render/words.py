"""The state of the machine in words, the same on page, terminal and in a title."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from exporter.collectors.filesystem import Filesystems
from exporter.findings import Finding, worst
from exporter.render.units import limit, percent, size
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.collectors.processes import Processes
    from exporter.model import Snapshot

RESOURCES = {"cpu": "CPU", "memory": "Memory", "filesystem": "Filesystem"}


def level_of(found: tuple[Finding, ...], missing: Sequence[str]) -> Level:
    """Return the level of the whole machine: what cannot be read is not known to be well."""
    return max(worst(found), Level.WARNING if missing else Level.OK)


def headline(found: Sequence[Finding], missing: Sequence[str]) -> str:
    """Return the state in a few words: "all well", "2 critical, 1 warning", "figures missing"."""
    counts = {level: sum(finding.level is level for finding in found) for level in (Level.CRITICAL, Level.WARNING)}
    parts = [_count(number, level) for level, number in counts.items() if number]
    if missing:
        parts.append("figures missing")
    return ", ".join(parts) or "all well"


def not_readable(snapshot: Snapshot) -> list[str]:
    """Return a sentence for what gave no figures, since nobody knows whether that is well."""
    sentences = [f"The {failure.collector} figures are missing: {failure.error}" for failure in snapshot.failures()]
    filesystems = snapshot.section(Filesystems)
    by_error: dict[str, list[str]] = {}
    for filesystem in filesystems.filesystems if filesystems else ():
        if filesystem.error:
            by_error.setdefault(filesystem.error, []).append(filesystem.mountpoint)
    return sentences + [
        f"{RESOURCES['filesystem']}{'s' * (len(paths) > 1)} {', '.join(paths)} cannot be read: {error}"
        for error, paths in by_error.items()
    ]


def sentence(finding: Finding, processes: Processes | None) -> str:
    """Return one finding with its limit and the programs behind it: "CPU 93 % (critical from 90 %): ..."."""
    name = " ".join(part for part in (RESOURCES[finding.resource], finding.subject) if part)
    text = f"{name} {percent(finding.ratio)} ({finding.level} from {limit(finding.limit)})"
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
        used = sorted(((p.cpu_cores or 0, p.name) for p in processes.programs), key=itemgetter(0), reverse=True)[:3]
        return [f"{name} {cores(count)}" for count, name in used if count >= 0.05]
    largest = sorted(processes.programs, key=attrgetter("memory_bytes"), reverse=True)[:3]
    return [f"{program.name} {size(program.memory_bytes)}" for program in largest]
