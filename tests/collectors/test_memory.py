"""Memory and swap."""

from __future__ import annotations

import os
import subprocess
from dataclasses import fields
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors.memory import Memory
from exporter.sources.host import LINUX
from exporter.sources.process_memory import MemoryTotals
from tests.psutil_shapes import Swap
from tests.support import run

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def test_used_is_total_minus_available_and_the_ratio_follows(laptop: FixtureMachine) -> None:
    assert laptop.read(Memory) == Memory(
        total_bytes=16384000 * KIB,
        available_bytes=4096000 * KIB,
        free_bytes=2048000 * KIB,
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


def test_free_memory_is_unknown_on_windows(windows: Windows) -> None:
    """What psutil calls free there is what is available, caches included."""
    assert windows.read(Memory).free_bytes is None
    assert "host_memory_free_bytes" not in windows.exposition().names()


def test_free_memory_is_what_not_even_caches_use(laptop: FixtureMachine) -> None:
    assert laptop.exposition().value("host_memory_free_bytes") == 2048000 * KIB


def test_macos_says_what_is_free(macos: MacOs) -> None:
    assert macos.read(Memory).free_bytes == GIB


def test_more_may_be_free_than_available(laptop: FixtureMachine) -> None:
    """The kernel keeps some free memory for itself, so a machine without caches has less available than free."""
    laptop.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 900 kB\nMemAvailable: 850 kB\n")
    memory = laptop.read(Memory)
    assert (memory.available_bytes, memory.free_bytes, memory.used_bytes) == (850 * KIB, 900 * KIB, 150 * KIB)


def test_used_on_macos_is_computed_as_everywhere_else_not_as_psutil_does(macos: MacOs) -> None:
    memory = macos.read(Memory)
    assert memory.total_bytes is not None
    assert memory.available_bytes is not None
    assert memory.used_bytes == memory.total_bytes - memory.available_bytes
    assert memory.usage_ratio == 0.5


def meminfo(total: int, available: int, *lines: str) -> str:
    """Return the text of a /proc/meminfo, amounts in MiB, without swap."""
    amounts = (("MemTotal", total), ("MemFree", available // 2), ("MemAvailable", available), ("SwapTotal", 0))
    return "\n".join([*(f"{name}: {amount * 1024} kB" for name, amount in amounts), "SwapFree: 0 kB", *lines, ""])


def arcstats(size: int, least: int) -> str:
    """Return the beginning of ZFS' arcstats, amounts in MiB."""
    rows = (("hits", 77), ("c_min", least * MIB), ("c_max", 2 * size * MIB), ("size", size * MIB))
    head = "13 1 0x01 147 39984 5023 12345\nname                            type data\n"
    return head + "".join(f"{name:31} 4    {data}\n" for name, data in rows)


ARC = "proc/spl/kstat/zfs/arcstats"
MOUNTED = "600 1 0:50 /proc/meminfo /proc/meminfo rw,nosuid - fuse.lxcfs lxcfs rw\n"


def available(machine: FixtureMachine) -> float | None:
    """Return what is available, in MiB."""
    found = machine.read(Memory).available_bytes
    return None if found is None else found / MIB


def test_the_cache_of_zfs_above_its_minimum_can_be_had(laptop: FixtureMachine) -> None:
    """The kernel does not count it, so a file server with ZFS would be out of memory all its life."""
    laptop.write("proc/meminfo", meminfo(64_000, 4_800))
    laptop.write(ARC, arcstats(46_000, 2_000))
    memory = laptop.read(Memory)
    assert (memory.total_bytes, memory.available_bytes) == (64_000 * MIB, 48_800 * MIB)
    assert memory.usage_ratio == pytest.approx(15_200 / 64_000)
    laptop.write(ARC, arcstats(1_500, 2_000))
    assert available(laptop) == 4_800


@pytest.mark.parametrize(
    ("total", "free", "size", "sign"),
    [
        pytest.param(4_096, 1_024, 46_000, "", id="larger than the container"),
        pytest.param(4_096, 3_900, 2_000, "", id="larger than what is in use"),
        pytest.param(16_384, 9_000, 3_000, MOUNTED, id="meminfo is mounted"),
        pytest.param(16_384, 9_000, 3_000, "Slab: 0 kB", id="a kernel without memory of its own"),
    ],
)
def test_a_container_cannot_use_the_cache_of_its_host(
    laptop: FixtureMachine, total: int, free: int, size: int, sign: str
) -> None:
    """lxcfs gives it a meminfo of its own; arcstats, and the huge pages in meminfo, are the host's."""
    pages = ("HugePages_Total: 500", "HugePages_Free: 500", "HugePages_Rsvd: 0", "Hugepagesize: 2048 kB")
    slab, mounts = ("Slab: 300 kB", sign) if sign in {"", MOUNTED} else (sign, "")
    laptop.write("proc/meminfo", meminfo(total, free, slab, *(pages if sign else ())))
    laptop.write(ARC, arcstats(size, 500))
    laptop.write("proc/1/mountinfo", laptop.path("proc/1/mountinfo").read_text() + mounts)
    assert available(laptop) == free


@pytest.mark.parametrize("text", ["", "size 4\n", "name type data\nsize 4 900\n", "c_min 4 0\n"])
def test_arcstats_that_do_not_say_add_nothing(laptop: FixtureMachine, text: str) -> None:
    laptop.write("proc/meminfo", meminfo(64_000, 4_800))
    laptop.write(ARC, text)
    assert available(laptop) == 4_800


def test_huge_pages_that_nobody_uses_can_be_had(laptop: FixtureMachine) -> None:
    """The kernel counts a whole pool as used, so a database host would be out of memory before the database starts."""
    pool = ("HugePages_Total: 28000", "HugePages_Free: 20000", "HugePages_Rsvd: 5000", "Hugepagesize: 2048 kB")
    laptop.write("proc/meminfo", meminfo(64_000, 4_800, *pool))
    assert available(laptop) == 4_800 + 15_000 * 2


def test_huge_pages_of_every_size_count_once(laptop: FixtureMachine) -> None:
    pool = ("HugePages_Total: 100", "HugePages_Free: 100", "Hugepagesize: 2048 kB", "Hugetlb: 4398080 kB")
    laptop.write("proc/meminfo", meminfo(64_000, 4_800, *pool))
    for size, pages, free, promised in ((2048, 100, 100, 0), (1048576, 4, 3, 1), (64, 0, 0, 0)):
        for what, count in (("nr", pages), ("free", free), ("resv", promised), ("surplus", 0)):
            laptop.write(f"sys/kernel/mm/hugepages/hugepages-{size}kB/{what}_hugepages", f"{count}\n")
    assert available(laptop) == 4_800 + 200 + 2_048
    laptop.write("proc/meminfo", meminfo(64_000, 4_800, "HugePages_Free: 0", "Hugepagesize: 2048 kB", "Hugetlb: 0 kB"))
    assert available(laptop) == 4_800


def test_a_pool_larger_than_the_memory_is_not_ours(laptop: FixtureMachine) -> None:
    pool = ("HugePages_Total: 28000", "HugePages_Free: 28000", "Hugepagesize: 2048 kB")
    laptop.write("proc/meminfo", meminfo(4_096, 1_000, *pool))
    assert available(laptop) == 1_000


@pytest.mark.parametrize(
    "lines",
    [
        ("HugePages_Total: 10", "HugePages_Free: 11", "Hugepagesize: 2048 kB"),
        ("HugePages_Total: 10", "HugePages_Free: 5", "HugePages_Rsvd: 6", "Hugepagesize: 2048 kB"),
        ("HugePages_Total: 10", "HugePages_Free: x", "Hugepagesize: 2048 kB"),
        ("HugePages_Total: 10", "HugePages_Free: 5"),
    ],
)
def test_a_pool_that_cannot_be_makes_available_memory_unknown(laptop: FixtureMachine, lines: tuple[str, ...]) -> None:
    laptop.write("proc/meminfo", meminfo(64_000, 4_800, *lines))
    memory = laptop.read(Memory)
    assert (memory.available_bytes, memory.used_bytes, memory.usage_ratio) == (None, None, None)
    assert (memory.total_bytes, memory.swap_total_bytes) == (64_000 * MIB, 0)


@pytest.mark.parametrize(
    "text",
    [
        "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 200 kB\nShmem: 60 kB\nSReclaimable: 10 kB\n",
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 0 kB\nCached: 250 kB\nShmem: 50 kB\n",
        "MemTotal: 1000 kB\nMemFree: 300 kB\n",
    ],
)
def test_a_kernel_that_does_not_say_what_is_available_has_free_memory_and_caches(
    laptop: FixtureMachine, text: str
) -> None:
    """Before Linux 3.14, which some storage boxes still run, and WSL 1; shared memory is in Cached and no cache."""
    laptop.write("proc/meminfo", text)
    memory = laptop.read(Memory)
    assert (memory.available_bytes, memory.usage_ratio) == (300 * KIB, 0.7)
    assert (memory.swap_total_bytes, memory.swap_used_bytes, memory.swap_usage_ratio) == (None, None, None)


def test_more_free_than_there_is_is_unknown_as_in_some_containers(laptop: FixtureMachine) -> None:
    laptop.write(
        "proc/meminfo",
        "MemTotal: 100 kB\nMemFree: 200 kB\nMemAvailable: 300 kB\nSwapTotal: 10 kB\nSwapFree: 20 kB\n",
    )
    snapshot = laptop.sample()
    assert snapshot.section(Memory) == Memory(100 * KIB, None, None, None, None, 10 * KIB, None, None)
    samples = laptop.exposition(snapshot)
    assert samples.value("host_exporter_values_dropped_total", collector="memory") == 6
    assert samples.value("host_exporter_collector_success", collector="memory") == 1


def test_in_a_container_whose_cache_is_not_called_available_it_is(laptop: FixtureMachine) -> None:
    """Old versions of lxcfs repeat MemFree as MemAvailable: any container would be full of its own cache in the end."""
    amounts = {"MemTotal": 1000, "MemFree": 50, "MemAvailable": 50, "Cached": 700, "Shmem": 100, "Slab": 0}
    laptop.write("proc/meminfo", "".join(f"{name}: {amount} kB\n" for name, amount in amounts.items()))
    assert laptop.read(Memory) == Memory(1000 * KIB, 650 * KIB, 50 * KIB, 350 * KIB, 0.35, None, None, None)
    amounts["Shmem"] = 9000  # the host's
    laptop.write("proc/meminfo", "".join(f"{name}: {amount} kB\n" for name, amount in amounts.items()))
    assert laptop.read(Memory).available_bytes == 50 * KIB


def test_caches_that_hold_more_shared_memory_than_they_are_large_tell_nothing(laptop: FixtureMachine) -> None:
    """Without MemAvailable, as before Linux 3.14: less than nothing would be available, and more than all used."""
    laptop.write("proc/meminfo", "MemTotal: 100 kB\nMemFree: 5 kB\nCached: 10 kB\nShmem: 50 kB\n")
    assert laptop.read(Memory) == Memory(100 * KIB, None, 5 * KIB, None, None, None, None, None)


def test_a_negative_total_costs_nothing_but_itself(laptop: FixtureMachine) -> None:
    laptop.write("proc/meminfo", "MemTotal: -1 kB\nMemFree: 100 kB\nMemAvailable: 250 kB\n")
    memory = laptop.read(Memory)
    assert (memory.total_bytes, memory.free_bytes, memory.available_bytes) == (None, 100 * 1024, 250 * 1024)


@pytest.mark.parametrize("name", ["MemTotal", "MemFree", "MemAvailable", "Buffers", "SwapTotal", "SwapFree", "Slab"])
def test_a_line_that_is_nonsense_costs_what_it_would_have_given(laptop: FixtureMachine, name: str) -> None:
    good = laptop.read(Memory)
    lines = laptop.path("proc/meminfo").read_text().splitlines()
    broken = [f"{name}: lots of kB" if line.startswith(f"{name}:") else line for line in lines]
    laptop.write("proc/meminfo", "\n".join(broken))
    lost = {
        "MemTotal": {"total_bytes", "used_bytes", "usage_ratio"},
        "MemFree": {"free_bytes"},
        "MemAvailable": {"available_bytes", "used_bytes", "usage_ratio"},
        "SwapTotal": {"swap_total_bytes", "swap_used_bytes", "swap_usage_ratio"},
        "SwapFree": {"swap_used_bytes", "swap_usage_ratio"},
    }.get(name, set())
    now = laptop.read(Memory)
    assert {each.name for each in fields(Memory) if getattr(now, each.name) != getattr(good, each.name)} == lost
    assert all(getattr(now, each) is None for each in lost)


def test_a_file_that_says_nothing_of_memory_is_a_failure(laptop: FixtureMachine) -> None:
    laptop.write("proc/meminfo", "SwapTotal: 0 kB\n")
    (failure,) = laptop.sample().failures()
    assert failure.error == f"{laptop.root}/proc/meminfo says nothing of memory"


def test_windows_without_performance_counters_lacks_swap_alone(
    windows: Windows, caplog: pytest.LogCaptureFixture
) -> None:
    def off() -> None:
        raise RuntimeError("PdhAddEnglishCounterW failed. Performance counters may be disabled.")

    windows.patch.setattr(psutil, "swap_memory", off)
    samples = [windows.exposition() for _ in range(3)]
    for each in samples:
        assert each.value("host_memory_usage_ratio") == 0.75
        assert each.value("host_exporter_collector_success", collector="memory") == 1
        assert not [name for name in each.names() if name.startswith("host_swap")]
    counted = [each.value("host_exporter_values_dropped_total", collector="memory") for each in samples]
    assert counted == [1, 2, 3]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("collector memory: no swap: PdhAddEnglishCounterW failed.")


def test_more_swap_used_than_there_is_cannot_be(macos: MacOs) -> None:
    macos.patch.setattr(psutil, "swap_memory", lambda: Swap(GIB, 2 * GIB, 0, 200.0, 0, 0))
    memory = macos.read(Memory)
    assert (memory.swap_total_bytes, memory.swap_used_bytes, memory.swap_usage_ratio) == (GIB, None, None)
    assert memory.usage_ratio == 0.5


def test_what_all_programs_hold_together_is_there_for_the_next_sample(laptop: FixtureMachine) -> None:
    laptop.write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 5000 kB\nAnonPages:\t  5 kB\nShmem: x kB\n")
    assert laptop.read(Memory).programs == MemoryTotals(anonymous=5120, shared=None)
    laptop.write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 5000 kB\n")
    assert laptop.read(Memory).programs == MemoryTotals()
