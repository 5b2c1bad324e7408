"""The machine the benchmark runs on: CPU time and memory of a process from /proc, and a crowd of processes."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

TICK = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01

# Every process of the crowd blocks on a pipe whose other end only the benchmark holds: however the benchmark ends, the
# crowd exits with it.
CROWD = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
made = []
try:
    for _ in range(int(sys.argv[1])):
        pid = os.fork()
        if pid == 0:
            os.read(0, 1)
            os._exit(0)
        made.append(pid)
except OSError as reason:
    print(f"no more processes: {reason}", file=sys.stderr)
print(len(made), flush=True)
os.read(0, 1)
for pid in made:
    os.waitpid(pid, 0)
"""


class Crowd:
    """Extra sleeping processes on the machine; all are gone when it is closed."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> Self:
        self._parent = subprocess.Popen(
            [sys.executable, "-S", "-c", CROWD, str(self._count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._parent.stdout is not None
        self._parent.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self._parent.communicate()  # closes the pipe they block on, and waits for the parent


def process_count() -> int:
    return sum(name.isdigit() for name in os.listdir("/proc"))


def cpu_seconds(pid: int) -> float:
    """Return a process's user and system time since its start, in steps of one clock tick (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def fine_cpu_seconds(pid: int) -> float:
    """Return the same with nanosecond resolution, from the scheduler; nan if the kernel does not provide it.

    Only correct while no thread of the process exits, so use it for an idle one.
    """
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        return math.nan


def rss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no VmRSS")


def describe() -> str:
    """Describe cores, CPU, memory and kernel in one line."""
    cpu = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = os.getloadavg()[0]
    # Major and minor version only: the rest may identify the machine.
    kernel = ".".join(platform.release().split(".")[:2])
    return (
        f"{os.cpu_count()} cores, {cpu}, {memory:.1f} GiB, {platform.system()} {kernel}, "
        f"Python {platform.python_version()}; load {load:.2f} before, {time.strftime('%Y-%m-%d %H:%M')}"
    )
