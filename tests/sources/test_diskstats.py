"""The counters in /proc/diskstats."""

from __future__ import annotations

from dataclasses import astuple
from math import isnan

import psutil
import pytest

from exporter.sources.diskstats import DiskCounters, parse_diskstats, read_diskstats
from exporter.sources.host import LINUX, Host

LINE = " 259       0 nvme0n1 50000 1 2000000 25000 30000 2 4000000 15000 0 65000 72000 0 0 0 0 0 0\n"
NVME = DiskCounters(1_024_000_000, 2_048_000_000, 50000, 30000, 65.0, 25.0, 15.0, 72.0, 0)


@pytest.mark.parametrize("columns", [14, 18, 20])
def test_kernels_before_and_after_they_appended_columns(columns: int) -> None:
    assert parse_diskstats(" ".join(LINE.split()[:columns])) == {"nvme0n1": NVME}


@pytest.mark.parametrize(
    ("word", "lost"),
    [(3, "reads_completed"), (5, "read_bytes"), (6, "read_seconds"), (9, "written_bytes"), (13, "queue_seconds")],
)
@pytest.mark.parametrize("nonsense", ["x", "-1", "1e3", "nan", "\N{REPLACEMENT CHARACTER}", "9" * 400])
def test_a_word_of_nonsense_costs_its_own_figure(word: int, lost: str, nonsense: str) -> None:
    words = LINE.split()
    words[word] = nonsense
    table = parse_diskstats(" ".join(words) + "\n" + LINE.replace("nvme0n1", "sda"))
    assert table["sda"] == NVME
    broken = table["nvme0n1"]
    assert isnan(getattr(broken, lost))
    assert [a for a, b in zip(astuple(broken), astuple(NVME), strict=True) if a != b and not isnan(a)] == []
    assert sum(isnan(each) for each in astuple(broken)) == 1


@pytest.mark.parametrize("line", ["", "x", "259 0 nvme0n1", "\0\0\0", "   "])
def test_a_line_without_a_disk_is_skipped(line: str) -> None:
    assert parse_diskstats(line + "\n" + LINE) == {"nvme0n1": NVME}


def test_a_line_that_is_cut_off_has_the_figures_before_the_cut() -> None:
    table = parse_diskstats(" ".join(LINE.split()[:8]))
    assert (table["nvme0n1"].reads_completed, table["nvme0n1"].read_bytes) == (50000, NVME.read_bytes)
    assert isnan(table["nvme0n1"].written_bytes)


@pytest.mark.skipif(not LINUX, reason="/proc/diskstats is Linux")
def test_this_machine_has_the_same_disks_as_psutil_finds() -> None:
    ours, theirs = read_diskstats(Host()), psutil.disk_io_counters(perdisk=True, nowrap=False)
    assert ours is not None
    assert ours.keys() == theirs.keys()
    for name, io in theirs.items():
        assert ours[name].read_bytes <= io.read_bytes
        assert io.write_count - 10_000 <= ours[name].writes_completed <= io.write_count
