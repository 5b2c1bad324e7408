"""The memory of a program with many processes: shared pages count once, and idle processes are not read again."""

from __future__ import annotations

import mmap
import os
import signal
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.sources.host import LINUX, Host
from exporter.sources.linux_processes import LinuxProcesses
from exporter.sources.process_memory import LinuxMemory, MemoryParts, MemoryTotals, UnknownMemory, parse_parts
from exporter.sources.processes import ProcessSample
from exporter.sources.program_memory import ProgramMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 2**20
UNKNOWN = MemoryTotals()


class Machine:
    """Processes with the memory that a test gives them; counts what is read."""

    def __init__(self, totals: MemoryTotals = UNKNOWN) -> None:
        self.found: dict[int, ProcessSample] = {}
        self.memory: dict[int, MemoryParts | None] = {}
        self.read: Counter[int] = Counter()
        self.sums = totals
        self.programs = ProgramMemory(self)

    def add(self, name: str, *parts: int, parent: int = 1, known: bool = True) -> int:
        """Add a process with so many MiB of anonymous, file and shared memory; return its PID."""
        pid = 100 + len(self.found)
        memory = MemoryParts(*(each * MIB for each in (*parts, 0, 0, 0)[:3]))
        self.memory[pid] = memory if known else None
        self.found[pid] = ProcessSample(pid, name, "sleeping", 0.0, sum(memory), 1, float(pid // 8), parent)
        return pid

    def parts(self, process: ProcessSample) -> MemoryParts | None:
        self.read[process.pid] += 1
        return self.memory[process.pid]

    def largest(self, most: int = 5, also: tuple[str, ...] = ()) -> dict[str, float]:
        """Return what the programs hold, in MiB."""
        programs: dict[str, list[ProcessSample]] = {}
        for process in self.found.values():
            programs.setdefault(process.name, []).append(process)
        resident = {name: sum(each.memory_bytes for each in group) for name, group in programs.items()}
        figures = self.programs.largest(programs, resident, most, also, self.sums)
        return {name: held / MIB for name, held in figures.items()}


def test_a_single_process_holds_its_resident_set() -> None:
    machine = Machine()
    machine.add("mysqld", 900, 60, 40)
    assert machine.largest() == {"mysqld": 1000}


def test_code_that_all_processes_run_counts_once() -> None:
    machine = Machine()
    for _ in range(60):
        machine.add("chromium", 30, 120)
    assert machine.largest() == {"chromium": 60 * 30 + 120}


def test_memory_that_a_family_shares_counts_once() -> None:
    machine = Machine()
    for _ in range(2):  # two clusters, each with its own buffers
        server = machine.add("postgres", 4, 10, 500)
        backend = machine.add("postgres", 6, 10, 480, parent=server)
        machine.add("postgres", 5, 9, 400, parent=backend)
    assert machine.largest() == {"postgres": 2 * (4 + 6 + 5 + 500) + 10}


def test_machines_with_shared_memory_of_their_own_are_added_up() -> None:
    """Guest memory is mapped as shared where the host's daemons write to it; the guests have none in common."""
    machine = Machine()
    for _ in range(10):
        machine.add("qemu", 50, 20, 4096)
    assert machine.largest() == {"qemu": 10 * (50 + 4096) + 20}


def test_no_more_is_shared_than_there_is_shared_memory() -> None:
    """The content processes of a browser are named otherwise than their parent: a family each."""
    machine = Machine(MemoryTotals(shared=64 * MIB))
    for _ in range(20):
        machine.add("Web Content", 80, 150, 30, parent=7)
    assert machine.largest() == {"Web Content": 20 * 80 + 150 + 64}


def test_a_fork_that_has_copied_nothing_yet_does_not_double_a_program() -> None:
    """A loader of training data with 16 forks, beside a database: 24 GiB of anonymous memory in all."""
    machine = Machine(MemoryTotals(anonymous=24 * 1024 * MIB))
    machine.add("mysqld", 3 * 1024)
    parent = machine.add("python3 train.py", 20 * 1024)
    for _ in range(16):
        machine.add("python3 train.py", 20 * 1024, parent=parent)
    assert machine.largest() == {"mysqld": 3 * 1024, "python3 train.py": 21 * 1024}


def test_a_program_holds_at_least_what_its_largest_process_does() -> None:
    """/proc/meminfo is of another moment, and not of the same machine in some containers."""
    machine = Machine(MemoryTotals(anonymous=10 * MIB, shared=0))
    parent = machine.add("worker", 200, 0, 30)
    machine.add("worker", 200, 0, 30, parent=parent)
    assert machine.largest() == {"worker": 230}


def test_memory_of_unknown_kind_counts_as_a_process_s_own() -> None:
    machine = Machine()
    machine.add("python", 100, 50, known=False)
    machine.add("python", 100, 50)
    machine.add("kthreadd")
    assert machine.largest() == {"python": 150 + 100 + 50, "kthreadd": 0}
    assert machine.read[102] == 0  # it has none


def test_the_order_is_that_of_the_figures_and_not_of_the_resident_sets() -> None:
    machine = Machine()
    for _ in range(50):
        machine.add("apache2", 1, 30)  # 1,550 MiB of RSS, 80 without repeats
    for name, size in (("java", 900), ("node", 700), ("sshd", 5)):
        machine.add(name, size)
    figures = machine.largest(most=2)
    assert sorted(figures, key=figures.__getitem__, reverse=True)[:2] == ["java", "node"]
    assert "sshd" not in figures  # its resident set rules it out
    assert figures["apache2"] == 80


def test_the_busiest_have_a_figure_however_small() -> None:
    machine = Machine()
    machine.add("java", 900)
    machine.add("sh", 1, 2)
    machine.add("sh", 1, 2)
    assert machine.largest(most=1, also=("sh",)) == {"java": 900, "sh": 4}


def test_only_processes_that_have_changed_are_read_again() -> None:
    machine = Machine()
    pids = [machine.add("php-fpm", 10, 20) for _ in range(100)]
    for _ in range(3):
        assert machine.largest() == {"php-fpm": 1020}
    assert set(machine.read.values()) == {1}
    machine.memory[pids[7]] = MemoryParts(50 * MIB, 20 * MIB, 0)
    machine.found[pids[7]] = machine.found[pids[7]]._replace(memory_bytes=70 * MIB)
    assert machine.largest() == {"php-fpm": 1060}
    assert machine.read[pids[7]] == 2
    assert machine.read.total() == 101


def test_nothing_is_kept_of_programs_that_have_gone() -> None:
    machine = Machine()
    machine.add("first", 10)
    machine.largest()
    machine.found.clear()
    machine.add("second", 10)
    assert machine.largest() == {"second": 10}
    assert list(machine.programs._known) == ["second"]


STATUS = (
    b"Name:\tx\nGroups:\t4 24\nVmRSS:\t 9 kB\nRssAnon:\t  4 kB\nRssFile:\t  3 kB\nRssShmem:\t  2 kB\nVmData:\t 1 kB\n"
)


def test_the_parts_of_a_status_file() -> None:
    assert parse_parts(STATUS) == MemoryParts(4096, 3072, 2048)


@pytest.mark.parametrize(
    "status",
    [
        b"",
        STATUS.replace(b"RssFile", b"VmFile"),  # none such: before Linux 4.5 there are no parts
        STATUS.replace(b"  3 kB", b" -3 kB"),
        STATUS.replace(b"  3 kB", b"  3e kB"),
        STATUS.replace(b"  3 kB", b"9" * 17 + b" kB"),
        STATUS[: STATUS.index(b"RssShmem")],
        b"RssAnon: 1 kB RssFile: 1 kB RssShmem: 1 kB",  # within a line: a name
    ],
)
def test_a_status_file_without_parts(status: bytes) -> None:
    assert parse_parts(status) is None


@contextmanager
def forked(count: int, own: Callable[[], object]) -> Iterator[list[int]]:
    """Fork children that have done ``own`` and then wait; yield our PID and theirs."""
    ready, told = os.pipe()
    children: list[int] = []
    try:
        for _ in range(count):
            pid = os.fork()
            if pid == 0:
                try:
                    own()
                    os.write(told, b"x")
                    signal.pause()
                finally:
                    os._exit(1)
            children.append(pid)
        assert all(os.read(ready, 1) for _ in children)
        yield [os.getpid(), *children]
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(ready)
        os.close(told)


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_a_real_program_is_between_its_exact_size_and_its_resident_sets() -> None:
    """A server with 64 MiB of shared buffers forks six workers with 8 MiB of their own; PSS is exact."""
    buffers = mmap.mmap(-1, 64 * MIB)
    buffers[:] = b"x" * len(buffers)
    kept: list[bytearray] = []

    def work() -> None:
        sum(buffers[::4096])  # maps each page
        kept.append(bytearray(b"y") * (8 * MIB))

    with buffers, forked(6, work) as pids:
        scanned = LinuxProcesses(Host()).scan()
        group = [scanned[pid]._replace(name="server") for pid in pids]
        resident = {"server": sum(process.memory_bytes for process in group)}
        figure = ProgramMemory(LinuxMemory(Host())).largest({"server": group}, resident, 1, ())["server"]
        shared_again = 6 * 64 * MIB
        assert figure < resident["server"] - shared_again
        assert figure >= 64 * MIB + 6 * 8 * MIB
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text().split() for pid in pids]
        exact = sum(int(words[words.index("Pss:") + 1]) * 1024 for words in rollups)
        # Other programs map some of our files too, so that PSS has only a share of those.
        assert exact * 0.95 < figure


def test_where_nothing_says_what_is_shared_the_resident_sets_are_added_up() -> None:
    group = [ProcessSample(pid, "Safari", "running", 0.0, 200 * MIB, 1, 0.0) for pid in (30, 31)]
    figures = ProgramMemory(UnknownMemory()).largest({"Safari": group}, {"Safari": 400 * MIB}, 5, ())
    assert figures == {"Safari": 400 * MIB}
