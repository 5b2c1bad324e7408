"""A mount that hangs: a real FUSE filesystem that never reports its usage."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.faults.support import Enclosed, Scrape, ms, needs_linux, status, tell
from tests.support import wait_for
from tests.support_servers import missing

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_linux
LIMIT = 2.0
"""Seconds that a filesystem may take (--filesystem-timeout)."""
SOON = 1.0
"""Seconds. A scrape takes about 5 ms, longer on a busy machine."""


@contextmanager
def silence(exporter: Enclosed, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Mount the hanging filesystem in the exporter's namespace."""
    if not os.path.exists("/dev/fuse"):
        missing("this kernel has no /dev/fuse")
    server = exporter.run_inside(sys.executable, "-m", "tests.faults.silent_mount", str(folder))
    try:
        assert server.stdout
        assert server.stdout.readline() == "mounted\n"
        yield server
    finally:
        server.kill()
        server.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "silent"
    path.mkdir()
    return path


def others(scrape: Scrape, folder: Path) -> dict[str, float]:
    """Return the sizes of all other filesystems."""
    return {
        sample.labels["mountpoint"]: sample.value
        for sample in scrape.samples.samples
        if sample.name == "host_filesystem_size_bytes" and sample.labels["mountpoint"] != str(folder)
    }


def error(scrape: Scrape, folder: Path) -> float | None:
    return scrape.value("host_filesystem_error", mountpoint=str(folder))


def test_it_costs_two_seconds_once_and_nothing_but_itself(folder: Path) -> None:
    with Enclosed("--max-age", "0") as exporter:
        before = Scrape.of(exporter)
        threads = status(exporter.pid, "Threads")
        with silence(exporter, folder):
            first = Scrape.of(exporter, timeout=10)
            later = [Scrape.of(exporter, timeout=10) for _ in range(20)]
            held = status(exporter.pid, "Threads") - threads
        for scrape in (first, *later):
            assert error(scrape, folder) == 1
            assert scrape.value("host_filesystem_size_bytes", mountpoint=str(folder)) is None
            assert others(scrape, folder) == others(before, folder) != {}
            assert scrape.failing() == set()
        slowest = max(scrape.seconds for scrape in later)
        tell(
            "mount that hangs",
            first_scrape=ms(first.seconds),
            next_20_at_most=ms(slowest),
            threads_kept=held,
            lost="the figures of that mount",
        )
        assert LIMIT <= first.seconds < LIMIT + SOON
        assert slowest < SOON
        assert held == 1
        # Its server has exited, which aborts the connection and frees the thread.
        wait_for(lambda: Scrape.of(exporter).value("host_filesystem_error", mountpoint="/") == 0)
        wait_for(lambda: status(exporter.pid, "Threads") <= threads)
        exporter.call_inside("umount", str(folder))
        assert error(Scrape.of(exporter), folder) is None
        assert exporter.stop() == 0
        assert "Traceback" not in exporter.log


def test_it_is_shown_again_once_it_answers(folder: Path) -> None:
    with Enclosed("--max-age", "0") as exporter, silence(exporter, folder) as server:
        assert error(Scrape.of(exporter), folder) == 1
        assert server.stdin
        server.stdin.write("answer\n")
        server.stdin.flush()
        wait_for(lambda: error(Scrape.of(exporter), folder) == 0)
        assert Scrape.of(exporter).value("host_filesystem_usage_ratio", mountpoint=str(folder)) == 0.75


@pytest.mark.parametrize("timeout", [1.0, 1.5])
def test_a_scraper_that_waits_for_less_than_two_seconds_is_answered_in_time(folder: Path, timeout: float) -> None:
    with Enclosed("--max-age", "0") as exporter, silence(exporter, folder):
        scrape = Scrape.of(exporter, timeout=timeout)
        tell(f"mount that hangs, scrape timeout {timeout:g} s", answered_in=ms(scrape.seconds))
        assert scrape.seconds < timeout
        assert scrape.failing() == {"filesystem"}
        assert scrape.value("host_memory_total_bytes")
        wait_for(lambda: Scrape.of(exporter, timeout=timeout).failing() == set())
        assert error(Scrape.of(exporter, timeout=timeout), folder) == 1
