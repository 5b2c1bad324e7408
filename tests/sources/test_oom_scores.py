"""Whom the kernel would kill next: by scores of which only a few are read in each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.host import Host
from exporter.sources.oom_scores import FIRST, NEW, TURN, OomScores
from exporter.sources.processes import ProcessSample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest


def process(pid: int, memory_bytes: int = 1, started: float = 1) -> ProcessSample:
    return ProcessSample(pid, f"name-{pid}", "sleeping", 0.0, memory_bytes, 1, started)


def score(root: Path, pid: int, value: object) -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "oom_score").write_text(f"{value}\n")


class Machine:
    """Processes with scores, and the PIDs whose score was read in the last sample."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, processes: Sequence[ProcessSample]) -> None:
        self.root, self.scanned = root, {each.pid: each for each in processes}
        self.scores = OomScores(Host(str(root)))
        self.read: list[int] = []
        for each in processes:
            score(root, each.pid, 600)
        known = self.scores._read

        def noted(wanted: object) -> None:
            some = list(wanted)  # type: ignore[call-overload]
            self.read += [each.pid for each in some]
            known(some)

        patch.setattr(self.scores, "_read", noted)

    def next(self, *, everybody: bool = False) -> int | None:
        self.read.clear()
        largest = sorted(self.scanned.values(), key=lambda each: -each.memory_bytes)
        found = self.scores.next(self.scanned, largest, everybody=everybody, swapping=False)
        return found.pid if found else None


def test_everybody_is_read_once_and_then_a_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, monkeypatch, [process(pid) for pid in range(1000, 3000)])
    machine.next(everybody=True)
    assert set(machine.read) >= set(machine.scanned)
    machine.next()
    assert len(machine.read) <= 2 * FIRST + TURN


def test_new_ones_are_read_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, monkeypatch, [process(pid) for pid in range(1000, 1200)])
    machine.next()
    assert len(machine.read) <= NEW + 2 * FIRST + TURN
    for _ in range(200 // NEW):
        machine.next()
    assert len(machine.scores._scores) == 200


def test_of_equal_scores_the_larger_process_is_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with much memory, whatever is small has the same score."""
    machine = Machine(tmp_path, monkeypatch, [process(7, 10), process(8, 30), process(9, 20)])
    assert machine.next() == 8


def test_one_that_grows_is_noticed_at_once_and_one_whose_score_was_set_in_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, monkeypatch, [process(pid, pid) for pid in range(1000, 1100)])
    machine.next(everybody=True)
    score(tmp_path, 1000, 900)  # as it grew
    machine.scanned[1000] = process(1000, 10**9)
    assert machine.next() == 1000
    score(tmp_path, 1050, 1300)  # its owner has changed his mind
    found = [machine.next() for _ in range(100 // TURN + 1)]
    assert found[-1] == 1050


def test_what_is_never_killed_or_has_exited_is_not_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, monkeypatch, [process(7, 10), process(8, 30), process(9, 20)])
    score(tmp_path, 8, 0)
    (tmp_path / "proc/9/oom_score").unlink()
    assert machine.next() == 7
    for odd in ("", "many", "-1"):
        score(tmp_path, 7, odd)
        assert machine.next() is None
    machine.scanned.clear()
    assert machine.next() is None
    assert not machine.scores._scores
