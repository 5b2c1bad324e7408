"""A collector that blocks, because opening a file of the machine's /proc or /sys hangs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.slow_files import FILES, Machine, watched
from tests.faults.support import TIMEOUT_HEADER, Scrape, ms, needs_linux, status, tell
from tests.support import wait_for

if TYPE_CHECKING:
    from tests.support import Answer

pytestmark = needs_linux


@pytest.mark.parametrize("collector", FILES)
def test_the_scrape_is_answered_in_time_with_all_the_others_and_says_what_is_missing(
    machine: Machine, collector: str
) -> None:
    with watched(machine) as exporter:
        well = Scrape.of(exporter)
        missing = {"filesystem"} & well.failing()  # not all mounts of a fixture exist
        machine.hang(FILES[collector])
        first = Scrape.of(exporter, timeout=2)
        tell(f"{collector} blocks, scrape timeout 2 s", answered_in=ms(first.seconds))
        assert 1 < first.seconds < 2
        assert first.failing() - missing == {collector}
        assert first.errors(collector) == 0, "it may still return"
        names = {name for name in first.samples.names() if name.startswith("host_")}
        assert names < well.samples.names()
        assert len(names) > len(well.samples.names()) / 2
        machine.release()
        wait_for(lambda: Scrape.of(exporter, timeout=2).failing() == missing)
        assert Scrape.of(exporter).errors(collector) == 0, "it was late, but did not fail"


def test_one_that_hangs_for_ever_costs_one_wait_and_one_thread_and_fails_in_each_sample(machine: Machine) -> None:
    with watched(machine) as exporter:
        Scrape.of(exporter)
        threads = status(exporter.process.pid, "Threads")
        machine.hang(FILES["temperature"])
        first = Scrape.of(exporter, timeout=10)  # Prometheus' default
        assert 8 < first.seconds < 10
        later = [Scrape.of(exporter, timeout=10) for _ in range(50)]
        held = status(exporter.process.pid, "Threads") - threads
        slowest = max(scrape.seconds for scrape in later)
        tell(
            "collector that hangs, scrape timeout 10 s",
            first_scrape=ms(first.seconds),
            next_50_at_most=ms(slowest),
            threads_kept=held,
        )
        assert slowest < 1
        assert held == 1
        for number, scrape in enumerate([first, *later], 1):
            assert "temperature" in scrape.failing()
            assert scrape.errors("temperature") == number
            assert scrape.value("host_memory_total_bytes")
        machine.release()
        wait_for(lambda: "temperature" not in Scrape.of(exporter).failing())
        wait_for(lambda: status(exporter.process.pid, "Threads") <= threads)
        assert Scrape.of(exporter).value("host_temperature_celsius", chip="coretemp", sensor="Package id 0")
    assert exporter.log.count("collector temperature failed: no answer within 9 s\n") == 1
    assert exporter.log.count("collector temperature works again\n") == 1


def test_the_figures_after_it_are_right_again_or_not_there(machine: Machine) -> None:
    """No process shows 0 CPU because the previous sample lacked it."""
    with watched(machine) as exporter:
        stat = machine.root / FILES["processes"]
        name, _, fields = stat.read_text().rpartition(")")
        words = fields.split()
        before = Scrape.of(exporter)
        machine.hang(FILES["processes"])
        assert "processes" in Scrape.of(exporter, timeout=2).failing()
        machine.release()
        words[11] = str(int(words[11]) + 10_000)  # 100 s of CPU time in the meantime
        stat.write_text(f"{name}) {' '.join(words)}\n")
        wait_for(lambda: "processes" not in Scrape.of(exporter, timeout=2).failing())
        assert before.samples.names() >= {"host_top_process_cpu_cores"}
        values = [
            each.value for each in Scrape.of(exporter).samples.samples if each.name == "host_top_process_cpu_cores"
        ]
        assert len(values) > 1


def test_many_who_wait_keep_nobody_else_from_an_answer(machine: Machine) -> None:
    with watched(machine) as exporter:
        Scrape.of(exporter)
        machine.hang(FILES["temperature"])
        waiting = [threading.Thread(target=exporter.get, args=["/"]) for _ in range(12)]
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        begin = time.monotonic()
        assert exporter.get("/-/healthy").status == 200
        healthy = time.monotonic() - begin
        scrape = Scrape.of(exporter, timeout=2)
        tell("twelve wait for a collector that hangs", alive_in=ms(healthy), scrape_in=ms(scrape.seconds))
        for thread in waiting:
            thread.join()
        assert healthy < 5, "host-exporter health would report it as dead"
        assert scrape.seconds < 4
        assert scrape.failing() - {"filesystem"} == {"temperature"}


def test_all_of_them_at_once_are_one_wait(machine: Machine) -> None:
    with watched(machine) as exporter:
        for name in FILES.values():
            machine.hang(name)
        first = Scrape.of(exporter, timeout=4)
        tell("seven collectors block at once, scrape timeout 4 s", answered_in=ms(first.seconds))
        assert first.seconds < 4
        assert first.failing() >= set(FILES)
        assert first.value("host_logical_cpus")


def test_the_page_and_the_json_are_answered_and_say_so_too(machine: Machine) -> None:
    with watched(machine) as exporter:
        machine.hang(FILES["temperature"])
        answers: dict[str, Answer] = {}

        def ask(path: str) -> None:
            answers[path] = exporter.get(path)

        threads = [threading.Thread(target=ask, args=[path]) for path in ("/", "/api/stats")]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - begin < 10
        assert "The figures for temperature are missing: no answer within 9 s" in answers["/"].text
        assert '"no answer within 9 s"' in answers["/api/stats"].text
        assert "still no answer after" in exporter.get("/").text
        assert exporter.get("/-/healthy").status == exporter.get("/-/ready").status == 200


def test_one_that_hangs_from_the_start_holds_up_nobody_long(machine: Machine) -> None:
    machine.hang(FILES["temperature"])
    begin = time.monotonic()
    with watched(machine) as exporter:
        started = time.monotonic() - begin
        scrape = Scrape.of(exporter)
        tell("collector that hangs from the start", ready_in=ms(started), scrape_then=ms(scrape.seconds))
        assert started < 9
        assert scrape.seconds < 1
        assert "temperature" in scrape.failing()
        # A rate: the first scrape has one. (That of the CPUs is unknown here, because their counters stand still.)
        assert any(sample.name == "host_top_process_cpu_cores" for sample in scrape.samples.samples)


def test_a_client_with_no_time_at_all_spoils_nobody_elses_figures(machine: Machine) -> None:
    with watched(machine) as exporter:
        for _ in range(30):
            assert exporter.get("/metrics", {TIMEOUT_HEADER: "1e-9"}).status == 200
            scrape = Scrape.of(exporter)
            assert scrape.failing() <= {"filesystem"}
            assert scrape.errors("cpu") == 0
