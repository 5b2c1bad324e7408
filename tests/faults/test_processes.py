"""Processes that cause trouble: many short-lived ones, one with a reused PID, and those that /proc hides."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.support import Enclosed, Scrape, ms, needs_linux, needs_program, tell
from tests.support import Exporter, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_linux

BUSY = """
import time
print("busy", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    pass
"""
WAITING = """
import time
print("waiting", flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def short_lived_processes(a_minute: int) -> Iterator[list[int]]:
    """Start and reap processes that exit at once, at a steady rate; the list gets their PIDs."""
    stop, started = threading.Event(), []

    def start_on() -> None:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            due += 60 / a_minute
            pid = os.posix_spawn("/bin/true", ["true"], {})
            os.waitpid(pid, 0)
            started.append(pid)

    thread = threading.Thread(target=start_on)
    thread.start()
    try:
        yield started
    finally:
        stop.set()
        thread.join()


@pytest.mark.load
def test_five_thousand_short_lived_processes_a_minute_cost_no_scrape() -> None:
    seconds = 20.0
    with Exporter("--max-age", "0") as exporter:
        begin = time.monotonic()
        scrapes = []
        with short_lived_processes(a_minute=5000) as started:
            while time.monotonic() - begin < seconds:
                scrapes.append(Scrape.of(exporter, timeout=10))
                time.sleep(0.05)
        rate = len(started) / (time.monotonic() - begin) * 60
        times = sorted(scrape.seconds for scrape in scrapes)
        failed = [scrape for scrape in scrapes if scrape.failing() or scrape.errors("processes")]
        tell(
            "short-lived processes",
            a_minute=f"{rate:,.0f}",
            scrapes=len(scrapes),
            failed=len(failed),
            median=ms(times[len(times) // 2]),
            slowest=ms(times[-1]),
        )
        assert rate > 4500, "the rate was reached"
        assert failed == []
        assert all(scrape.value("host_processes", state="running") is not None for scrape in scrapes)
        assert exporter.stop() == 0
    assert "Traceback" not in exporter.log
    assert "failed" not in exporter.log


class _Reused:
    """Programs in the exporter's namespaces that get a chosen PID."""

    def __init__(self, exporter: Enclosed, folder: Path) -> None:
        self._exporter = exporter
        self._folder = folder

    @contextlib.contextmanager
    def program(self, name: str, text: str, pid: int) -> Iterator[None]:
        path = self._folder / name
        path.write_text(text)
        # The process that nsenter forks gets the next PID.
        process = self._exporter.run_inside(
            "sh", "-c", f'echo {pid - 1} > /proc/sys/kernel/ns_last_pid; "$0" "$1" & echo $!; wait', sys.executable,
            str(path),
        )  # fmt: skip
        try:
            assert process.stdout
            lines = {process.stdout.readline().strip(), process.stdout.readline().strip()}
            assert str(pid) in lines, f"the kernel gave another PID: {lines}"
            yield
        finally:
            self._exporter.call_inside("sh", "-c", f"kill -9 {pid}; true")
            process.communicate(timeout=20)


def cores(scrape: Scrape, name: str) -> float | None:
    return scrape.value("host_top_process_cpu_cores", name=f"{os.path.basename(sys.executable)} {name}")


def test_a_pid_that_is_used_again_brings_neither_name_nor_cpu_time_along(tmp_path: Path) -> None:
    pid = 30_000
    with Enclosed("--max-age", "0", "--top", "50") as exporter:
        reused = _Reused(exporter, tmp_path)
        with reused.program("old.py", BUSY, pid):
            # More than the 2 s after which a name is final.
            wait_for(lambda: (cores(Scrape.of(exporter), "old.py") or 0) > 0.2)
            time.sleep(3)
            before = cores(Scrape.of(exporter), "old.py")
        with reused.program("new.py", WAITING, pid):
            time.sleep(0.6)
            scrape = Scrape.of(exporter)
        tell("PID reuse", cores_of_the_old=f"{before:.2f}", cores_of_the_new=f"{cores(scrape, 'new.py'):.2f}")
        assert cores(scrape, "old.py") is None
        new = cores(scrape, "new.py")
        assert new is not None
        assert 0 <= new < 0.2, "its own CPU time, nothing of what the old one used"


def test_with_hidepid_it_shows_its_own_processes_and_fails_in_nothing() -> None:
    """As in Debian hardening guides: users other than root see only their own processes, not even process 1."""
    nobody = 65534
    # The one capability is for the tests' Python, whose folder may be unreadable to nobody; it opens nothing in /proc.
    drop = (
        f"{needs_program('setpriv', 'util-linux')} --reuid={nobody} --regid={nobody} --clear-groups "
        "--inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    )
    with Enclosed(setup="mount -o remount,hidepid=2 /proc", prefix=drop) as exporter:
        with exporter.run_inside("sleep", "60") as other:
            try:
                scrape = Scrape.of(exporter)
                seen = exporter.get("/api/stats").text
                assert other.poll() is None
            finally:
                other.kill()
        processes = sum(s.value for s in scrape.samples.samples if s.name == "host_processes")
        tell("hidepid=2", processes_seen=int(processes), failed=len(scrape.failing()), scrape=ms(scrape.seconds))
        assert scrape.failing() == set()
        assert processes == 1, "itself"
        assert '"name": "sleep"' not in seen
        for name in ("host_memory_total_bytes", "host_uptime_seconds", "host_load1"):
            assert scrape.value(name) is not None
        assert scrape.samples.labels("host_filesystem_size_bytes", "mountpoint") >= {"/"}
        assert "lo" not in scrape.samples.labels("host_network_up", "interface")
        assert exporter.stop() == 0
        assert "Traceback" not in exporter.log
