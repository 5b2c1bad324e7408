"""Real processes on this machine: weird names, zombies, short lives, other owners."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import COLLECTORS
from exporter.collectors.processes import Processes
from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.sources.host import LINUX, Host
from exporter.sources.linux_processes import LinuxProcesses
from tests.support import Exporter

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not LINUX, reason="prctl and /proc are Linux's")

# The child sets the name on its own main thread, as a program that renames itself does. It then works a little
# all the time, so that it is among the first by CPU.
RENAMED = """
import ctypes, sys, time
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]), 0, 0, 0)
print(flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    start = time.monotonic()
    while time.monotonic() - start < 0.01: pass
    time.sleep(0.04)
"""
NAMES = {
    b"with some space": "with some space",
    b"br) R 1 (ack": "br) R 1 (ack",
    b"new\nline": "new?line",
    b"\xff\xfe bad": "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} bad",
    b'quo"te\\{a="b"}': 'quo"te\\{a="b"}',
    b"tab\there\x1b[31m": "tab?here?[31m",
    # With this name, the status file has a second "Uid:" line.
    b"x\rUid:\t9\t9\t9\t9": "x?Uid:?9?9?9?9",
}


@contextmanager
def renamed(*names: bytes) -> Iterator[list[int]]:
    """Run a process under each name; yield the PIDs once all names are set."""
    children = [subprocess.Popen([sys.executable, "-c", RENAMED, name.hex()], stdout=subprocess.PIPE) for name in names]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == b"\n"
        yield [child.pid for child in children]
    finally:
        for child in children:
            child.kill()
            child.communicate()


def sampler() -> Sampler:
    """Return a sampler of nothing but this machine's processes."""
    return Sampler(open_machine(Settings()), [each for each in COLLECTORS if each.name == "processes"])


def test_weird_names_become_label_values_that_a_parser_can_read() -> None:
    with renamed(*NAMES), Exporter("--top", "50") as exporter:
        samples = exporter.samples()
        for kind in ("cpu_cores", "memory_bytes", "instances"):
            assert set(NAMES.values()) <= samples.labels(f"host_top_process_{kind}", "name")
        openmetrics = exporter.get(headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        assert openmetrics.text.endswith("# EOF\n")
    assert "Traceback" not in exporter.log


def test_a_name_cannot_make_a_process_look_like_another_users() -> None:
    import pwd  # not on Windows, which must still be able to collect this file

    with renamed(*NAMES) as pids:
        source = LinuxProcesses(Host())
        found = source.scan()
        mine = pwd.getpwuid(os.getuid()).pw_name
        assert {source.user(found[pid]) for pid in pids} == {mine}


def test_a_process_without_a_name_is_named_after_its_program() -> None:
    """For Prometheus an empty label is no label: the series would have no name at all."""
    with renamed(b"") as [pid]:
        assert LinuxProcesses(Host()).scan()[pid].name


def test_a_zombie_is_counted_and_is_not_a_failure() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has waited for it
        snapshot = sampler().sample()
        assert not snapshot.failures()
        section = snapshot.section(Processes)
        assert section is not None
        assert section.states["zombie"] >= 1
        assert section.scanned[child.pid].state == "zombie"
        assert section.scanned[child.pid].memory_bytes == 0
    finally:
        child.wait()


def test_processes_that_die_during_the_scan_are_not_a_failure() -> None:
    taker = sampler()
    taker.sample()  # the first one waits for its rates; from now on each sample is one scan
    short: set[int] = set()
    before: set[int] = set()
    shell = subprocess.Popen(["/bin/sh", "-c", "while :; do /bin/true & /bin/true & /bin/true & wait; done"])
    try:
        deadline, scans = time.monotonic() + 20, 0
        # Not before hundreds of processes have come and gone between and within the scans.
        while (len(short) < 100 or scans < 100) and time.monotonic() < deadline:
            snapshot = taker.sample(max_age=0)
            assert not snapshot.failures(), snapshot.failures()[0].error
            section = snapshot.section(Processes)
            assert section is not None
            short |= before - set(section.scanned)
            before, scans = set(section.scanned), scans + 1
    finally:
        shell.kill()
        shell.wait()
    assert len(short) > 20, "the scans met none of the short processes"


def test_a_process_that_ended_is_gone_from_the_next_sample() -> None:
    taker = sampler()
    with renamed(b"short life") as [pid]:
        section = taker.sample().section(Processes)
        assert section is not None
        assert section.scanned[pid].name == "short life"
    section = taker.sample(max_age=0).section(Processes)
    assert section is not None
    assert pid not in section.scanned
