"""SIGTERM and Ctrl-C during a scrape: it is answered, and the exit code is 0."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from tests.faults.slow_files import FILES, Machine, watched
from tests.faults.support import Scrape, ms, needs_linux, tell

pytestmark = needs_linux


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_scrape_under_way_is_answered_whole_before_it_ends(machine: Machine, number: int) -> None:
    with watched(machine) as exporter:
        machine.hang(FILES["memory"])
        scrapes: list[Scrape] = []
        client = threading.Thread(target=lambda: scrapes.append(Scrape.of(exporter)))
        client.start()
        time.sleep(0.5)
        exporter.process.send_signal(number)
        time.sleep(0.3)
        begin = time.monotonic()
        machine.release()
        client.join()
        assert exporter.process.wait(10) == 0
        tell(f"{signal.Signals(number).name} during a scrape", answered_and_ended_in=ms(time.monotonic() - begin))
        [scrape] = scrapes
        assert "memory" not in scrape.failing()
        assert scrape.value("host_memory_total_bytes")


def test_a_signal_while_a_collector_hangs_for_ever_still_ends_it(machine: Machine) -> None:
    with watched(machine) as exporter:
        machine.hang(FILES["memory"])
        scrapes: list[Scrape] = []
        client = threading.Thread(target=lambda: scrapes.append(Scrape.of(exporter, timeout=3)))
        client.start()
        time.sleep(0.5)
        begin = time.monotonic()
        assert exporter.stop() == 0
        tell("SIGTERM while a collector hangs, scrape timeout 3 s", ended_in=ms(time.monotonic() - begin))
        client.join()
        assert [scrape.failing() - {"filesystem"} for scrape in scrapes] == [{"memory"}]
