"""A snapshot as one line of text, for a log or a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.cpu import Cpu
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.memory import Memory
from exporter.collectors.network import Network
from exporter.collectors.processes import Processes
from exporter.render.json import iso_time
from exporter.render.units import percent, rate, size
from exporter.render.words import headline, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.model import Snapshot


def plain_line(snapshot: Snapshot) -> str:
    """Return a snapshot as one line; findings whose figure is not in it come last, in words."""
    cpu, memory, network = snapshot.section(Cpu), snapshot.section(Memory), snapshot.section(Network)
    filesystems, processes = snapshot.section(Filesystems), snapshot.section(Processes)
    parts = [iso_time(snapshot.time), headline(snapshot)]
    if cpu:
        parts.append(f"cpu {percent(cpu.usage_ratio)}")
    if memory:
        parts.append(f"memory {percent(memory.usage_ratio)}")
    fullest = filesystems.fullest() if filesystems else None
    if fullest:
        parts.append(f"{fullest.mountpoint} {percent(fullest.usage_ratio)}")
    if network:
        received = _total(each.receive_rate_bytes for each in network.counted_once())
        sent = _total(each.transmit_rate_bytes for each in network.counted_once())
        parts.append(f"receive {rate(received)} transmit {rate(sent)}")
    if processes and processes.programs:
        top = processes.programs[0]
        used = "" if top.cpu_cores is None else f" {top.cpu_cores:.2f} cores"
        parts.append(f"top {top.name}{used} {size(top.memory_bytes)}")
    shown = {"", fullest.mountpoint if fullest else ""}
    said = [text for finding, text in sentences(snapshot) if not (finding.resource and finding.subject in shown)]
    return " | ".join([*parts, *said]).replace("\u00a0", " ")


def _total(rates: Iterable[float | None]) -> float | None:
    known = [each for each in rates if each is not None]
    return sum(known) if known else None
