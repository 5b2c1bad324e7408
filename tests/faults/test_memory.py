"""Memory runs out: the exporter gets no more, or the kernel kills a process in its cgroup."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.support import Scrape, ms, needs_linux, needs_root, status, tell
from tests.machines import copy_fixture
from tests.support import Exporter, wait_for
from tests.support_servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_linux
MIB = 1 << 20


def crowd(root: Path, count: int) -> list[Path]:
    """Add processes to a fixture machine; return their folders."""
    folders = []
    line = (root / "proc/701/stat").read_text().partition(" ")[2]
    for pid in range(100_000, 100_000 + count):
        folder = root / f"proc/{pid}"
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} {line}")
        folders.append(folder)
    return folders


def test_a_collector_that_gets_no_memory_costs_its_own_section(tmp_path: Path) -> None:
    """A limit on its own memory (ulimit -d), then far more processes than fit into it."""
    import resource

    root = copy_fixture("laptop", tmp_path)
    with Exporter("--rootfs", str(root), "--max-age", "0") as exporter:
        pid = exporter.process.pid
        missing_before = Scrape.of(exporter).failing()
        usual = resource.prlimit(pid, resource.RLIMIT_DATA)
        folders = crowd(root, 20_000)
        resource.prlimit(pid, resource.RLIMIT_DATA, (status(pid, "VmData") * 1024, usual[1]))
        scrapes = [Scrape.of(exporter, timeout=10) for _ in range(10)]
        page = exporter.get("/")
        stats = exporter.get("/api/stats")
        for folder in folders:
            shutil.rmtree(folder)
        without = Scrape.of(exporter, timeout=10)
        resource.prlimit(pid, resource.RLIMIT_DATA, usual)
        after = Scrape.of(exporter)
        tell(
            "no memory for 20,000 processes",
            scrapes=len(scrapes),
            unanswered=0,
            without_processes=sum("processes" in scrape.failing() for scrape in scrapes),
            page=page.status,
            slowest=ms(max(scrape.seconds for scrape in scrapes)),
        )
        for answer, says in ((page, "The figures for processes are missing: MemoryError"), (stats, '"MemoryError"')):
            assert (answer.status, says in answer.text) in {(200, True), (503, False)}
        for scrape in scrapes:
            assert scrape.failing() - missing_before == {"processes"}
            assert scrape.value("host_memory_total_bytes")
        assert without.failing() == missing_before, "it needs no restart"
        assert after.failing() == missing_before
        assert exporter.stop() == 0
    assert "Traceback" not in exporter.log
    assert "collector processes failed: MemoryError\n" in exporter.log


HOG = """
import os, sys, time
exporter, victim = sys.argv[1:]
with open(f"/proc/{victim}/oom_score_adj", "w") as file:
    file.write("1000")
eaten = []
while os.path.exists(f"/proc/{exporter}/stat") and open(f"/proc/{exporter}/stat").read().rpartition(")")[2][1] != "Z":
    eaten.append(b"x" * (1 << 20))
    time.sleep(0.001)
"""


@contextlib.contextmanager
def memory_cgroup(limit: int) -> Iterator[Path]:
    """Make a cgroup (v1 or v2) with this memory limit."""
    from pathlib import Path

    needs_root("a cgroup")
    root = Path("/sys/fs/cgroup")
    one = (root / "memory/memory.limit_in_bytes").exists()
    if not one and "memory" not in _text(root / "cgroup.subtree_control"):
        missing("no cgroup controller of memory")
    group = (root / "memory" if one else root) / f"host-exporter-{os.getpid()}"
    group.mkdir()
    try:
        (group / ("memory.limit_in_bytes" if one else "memory.max")).write_text(str(limit))
        yield group
    finally:
        wait_for(lambda: not _text(group / "cgroup.procs"))
        group.rmdir()


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@contextlib.contextmanager
def hog(group: Path, exporter: Exporter, *, victim: str) -> Iterator[subprocess.Popen[bytes]]:
    """Use up all memory of the exporter's cgroup; the kernel is told which process to kill first (PID or "self")."""
    (group / "cgroup.procs").write_text(str(exporter.process.pid))
    enter = f'echo $$ > {group}/cgroup.procs; exec "$@"'
    command = [sys.executable, "-c", HOG, str(exporter.process.pid), victim]
    process = subprocess.Popen(["sh", "-c", enter, "sh", *command])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_it_answers_while_another_program_eats_the_memory_until_the_kernel_kills_that() -> None:
    with memory_cgroup(100 * MIB) as group, Exporter("--max-age", "0") as exporter:
        scrapes = []
        with hog(group, exporter, victim="self") as eater:
            while eater.poll() is None:
                scrapes.append(Scrape.of(exporter, timeout=10))
        assert eater.returncode == -signal.SIGKILL
        scrapes += [Scrape.of(exporter) for _ in range(5)]
        tell("memory of the cgroup eaten", scrapes=len(scrapes), slowest=ms(max(s.seconds for s in scrapes)), lost=0)
        assert all(scrape.failing() == set() for scrape in scrapes)
        assert exporter.stop() == 0
        assert "Traceback" not in exporter.log


GROWING = """
import sys
held = [b"x" * (1 << 20) for _ in range(50)]
print("holds 50 MiB", flush=True)
sys.stdin.readline()
while True:
    held.append(b"x" * (1 << 20))
"""


@contextlib.contextmanager
def growing(folder: Path, *enter: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program that holds 50 MiB, and takes all there is once it has read a line; ``enter`` runs before it."""
    script = folder / "grower.py"
    script.write_text(GROWING)
    command = [*enter, sys.executable, str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "holds 50 MiB\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_program_that_the_kernel_kills_is_counted_and_named_as_gone(tmp_path: Path) -> None:
    """In a cgroup with a limit, as a container's: the kernel counts that among the machine's."""
    with memory_cgroup(100 * MIB) as group, Exporter("--max-age", "0") as exporter:
        enter = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"]
        with growing(tmp_path, *enter) as grower:
            before = Scrape.of(exporter)
            assert grower.stdin
            begin = time.monotonic()
            grower.communicate("grow\n", timeout=30)
            seconds = time.monotonic() - begin
            assert grower.returncode == -signal.SIGKILL
        after = Scrape.of(exporter)
        stats = json.loads(exporter.get("/api/stats").text)
        [text] = [each["text"] for each in stats["findings"] if each["kind"] == "HostOomKill"]
        tell("killed at the limit of its cgroup", killed_after=ms(seconds), says=text)
        assert (after.value("host_oom_kills_total") or 0) > (before.value("host_oom_kills_total") or 0)
        assert re.match(r"The kernel killed \d+ process.* because memory ran out, just now; gone since: ", text)
        # Others may have ended in the same seconds, and three are named.
        [gone] = [each for each in stats["processes"]["gone"] if each["name"].endswith("grower.py")]
        assert gone["memory_bytes"] > 50 * MIB
        assert gone["running"] == 0


def test_the_next_victim_is_whom_its_owner_has_told_the_kernel_to_take_first(tmp_path: Path) -> None:
    with Exporter("--max-age", "0") as exporter, growing(tmp_path) as grower:
        with open(f"/proc/{grower.pid}/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
        [victim] = [each for each in Scrape.of(exporter).samples.samples if each.name.startswith("host_oom_next")]
        tell("the next victim", name=victim.labels["name"], would_free=f"{victim.value / MIB:.0f} MiB")
        assert victim.labels["name"].endswith("grower.py")
        assert status(grower.pid, "VmRSS") * 1024 == pytest.approx(victim.value, rel=0.1)


def test_killed_for_want_of_memory_it_comes_back_and_its_file_is_whole(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    export = ("--export-csv", str(rows), "--interval", "0.5")
    with memory_cgroup(100 * MIB) as group, Exporter(*export) as exporter:
        with hog(group, exporter, victim=str(exporter.process.pid)):
            exporter.process.wait(60)
        assert exporter.process.returncode == -signal.SIGKILL
    begin = time.monotonic()
    with Exporter(*export) as again:
        tell("killed for want of memory", serves_again_after=ms(time.monotonic() - begin))
        assert Scrape.of(again).failing() == set()
        written = rows.read_text().count("\n")
        wait_for(lambda: rows.read_text().count("\n") > written)
        assert again.stop() == 0
    columns = {line.count(",") for line in rows.read_text().splitlines()}
    assert len(columns) == 1 or pytest.fail(f"rows of {columns} commas")
