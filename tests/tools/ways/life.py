"""The counters of a tree that move, by a second at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.tools.ways.tree import BUSY, CPUS, UP_FOR, stat_line

if TYPE_CHECKING:
    from tests.tools.ways.tree import Tree

HZ = 100


@dataclass(slots=True)
class Life:
    """What the machine is doing; a fault changes it."""

    tree: Tree
    busy: float = 0.1
    """Share of all CPUs."""
    reads: float = 20
    """Completed reads a second of the disk, and as many writes."""
    wait: float = 0.002
    """Seconds that each of them takes."""
    stuck: int = 0
    """Requests that the disk does not answer."""
    threads: int = 180
    up: int = UP_FOR
    """Seconds since the machine was booted."""
    _program: float = 1000
    _cpu: float = 0.1 * UP_FOR * CPUS * HZ
    _idle: float = 0.9 * UP_FOR * CPUS * HZ
    _disk: list[float] = field(default_factory=lambda: [1e6, 1e6 * 0.002, 1e6 * 0.004, 1e6 * 0.004])

    def boot(self) -> None:
        """Let the machine have been booted just now."""
        self.up = 1
        self._cpu = self._idle = CPUS * HZ
        self._disk = [100, 1, 1, 1]
        self.tree.write("boot-time", f"{int(time.time())}\n")

    def second(self) -> None:
        """Let a second pass."""
        self.up += 1
        self._cpu += self.busy * CPUS * HZ
        self._program += self.busy * CPUS * HZ
        self._idle += (1 - self.busy) * CPUS * HZ
        self._disk_second()
        tree = self.tree
        tree.write("proc/uptime", f"{self.up}.00 {self._idle / HZ:.2f}\n")
        tree.write("proc/stat", self._stat())
        if not tree.real:
            tree.write(f"proc/{BUSY}/stat", stat_line(BUSY, int(self._program)))
        load = self.busy * CPUS + self.stuck
        tree.write("proc/loadavg", f"{load:.2f} {load:.2f} {load:.2f} 1/{self.threads} 4242\n")
        tree.mounts()

    def _stat(self) -> str:
        def line(name: str, share: float) -> str:
            return f"{name} {int(self._cpu * share)} 0 0 {int(self._idle * share)} 0 0 0 0 0 0\n"

        lines = [line("cpu ", 1), *(line(f"cpu{n}", 1 / CPUS) for n in range(CPUS))]
        born = self.tree.read("boot-time").strip()
        return f"{''.join(lines)}ctxt 1000\nbtime {born}\nprocesses 9000\nprocs_running 1\nprocs_blocked {self.stuck}\n"

    def _disk_second(self) -> None:
        done, each_ms, busy_ms, queue_ms = self._disk
        waiting = self.stuck or self.reads * self.wait * 2
        done += self.reads
        each_ms += self.reads * self.wait * 1000
        busy_ms += min(1000, waiting * 1000)
        queue_ms += waiting * 1000
        self._disk = [done, each_ms, busy_ms, queue_ms]
        half = f"{int(done)} 0 {int(done) * 8} {int(each_ms)}"
        tail = f"{self.stuck} {int(busy_ms)} {int(queue_ms)} 0 0 0 0 0 0"
        self.tree.write(
            "proc/diskstats", f"   8       0 sda {half} {half} {tail}\n   8       2 sda2 {half} {half} {tail}\n"
        )
        self.tree.write("sys/block/sda/stat", f"{half} {half} {tail}\n")
        self.tree.write("sys/block/sda/inflight", f"{self.stuck} 0\n")
