"""Memory and swap."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.memory import Memory
from exporter.sources.host import LINUX
from tests.support import run

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter

KIB = 1024
MIB = 1024 * KIB


def test_used_is_total_minus_available_and_the_ratio_follows(laptop: FixtureMachine) -> None:
    assert laptop.read(Memory) == Memory(
        total_bytes=16384000 * KIB,
        available_bytes=4096000 * KIB,
        used_bytes=12288000 * KIB,
        usage_ratio=0.75,
        swap_total_bytes=8192000 * KIB,
        swap_used_bytes=2048000 * KIB,
        swap_usage_ratio=0.25,
    )


def test_a_machine_without_swap_has_no_swap_ratio(server: FixtureMachine) -> None:
    exposition = server.exposition()
    assert exposition.value("host_swap_total_bytes") == 0
    assert exposition.value("host_swap_used_bytes") == 0
    assert "host_swap_usage_ratio" not in exposition.names()


def test_a_kernel_with_few_figures_is_not_a_failure_and_logs_nothing(server: FixtureMachine) -> None:
    """gVisor has such a kernel; psutil would warn of every missing field at every scrape."""
    server.write(
        "proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 250 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
    )
    server.remove("proc/vmstat")
    answer = run("stats", "--rootfs", str(server.root))
    assert '"usage_ratio": 0.75' in answer.stdout
    assert answer.stderr == ""


@pytest.mark.skipif(not LINUX, reason="free comes with Linux")
def test_the_live_figures_are_those_of_free(exporter: Exporter) -> None:
    def free() -> tuple[list[int], list[int]]:
        out = subprocess.run(
            ["free", "-b"], env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=True
        ).stdout
        rows = [[int(field) for field in line.split()[1:]] for line in out.splitlines()[1:3]]
        return rows[0], rows[1]

    (before, _), samples, (after, swap) = free(), exporter.samples(), free()
    assert samples.value("host_memory_total_bytes") == after[0]
    available = samples.value("host_memory_available_bytes")
    assert available is not None
    room = 512 * MIB  # other tests run on the same machine
    assert min(before[5], after[5]) - room <= available <= max(before[5], after[5]) + room
    assert samples.value("host_memory_usage_ratio") == pytest.approx(1 - available / after[0])
    assert samples.value("host_memory_used_bytes") == after[0] - available
    assert samples.value("host_swap_total_bytes") == swap[0]
    used = samples.value("host_swap_used_bytes")
    assert used is not None
    assert abs(used - swap[1]) < room


def test_windows_has_memory_and_a_page_file(windows: Windows) -> None:
    memory = windows.read(Memory)
    assert (memory.usage_ratio, memory.swap_usage_ratio) == (0.75, 0.25)


def test_used_on_macos_is_computed_as_everywhere_else_not_as_psutil_does(macos: MacOs) -> None:
    memory = macos.read(Memory)
    assert memory.total_bytes is not None
    assert memory.available_bytes is not None
    assert memory.used_bytes == memory.total_bytes - memory.available_bytes
    assert memory.usage_ratio == 0.5


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # psutil's warnings, about the fields missing here
def test_more_free_than_total_as_in_some_containers_counts_as_nothing_used(laptop: FixtureMachine) -> None:
    laptop.write(
        "proc/meminfo",
        "MemTotal: 100 kB\nMemFree: 200 kB\nMemAvailable: 300 kB\nBuffers: 0 kB\nCached: 0 kB\n"
        "Active: 0 kB\nInactive: 0 kB\nSwapTotal: 10 kB\nSwapFree: 20 kB\n",
    )
    memory = laptop.read(Memory)
    assert (memory.used_bytes, memory.usage_ratio) == (0, 0.0)
    assert (memory.swap_used_bytes, memory.swap_usage_ratio) == (0, 0.0)
