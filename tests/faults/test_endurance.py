"""Ten thousand scrapes leave nothing behind: no thread, no open file, no memory."""

from __future__ import annotations

import http.client
import os
import time

import pytest

from tests.faults.support import Scrape, needs_linux, status, tell
from tests.support import Exporter

pytestmark = needs_linux

KEPT = 9000
NEW = 1000
GROWTH_KIB = 2048
"""A heap's pages are never used quite the same; 10,000 leaked snapshots would be 300 MiB."""


def files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def scrape_kept(exporter: Exporter, count: int) -> None:
    """Scrape over one connection, with a new sample each time."""
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
    for number in range(count):
        # Every tenth is compressed, which costs as much as the rest of the scrape.
        connection.request("GET", "/metrics", headers={} if number % 10 else {"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.read()
    connection.close()


@pytest.mark.timeout(300)
def test_ten_thousand_scrapes_leave_no_thread_no_file_and_no_memory_behind() -> None:
    with Exporter("--max-age", "0") as exporter:
        pid = exporter.process.pid
        scrape_kept(exporter, 500)  # until every thread has allocated its heap
        for _ in range(50):
            Scrape.of(exporter)
        time.sleep(0.2)
        before = (status(pid, "Threads"), files(pid))
        memory = status(pid, "VmRSS")
        begin = time.monotonic()
        scrape_kept(exporter, KEPT)
        for _ in range(NEW):
            assert Scrape.of(exporter).failing() == set()
        seconds = time.monotonic() - begin
        time.sleep(0.2)
        grown = status(pid, "VmRSS") - memory
        after = (status(pid, "Threads"), files(pid))
        tell(
            f"{KEPT + NEW:,} scrapes in {seconds:.0f} s",
            threads_before_and_after=f"{before[0]} {after[0]}",
            files_before_and_after=f"{before[1]} {after[1]}",
            RSS_grown=f"{grown} KiB of {memory // 1024} MiB",
        )
        assert after == before
        assert grown < GROWTH_KIB
