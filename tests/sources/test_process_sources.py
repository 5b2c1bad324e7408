"""The two sources of processes, compared with each other and with ps on this machine."""

from __future__ import annotations

import mmap
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from exporter.sources.host import LINUX, Host
from exporter.sources.linux_processes import LinuxProcesses, parse_stat
from exporter.sources.psutil_processes import PsutilProcesses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.sources.processes import ProcessSample

pytestmark = pytest.mark.skipif(not LINUX, reason="reads /proc")

TICK = 0.0101
"""Seconds: /proc counts CPU time in steps of 10 ms."""

CPUS = os.cpu_count() or 1
RSS_ROOM = 3 * CPUS * max(32, 2 * CPUS) * mmap.PAGESIZE + 2**20
"""Bytes by which the kernel's two files may differ: each CPU batches some of its page accounting."""

KERNEL_THREAD = 0x00200000


@pytest.mark.parametrize("name", [b"x", b"", b"a b", b") S 1 (", b"new\nline", b"\xff\xfe", b"((((", b"))))"])
def test_a_stat_line_is_parsed_whatever_the_name_contains(name: bytes) -> None:
    fields = b"R 1 2 3 4 5 2097152 7 8 9 10 250 50 13 14 15 16 17 18 19 20 21 22 23"
    stat = parse_stat(b"4711 (" + name + b") " + fields + b"\n")
    assert (stat.pid, stat.comm, stat.state, stat.flags) == (4711, name, b"R", KERNEL_THREAD)
    assert (stat.cpu_ticks, stat.threads, stat.start_ticks, stat.rss_pages) == (300, 17, 19, 21)


@pytest.mark.parametrize("line", [b"", b"1", b"1 (x", b"1 (x)", b"1 (x) R 1 2 3", b"x (x) R" + b" 1" * 30])
def test_a_truncated_stat_line_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_stat(line)


def agree(differences: Callable[[], list[str]]) -> None:
    """Compare several times, since the machine keeps running: only a real difference shows up every time.

    It is the same one when process and property are, the first two words; figures change.
    """
    found = {" ".join(text.split()[:2]): text for text in differences()}
    for _ in range(7):
        if not found:
            return
        time.sleep(0.05)
        now = {" ".join(text.split()[:2]) for text in differences()}
        found = {key: text for key, text in found.items() if key in now}
    assert not found


def plain(name: str) -> str:
    """Return a name without bytes that are not UTF-8, which each source replaces in its own way."""
    return re.sub(r"[^ -~]", "?", name)


def test_linux_and_psutil_agree_on_this_machine() -> None:
    linux, other = LinuxProcesses(Host()), PsutilProcesses()

    def differences() -> list[str]:
        first, second, third = linux.scan(), other.scan(), linux.scan()
        lasting = [pid for pid in first if pid in third and first[pid].started == third[pid].started]
        found = [f"{pid} is missing in psutil" for pid in lasting if pid not in second]
        found += [f"{pid} is missing in /proc" for pid in second if pid not in first and pid not in third]
        for pid in set(lasting) & set(second):
            found += [f"{pid}: {text}" for text in _unequal(first[pid], second[pid], third[pid])]
        return found

    agree(differences)


def _unequal(first: ProcessSample, other: ProcessSample, third: ProcessSample) -> Iterator[str]:
    if not first.cpu_seconds - TICK <= other.cpu_seconds <= third.cpu_seconds + TICK:
        yield f"cpu_seconds {first.cpu_seconds} {other.cpu_seconds} {third.cpu_seconds}"
    low, high = sorted((first.memory_bytes, third.memory_bytes))
    if not low - RSS_ROOM <= other.memory_bytes <= high + RSS_ROOM:
        yield f"memory_bytes {low} {other.memory_bytes} {high}"
    # Kernel threads have no memory; the Linux source leaves out the part of their names that keeps changing.
    theirs = other.name.partition("/")[0] if not other.memory_bytes else other.name
    if first.name == third.name and plain(theirs) != plain(third.name):
        yield f"name {theirs!r} {third.name!r}"
    if first.threads == third.threads != other.threads:
        yield f"threads {third.threads} {other.threads}"
    if first.state == third.state != other.state:
        yield f"state {third.state} {other.state}"


@pytest.fixture
def children() -> Iterator[dict[str, int]]:
    """Processes in states that last: {state: PID}."""
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    sleeping, stopped = subprocess.Popen(program), subprocess.Popen(program)
    zombie = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    stopped.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        yield {"sleeping": sleeping.pid, "stopped": stopped.pid, "zombie": zombie.pid}
    finally:
        for child in (sleeping, stopped, zombie):
            child.kill()
            child.wait()


@pytest.mark.parametrize("source", [lambda: LinuxProcesses(Host()), PsutilProcesses], ids=["linux", "psutil"])
def test_states_have_the_same_words_in_both(
    source: Callable[[], LinuxProcesses | PsutilProcesses], children: dict[str, int]
) -> None:
    reader = source()

    def differences() -> list[str]:
        found = reader.scan()
        return [f"{state}: state {found[pid].state}" for state, pid in children.items() if found[pid].state != state]

    agree(differences)


def test_users_agree(children: dict[str, int]) -> None:
    linux, other = LinuxProcesses(Host()), PsutilProcesses()
    found, theirs = linux.scan(), other.scan()
    for pid in (*children.values(), 1):
        assert linux.user(found[pid]) == other.user(theirs[pid])


def test_linux_agrees_with_ps() -> None:
    linux = LinuxProcesses(Host())

    def differences() -> list[str]:
        first = linux.scan()
        command = ["ps", "-e", "-o", "pid=,rss=,nlwp=,cputimes="]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        third = linux.scan()
        said = {int(line.split()[0]): [int(field) for field in line.split()[1:]] for line in out.splitlines()}
        found = [f"{pid} is missing in ps" for pid in first if pid in third and pid not in said]
        for pid in first.keys() & third.keys() & said.keys():
            rss, threads, seconds = said[pid]
            low, high = sorted((first[pid].memory_bytes, third[pid].memory_bytes))
            if not low - RSS_ROOM <= rss * 1024 <= high + RSS_ROOM:
                found.append(f"{pid}: memory {low} {rss * 1024} {high}")
            if first[pid].threads == third[pid].threads != threads:
                found.append(f"{pid}: threads {third[pid].threads} {threads}")
            if not int(first[pid].cpu_seconds) <= seconds <= third[pid].cpu_seconds + TICK:
                found.append(f"{pid}: cpu {first[pid].cpu_seconds} {seconds} {third[pid].cpu_seconds}")
        return found

    agree(differences)
