"""GET /api/system_info: the whole machine, the same for all clients."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support import Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


class Times:
    """psutil's figures for a machine whose cores are a quarter busy."""

    def __init__(self) -> None:
        self.reads = 0
        self._start = time.monotonic()

    def __call__(self) -> Times:
        self.reads += 1
        self.idle = 3 * (time.monotonic() - self._start)
        return self

    def __iter__(self) -> object:
        return iter((self.idle / 3, self.idle))


def test_memory_and_cpu_are_whole_percentages(make_app: Callable[..., Flask]) -> None:
    answer = make_app().test_client().get("/api/system_info")
    assert answer.status_code == 200
    assert answer.json is not None
    assert sorted(answer.json) == ["cpu", "memory"]
    for text in answer.json.values():
        assert re.fullmatch(r"\d{1,3}%", text)
        assert 0 <= int(text[:-1]) <= 100


def test_the_share_is_of_at_least_half_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    from digits.machine import Machine

    monkeypatch.setattr(psutil, "cpu_times", Times())
    machine = Machine()
    start = time.monotonic()
    assert machine.system_info()["cpu"] == "25%"
    assert time.monotonic() - start >= 0.45


def test_many_callers_at_once_share_one_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    from digits.machine import Machine

    times = Times()
    monkeypatch.setattr(psutil, "cpu_times", times)
    machine = Machine()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(machine.system_info()["cpu"])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["25%"] * 20
    assert times.reads <= 4  # the first and the shared one; two more if this machine is very busy


def test_after_a_long_time_the_present_counts_and_not_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    from digits import machine as module

    times = Times()
    monkeypatch.setattr(psutil, "cpu_times", times)
    machine = module.Machine()
    monkeypatch.setattr(module, "LONGEST", 0.0)
    assert machine.system_info()["cpu"] == "25%"
    assert times.reads == 3  # at start, again, and half a second later


@pytest.mark.load
def test_a_busy_machine_is_shown_as_busy(make_app: Callable[..., Flask]) -> None:
    client = make_app().test_client()
    with Load(psutil.cpu_count() or 1, seconds=20):
        time.sleep(0.6)
        answer = client.get("/api/system_info")
    assert answer.json is not None
    assert int(answer.json["cpu"].rstrip("%")) > 60
