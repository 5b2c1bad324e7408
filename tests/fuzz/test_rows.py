"""One row of one source is nonsense: it costs its own figures, and every other figure is what it was.

Which figures are a line's own is not written down here: they are those that change when the line's numbers are
replaced by other valid numbers, and those of the rows that the line names.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors.cpu import Cpu
from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler
from tests.fuzz.texts import odd_words
from tests.machines import FIXTURES, FixtureMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from exporter.model import Snapshot
    from exporter.sources.filesystem_reader import Probe
    from exporter.sources.filesystems import Usage

    Figures = dict[tuple[str, ...], Any]

ROOT = FIXTURES / "laptop"
NAMES = {"os-release", "passwd", "hostname", "arch", "osrelease"}
"""Files that hold names rather than figures; anything may be a name."""
CALLS = {"filesystems.json", "timex.json"}
"""Files that stand for what the kernel answers in binary form."""
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob("*")
    if path.is_file() and not path.is_symlink() and path.name not in NAMES | CALLS
)
NUMBER = re.compile(rb"(?<![\w.:-])\d+(?:\.\d+)?(?![\w.:-])")
PROCESS_FILE = re.compile(r"proc/(\d+)/(stat|status|cmdline|oom_score)")
ROWS = (
    (r"proc/meminfo", "MemTotal:", ("memory", r"(available|free)_bytes")),  # no part is larger than the whole
    (r"proc/stat", "cpu[0-9]", ("cpu", r"logical_cpus|physical_cores")),  # how many such lines there are
    (r"proc/sys/fs/file-nr", "", ("limits", "limits", "descriptors")),
    (r"proc/loadavg|proc/sys/kernel/(pid_max|threads-max)", "", ("limits", "limits", "threads")),
    (r"proc/1/net/stat/nf_conntrack|.*/nf_conntrack_max", "", ("limits", "limits", "conntrack")),
    (r"proc/1/net/netstat", "TcpExt:", ("limits", "tcp_listen_overflows")),
    (r"proc/1/net/snmp", "Tcp:", ("limits", "tcp_retransmitted_segments")),
)
"""Files or lines of them that are about a row without naming it, as regular expressions, and the row."""
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
            names = cores if place[-1].startswith("core_") else (_name(item) for item in value)
            for number, (name, item) in enumerate(zip(names, value, strict=True)):
                add(item, (*place, name or str(number)))
        else:
            found[place] = value

    cpu = snapshot.section(Cpu)
    cores = [f"cpu{number}" for number in cpu.core_numbers] if cpu else []
    for reading in snapshot.readings:
        add(reading.section, (reading.collector,))
    return found


def _name(item: Any) -> str:
    """Return what tells a row from its neighbours: a process' PID, or its texts; a text is its own name."""
    if not is_dataclass(item):
        return item if isinstance(item, str) else ""
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
        written = machine.path(path).stat().st_mtime_ns
        try:
            self._write(path, change(good), written)
            snapshot = machine.sample(LATER)
        finally:
            self._write(path, good, written)
        assert not snapshot.failures()
        return figures(snapshot)

    def _write(self, path: str, content: bytes, written: int) -> None:
        """Change a file as of the same time; the age of some is a figure."""
        self._machine.write(path, content)
        os.utime(self._machine.path(path), ns=(written, written))

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
    collector, *rest = place
    if process := PROCESS_FILE.fullmatch(path):
        return collector == "processes" and _of_process(rest, process[1], process[2], good)
    words = {*re.split(r"[\s():]+", line), *re.findall(r"(?<=/dev/)\S+", line), *path.split("/")}
    row = place[2:-1] or place[2:]
    if row and all(word in words for text in row for word in text.split()):
        return True
    if path.endswith("mountinfo") and collector == "integrity" and rest[1].split()[0] in words:
        return True  # one device may be mounted in several places
    for files, begin, about in ROWS:
        if re.fullmatch(files, path) and re.match(begin, line):
            return len(place) >= len(about) and all(map(re.fullmatch, about, place))
    return _of_folder(place, path)


def _of_process(rest: Sequence[str], pid: str, file: str, good: Figures) -> bool:
    if rest[0] == "next_victim":
        return file == "oom_score" or good["processes", "next_victim", "pid"] == int(pid)
    program = good.get(("processes", "processes", f"pid {pid}", "name"))
    return file != "oom_score" and (
        rest[0] in {"total", "states"} or rest[1] in {f"pid {pid}", program} or program is None
    )


def _of_folder(place: tuple[str, ...], path: str) -> bool:
    """Return whether a file's folder, or a file beside it, says whose row it is."""
    folder, file = (ROOT / path).parent, path.rpartition("/")[2]
    collector, row = place[0], place[2] if len(place) > 2 else ""

    def beside(name: str, above: Path = folder) -> str:
        return (above / name).read_text().strip() if (above / name).exists() else ""

    if "/hwmon/" in path or "/thermal/" in path:
        sensor = file.partition("_")[0]
        chip, label = beside("name") or beside("type"), beside(f"{sensor}_label") or sensor
        # Names that are equal are told apart; and a processor has the limits of its cores.
        whole = "/thermal/" in path or file == "name" or file.endswith("_label") or label.startswith("Package id")
        return collector in {"temperature", "hardware"} and row.startswith(chip) and (whole or label in row)
    if found := re.match(r"sys/devices/system/edac/mc/mc\d+/(dimm\d+/)?", path):
        labels = [each.read_text().strip() for each in (ROOT / found[0]).rglob("dimm_label")]
        return place[:2] == ("hardware", "modules") and row in labels
    if found := re.match(r"sys/block/(md\d+)/md/", path):
        return collector == "raid" and row.split()[0] == found[1]
    if found := re.match(r"sys/fs/btrfs/[^/]+/", path):
        return place[:2] == ("integrity", "btrfs_devices") and row.startswith(beside("label", ROOT / found[0]))
    if file.endswith(".prom"):  # one bad line, and nothing of the file is taken
        held = set(re.findall(r'[\w. ]+(?=")', beside(file)))
        return collector == "textfile" and set(row.split()) <= {word for text in held for word in text.split()}
    return collector == "battery" and "power_supply" in path


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
