"""A steady pace, however long each beat takes."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from exporter.sampling import pace


class Clock(threading.Event):
    """A stop signal and a clock in one: waiting advances the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        assert timeout >= 0
        self.now += timeout
        return self.is_set()


def times(work: list[float], monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return when the beats, due every 2 seconds, come if each takes this long."""
    clock = Clock()
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=clock.monotonic))
    begun = []
    for seconds, _ in zip(work, pace.beats(2.0, clock), strict=False):
        begun.append(clock.now - 100.0)
        clock.now += seconds
    return begun


def test_the_time_spent_working_does_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert times([0.3, 0.0, 1.9, 0.3, 0.0], monkeypatch) == pytest.approx([0, 2.3, 4.3, 6.3, 8.3])


def test_missed_beats_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert times([0.0, 5.0, 2.0, 0.1, 3600.5, 0.0], monkeypatch) == pytest.approx([0, 2, 8, 10, 12, 3614])


def test_a_stop_signal_ends_the_wait() -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    begin = time.monotonic()
    assert sum(1 for _ in pace.beats(60.0, stop)) == 1
    assert time.monotonic() - begin < 30
