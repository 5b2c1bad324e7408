"""One row of one source is nonsense: it costs its own figures, and every other figure is what it was.

Which figures are a line's own is not written down here: they are those that change when the line's numbers are
replaced by other valid numbers, and those of the rows that the line names.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler
from tests.fuzz.texts import odd_words
from tests.machines import FIXTURES, FixtureMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.model import Snapshot
    from exporter.sources.filesystem_reader import Probe
    from exporter.sources.filesystems import Usage

    Figures = dict[tuple[str, ...], Any]

ROOT = FIXTURES / "laptop"
NAMES = {"filesystems.json", "os-release", "passwd", "hostname", "arch", "osrelease"}
"""Files that hold names rather than figures; anything may be a name."""
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob("*")
    if path.is_file() and not path.is_symlink() and path.name not in NAMES
)
NUMBER = re.compile(rb"(?<![\w.:-])\d+(?:\.\d+)?(?![\w.:-])")
PROCESS_FILE = re.compile(r"proc/(\d+)/(?:stat|status|cmdline)")
BEGIN = 1000.0
LATER = 300.0
"""Seconds until the second sample, so that what is read rarely is read again."""


def figures(snapshot: Snapshot) -> Figures:
    """Return every figure that people see, by collector, row and field."""
    found: Figures = {}

    def add(value: Any, place: tuple[str, ...]) -> None:
        if is_dataclass(value):
            for each in fields(value):
                if not each.metadata.get("hidden"):
                    add(getattr(value, each.name), (*place, each.name))
        elif isinstance(value, dict):
            for key, item in value.items():
                add(item, (*place, str(key)))
        elif isinstance(value, tuple):
            for number, item in enumerate(value):
                add(item, (*place, _name(item) or str(number)))
        else:
            found[place] = value

    for reading in snapshot.readings:
        add(reading.section, (reading.collector,))
    return found


def _name(item: Any) -> str:
    """Return what tells a row from its neighbours: a process' PID, or its texts."""
    if not is_dataclass(item):
        return ""
    if pid := getattr(item, "pid", None):
        return f"pid {pid}"
    texts = (getattr(item, each.name) for each in fields(item) if each.name != "error")
    return " ".join(text for text in texts if isinstance(text, str))


class Laptop:
    """The laptop with one file changed between two samples, each time from the same beginning."""

    def __init__(self, machine: FixtureMachine) -> None:
        self._machine = machine
        self.good = self.sample(FILES[0], lambda content: content)
        self.own = cache(self._own)

    def sample(self, path: str, change: Callable[[bytes], bytes], probe: Probe | None = None) -> Figures:
        """Return the figures with a file changed, or with another ``probe`` of filesystems; no collector may fail."""
        machine, good = self._machine, (ROOT / path).read_bytes()
        machine.now = BEGIN
        opened = open_machine(machine.settings, probe or machine.probe)
        opened.clock._call = machine.timex
        machine.sampler = Sampler(opened, clock=machine.clock, sleep=machine.advance)
        machine.prime()
        try:
            machine.write(path, change(good))
            snapshot = machine.sample(LATER)
        finally:
            machine.write(path, good)
        assert not snapshot.failures()
        return figures(snapshot)

    def lost(self, path: str, change: Callable[[bytes], bytes]) -> set[tuple[str, ...]]:
        """Return the figures that are gone or others with a file changed."""
        now = self.sample(path, change)
        nothing = object()
        return {place for place, value in self.good.items() if now.get(place, nothing) != value}

    def answering(self, mountpoint: str, usage: dict[str, int]) -> Figures:
        """Return the figures with one filesystem reporting other numbers."""
        machine = self._machine

        def probe(path: str) -> Usage:
            good = machine.probe(path)
            change: dict[str, Any] = dict(usage)
            return replace(good, **change) if path == f"{machine.root}{mountpoint}" else good

        return self.sample(FILES[0], lambda content: content, probe)

    def _own(self, path: str, number: int) -> set[tuple[str, ...]]:
        line = (ROOT / path).read_bytes().split(b"\n")[number]
        found = set()
        for place in NUMBER.finditer(line):
            for other in (int(float(place[0])) + 1, int(float(place[0])) * 2 + 3):
                put = b"%s%d%s" % (line[: place.start()], other, line[place.end() :])
                found |= self.lost(path, replaced(number, put))
        return found | {place for place in self.good if named(place, path, line.decode(errors="replace"), self.good)}


def replaced(number: int, line: bytes) -> Callable[[bytes], bytes]:
    """Return a change of a text that replaces one of its lines."""

    def change(content: bytes) -> bytes:
        lines = content.split(b"\n")
        return b"\n".join([*lines[:number], line, *lines[number + 1 :]])

    return change


def named(place: tuple[str, ...], path: str, line: str, good: Figures) -> bool:
    """Return whether a figure is of a row that a line, or the file's folder, is about."""
    if process := PROCESS_FILE.fullmatch(path):
        pid, (collector, *rest) = process[1], place
        program = good.get(("processes", "processes", f"pid {pid}", "name"))
        return collector == "processes" and (
            rest[0] in {"total", "states"} or rest[1] in {f"pid {pid}", program} or program is None
        )
    words = set(line.replace("(", " ").replace(")", " ").replace(":", " ").split()) | set(path.split("/"))
    row = place[2:-1] or place[2:]
    if row and all(word in words for text in row for word in text.split()):
        return True
    if "/hwmon/" in path or "/thermal/" in path:  # a chip's name is in a file of its own
        folder = (ROOT / path).parent
        chips = [(folder / name).read_text().strip() for name in ("name", "type") if (folder / name).exists()]
        return place[0] == "temperature" and any(place[2].startswith(chip) for chip in chips)
    return place[0] == "battery" and "power_supply" in path


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with pytest.MonkeyPatch.context() as patch:
        yield Laptop(FixtureMachine("laptop", tmp_path_factory.mktemp("laptop"), patch))


@st.composite
def broken_rows(draw: st.DrawFn) -> tuple[str, int, bytes]:
    """A file, the number of one of its lines, and what stands there: nonsense, or one word of it is nonsense."""
    path = draw(st.sampled_from(FILES))
    lines = (ROOT / path).read_bytes().split(b"\n")
    number = draw(st.integers(0, max(0, len(lines) - 2)))
    nonsense = draw(odd_words()).replace(b"\n", b"?")
    pieces = re.split(rb"(\s+)", lines[number])
    place = draw(st.integers(-1, len(pieces) - 1))
    return path, number, nonsense if place < 0 else b"".join([*pieces[:place], nonsense, *pieces[place + 1 :]])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # psutil's, about what a kernel lacks
@settings(max_examples=settings().max_examples * 2)
@given(row=broken_rows())
def test_a_row_of_nonsense_costs_its_own_figures_and_no_others(laptop: Laptop, row: tuple[str, int, bytes]) -> None:
    path, number, line = row
    lost = laptop.lost(path, replaced(number, line))
    assert lost <= laptop.own(path, number), f"{path}, line {number}: {line!r}"


MOUNTPOINTS = sorted(json.loads((ROOT / "filesystems.json").read_text()))
NUMBERS = ("size_bytes", "used_bytes", "available_bytes", "inodes", "inodes_used")


@given(
    mountpoint=st.sampled_from(MOUNTPOINTS),
    usage=st.dictionaries(st.sampled_from(NUMBERS), st.integers(-(2**63), 2**64) | st.integers(-20, 20), min_size=1),
)
def test_a_filesystem_that_reports_nonsense_costs_no_other_its_figures(
    laptop: Laptop, mountpoint: str, usage: dict[str, int]
) -> None:
    now = laptop.answering(mountpoint, usage)
    lost = {place for place, value in laptop.good.items() if now.get(place, math.nan) != value}
    assert {place[0] for place in lost} <= {"filesystem"}
    assert all(f" {mountpoint} " in place[2] for place in lost)
    for place, value in now.items():
        if place[0] == "filesystem" and isinstance(value, (int, float)):
            assert 0 <= value <= (1 if place[-1].endswith("_ratio") else 2**80), place
    if set(usage) <= {"inodes", "inodes_used"}:
        assert all(place[-1] == "inodes_usage_ratio" for place in lost), "space has nothing to do with inodes"
