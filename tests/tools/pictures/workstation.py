"""The machine in the pictures: a workstation on which a training run has just started.

Files that never change are in ``tests/fixtures/workstation``; counters are written here, sample by sample.
"""

from __future__ import annotations

import math
import random
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

from exporter.sampling import passes
from exporter.sampling.history import History
from tests.machines import FixtureMachine

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from exporter.model import Snapshot

STEP = 5.0
"""Seconds between two samples."""
SAMPLES = 61
CPUS = 8
TICKS = 100
PAGE = 4096
MIB = 2**20
END = datetime(2026, 3, 14, 20, 17, 42, tzinfo=UTC).timestamp()
UP = 13 * 86400 + 5 * 3600.0
"""Seconds since boot when the five minutes begin."""
TRANSCODING = (65, 130)
"""Seconds into the five minutes between which Jellyfin transcodes a film."""
TRAINING = 195
"""Seconds into the five minutes at which train.py starts its work."""
UNEVEN = (0.025, -0.01, 0.01, -0.09, 0.03, 0.015, -0.005, 0.025)
"""How much busier than the average each CPU is."""


class Program(NamedTuple):
    """A process: name in stat, user, command line, memory in MiB, threads, and how many cores it keeps busy."""

    comm: str
    uid: int
    command: str
    memory: int
    threads: int
    cores: float


PROGRAMS = {
    1: Program("systemd", 0, "/sbin/init", 14, 1, 0.004),
    612: Program("dockerd", 0, "/usr/sbin/dockerd -H fd://", 92, 22, 0.01),
    688: Program("sshd", 0, "/usr/sbin/sshd -D", 8, 1, 0),
    701: Program("NetworkManager", 0, "/usr/sbin/NetworkManager --no-daemon", 21, 4, 0),
    893: Program("postgres", 112, "/usr/lib/postgresql/17/bin/postgres", 1228, 1, 0.04),
    904: Program("jellyfin", 113, "/usr/bin/jellyfin", 868, 31, 0.31),
    1022: Program("python3", 114, "/usr/bin/python3 -m homeassistant", 431, 26, 0.03),
    1187: Program("syncthing", 1000, "/usr/bin/syncthing serve", 96, 18, 0.13),
    2214: Program("gnome-shell", 1000, "/usr/bin/gnome-shell", 318, 14, 0.2),
    2391: Program("pipewire", 1000, "/usr/bin/pipewire", 17, 3, 0.01),
    3817: Program("firefox", 1000, "/usr/lib/firefox/firefox", 1946, 88, 0.42),
    48112: Program("python3", 1000, "/usr/bin/python3 train.py", 6260, 24, 5.85),
}
TRAINER = 48112
FIREFOX, PLAYER = 3817, 904
KERNEL_THREADS = range(2, 190)

TRAFFIC = {"lo": (9e3, 9e3), "enp4s0": (4.9e6, 6.4e5), "wg0": (4.3e4, 1.9e5)}
"""Bytes per second that each interface receives and transmits."""
DISKS = {"nvme0n1": (7.1e7, 3.3e6, 0.2), "sda": (2.5e6, 9.4e4, 6.0)}
"""Bytes per second read from and written to each disk, and milliseconds that a read takes."""
REQUEST = 128 * 1024
"""Bytes of a request."""


class Workstation(FixtureMachine):
    """Replays its five minutes at once; ``history`` feeds the page's sparklines."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__("workstation", folder, patch)
        self.history = History()
        self._written: dict[str, str | bytes] = {}
        self._begun = self.now
        self._chance = random.Random(7)
        self._spent = dict.fromkeys(PROGRAMS, 500.0)
        self._busy = [0.0] * CPUS
        self._load = [1.1, 1.0, 0.9]
        wall = END - STEP * SAMPLES - self.now
        patch.setattr(passes, "time", SimpleNamespace(**{**vars(time), "time": lambda: wall + self.now}))
        for pid in KERNEL_THREADS:
            self._write_process(pid, Program(f"kworker/{pid % CPUS}:1", 0, "", 0, 1, 0), "I", 0)
        self._write(0, 0)
        self.prime()

    def live(self, samples: int = SAMPLES) -> Snapshot:
        """Take this many samples; return the last."""
        for _ in range(samples):
            self._write(self.now - self._begun + STEP, STEP)
            snapshot = self.sample(STEP)
            self.history.add(snapshot)
        return snapshot

    def write(self, path: str, content: str | bytes) -> None:
        """Write one of its files if it has changed: on some disks each write takes a millisecond."""
        if self._written.get(path) != content:
            super().write(path, content)
            self._written[path] = content

    def _write(self, at: float, seconds: float) -> None:
        """Write every counter as of ``at``, which is ``seconds`` after the previous call."""
        cores = {pid: self._cores(pid, program, at) for pid, program in PROGRAMS.items()}
        total = sum(cores.values())
        for pid, program in PROGRAMS.items():
            self._spent[pid] += cores[pid] * seconds
            growth = _ramp(at, TRAINING, 70) if pid == TRAINER else 1.0
            state = "R" if cores[pid] > 0.3 else "S"
            self._write_process(pid, program._replace(memory=int(program.memory * growth)), state, self._spent[pid])
        for cpu, more in enumerate(UNEVEN):
            self._busy[cpu] += total / CPUS * (1 + more) * seconds
        for place, minutes in enumerate((1, 5, 15)):
            self._load[place] += (total - self._load[place]) * (1 - math.exp(-seconds / 60 / minutes))
        self._write_machine(at, total)

    def _cores(self, pid: int, program: Program, at: float) -> float:
        if pid == TRAINER:
            return program.cores * _ramp(at, TRAINING, 12) * self._chance.uniform(0.97, 1.03)
        if pid == PLAYER and TRANSCODING[0] < at < TRANSCODING[1]:
            return self._chance.uniform(1.5, 2.1)
        return program.cores * self._chance.uniform(0.4, 2.2 if pid == FIREFOX and at < TRAINING else 1.1)

    def _write_process(self, pid: int, program: Program, state: str, cpu: float) -> None:
        flags = 0x00200000 if pid in KERNEL_THREADS else 0x00400000
        ticks, pages = int(cpu * TICKS), program.memory * MIB // PAGE
        self.write(
            f"proc/{pid}/stat",
            f"{pid} ({program.comm}) {state} 1 {pid} {pid} 0 -1 {flags} 0 0 0 0 {ticks} 0 0 0 20 0 {program.threads} 0 "
            f"{pid * 10} {4 * pages * PAGE} {pages} 18446744073709551615\n",
        )
        self.write(f"proc/{pid}/cmdline", "".join(f"{word}\0" for word in program.command.split()))
        self.write(f"proc/{pid}/status", f"Name:\t{program.comm}\nUid:{4 * f' {program.uid}'}\n")

    def _write_machine(self, at: float, running: float) -> None:
        up = UP + at
        rows = [(int(busy * TICKS), int((up - busy) * TICKS)) for busy in self._busy]
        lines = [("cpu", *(sum(column) for column in zip(*rows, strict=True)))]
        lines += [(f"cpu{number}", *row) for number, row in enumerate(rows)]
        text = "".join(f"{name} {busy} 0 0 {idle} 0 0 0 0 0 0\n" for name, busy, idle in lines)
        self.write("proc/stat", f"{text}ctxt 1\nbtime {int(END - STEP * SAMPLES - UP)}\nprocesses 1\n")
        self.write("proc/uptime", f"{up:.2f} {up * CPUS:.2f}\n")
        load = " ".join(f"{each:.2f}" for each in self._load)
        self.write("proc/loadavg", f"{load} {round(running)}/900 48112\n")
        self._write_memory(at)
        traffic = "".join(
            f"{name}: {int(received * up)} {int(up * 9)} 0 0 0 0 0 0 {int(sent * up)} {int(up * 5)} 0 0 0 0 0 0\n"
            for name, (received, sent) in TRAFFIC.items()
        )
        self.write("proc/1/net/dev", traffic)
        self.write("proc/diskstats", "".join(_disk(name, up) for name in DISKS))

    def _write_memory(self, at: float) -> None:
        total, swap = 32_680_000, 8_388_604
        used = 7_200_000 + int(PROGRAMS[TRAINER].memory * 1024 * _ramp(at, TRAINING, 70))
        used += int(self._chance.uniform(0, 200_000))
        figures = {
            "MemTotal": total,
            "MemFree": (total - used) // 3,
            "MemAvailable": total - used,
            "Buffers": 310_000,
            "Cached": (total - used) // 2,
            "Active": used,
            "Inactive": (total - used) // 3,
            "Shmem": 180_000,
            "SwapTotal": swap,
            "SwapFree": swap - 612_000,
            "Slab": 640_000,
        }
        self.write("proc/meminfo", "".join(f"{name}: {kib} kB\n" for name, kib in figures.items()))


def _disk(name: str, up: float) -> str:
    """Return a disk's line of diskstats, ``up`` seconds after the boot."""
    read, written, wait = DISKS[name]
    reads, writes = int(read * up / REQUEST), int(written * up / REQUEST)
    times = int(reads * wait), int(2 * writes * wait), int(reads * wait / 2), int((reads + 2 * writes) * wait)
    return (
        f"8 0 {name} {reads} 0 {int(read * up / 512)} {times[0]} {writes} 0 {int(written * up / 512)} {times[1]} 0 "
        f"{times[2]} {times[3]}\n"
    )


def _ramp(at: float, begin: float, seconds: float) -> float:
    """Return the progress (0-1) at a time of something that starts at ``begin`` and takes ``seconds``."""
    return min(1.0, max(0.0, (at - begin) / seconds))
