"""Memory that runs out, with real programs under a real limit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support_faults import EATER, MIB, THRASHER, kills, limit_memory, limited, memory_cgroup, slow_disk_cgroup
from tests.tools.ways.ways import Way

if TYPE_CHECKING:
    import subprocess
    from contextlib import AbstractContextManager

    from tests.tools.ways.machine import Machine

EATS, THRASHES, INDEX = 400, 40, 48
"""MiB that the programs may have, and of the file that the second one reads."""
READS = 600
"""A second that the disk does: more than a hard disk, fewer than an SSD."""


class _Programs:
    """The programs, by machine; and this machine's own counters, of which each shows what its fault is about only."""

    def __init__(self) -> None:
        self._of: dict[str, subprocess.Popen[bytes]] = {}
        self._groups: dict[str, Path] = {}
        self._before: dict[str, dict[str, int]] = {}

    def eater(self, machine: Machine) -> None:
        group = machine.stack.enter_context(memory_cgroup(machine.name, EATS * MIB))
        self._groups[machine.name] = group
        self._start(machine, limited(machine.folder / "import.py", EATER, [group], str(EATS), init=machine.tree.init))

    def thrasher(self, machine: Machine) -> None:
        # On a disk, unlike all else here: what is in memory cannot be dropped.
        folder = machine.stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp", prefix="ways-"))
        memory = machine.stack.enter_context(memory_cgroup(machine.name, 4 * INDEX * MIB))
        self._groups[machine.name] = memory
        disk = machine.stack.enter_context(slow_disk_cgroup(machine.name, Path(folder), READS))
        words = (f"{folder}/index", str(INDEX), "4")
        self._start(
            machine, limited(machine.folder / "reindex.py", THRASHER, [memory, disk], *words, init=machine.tree.init)
        )

    def _start(self, machine: Machine, program: AbstractContextManager[subprocess.Popen[bytes]]) -> None:
        self._of[machine.name] = machine.stack.enter_context(program)
        self._before[machine.name] = _counters()

    def go(self, machine: Machine) -> None:
        stream = self._of[machine.name].stdin
        assert stream
        stream.write(b"\n")
        stream.flush()

    def squeeze(self, machine: Machine) -> None:
        """Take away the memory that the program needs."""
        limit_memory(self._groups[machine.name], THRASHES * MIB)
        self.go(machine)

    def kills(self, machine: Machine) -> None:
        """Show how many processes the kernel has killed in the program's cgroup, and nothing else that moves."""
        self._show(machine, set(), oom_kill=kills(self._groups[machine.name]))

    def paging(self, machine: Machine) -> None:
        """Show what was read back into memory since the beginning, and how programs waited for it."""
        self._show(machine, {"pgmajfault", "pgfault", "pgpgin", "pswpin", "pswpout"})
        for name in ("memory", "io"):
            machine.tree.write(f"proc/pressure/{name}", Path(f"/proc/pressure/{name}").read_text())

    def _show(self, machine: Machine, names: set[str], **figures: int) -> None:
        before = self._before[machine.name]
        rows = {name: value - before[name] if name in names else 0 for name, value in _counters().items()} | figures
        machine.tree.write("proc/vmstat", "".join(f"{name} {value}\n" for name, value in rows.items()))


def _counters() -> dict[str, int]:
    pairs = (line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return {name: int(value) for name, value in pairs}


PROGRAMS = _Programs()

WAYS = (
    Way(
        "oom",
        "the kernel kills a program for want of memory (in a cgroup)",
        "HostOomKill",
        PROGRAMS.go,
        PROGRAMS.eater,
        PROGRAMS.kills,
        real=True,
        processes=True,
    ),
    Way(
        "thrashing",
        "a program thrashes under its memory limit",
        "HostThrashing",
        PROGRAMS.squeeze,
        PROGRAMS.thrasher,
        PROGRAMS.paging,
        real=True,
        processes=True,
    ),
)
