"""CPU usage from counters that only grow, or almost only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.cpu import Cpu
from exporter.sampling.baselines import MAX_WINDOW
from exporter.sources.host import LINUX

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter

START = {"user": 1000, "nice": 0, "system": 500, "idle": 98000, "iowait": 500, "irq": 0, "softirq": 0, "steal": 0}


def stat(*cores: dict[str, int]) -> str:
    """Return the text of a /proc/stat with these cores, in ticks of 10 ms."""
    together = {mode: sum(core[mode] for core in cores) for mode in START}
    lines = [("cpu ", together), *((f"cpu{number}", core) for number, core in enumerate(cores))]
    text = "".join(f"{name} {' '.join(str(core[mode]) for mode in START)} 0 0\n" for name, core in lines)
    return f"{text}btime 1767225600\n"


def grown(**ticks: int) -> dict[str, int]:
    return {mode: START[mode] + ticks.get(mode, 0) for mode in START}


def test_usage_is_the_increase_of_all_counters_but_idle_and_iowait(laptop: FixtureMachine) -> None:
    cpu = laptop.later().section(Cpu)
    assert cpu is not None
    assert cpu.core_usage_ratios == pytest.approx((0.95, 0.5, 0.1, 0.2))
    assert cpu.usage_ratio == pytest.approx(0.4375)
    assert (cpu.logical_cpus, cpu.physical_cores) == (4, 2)


def test_a_core_keeps_its_number_while_another_is_switched_off(server: FixtureMachine) -> None:
    server.write("sys/devices/system/cpu/online", "0,2-3\n")
    server.write("proc/stat", stat(START, START, START))
    server.read(Cpu)
    server.write("proc/stat", stat(grown(idle=100), grown(user=100), grown(idle=100)))
    samples = server.exposition()
    assert samples.labels("host_cpu_core_usage_ratio", "core") == {"0", "2", "3"}
    assert samples.value("host_cpu_core_usage_ratio", core="2") == 1.0


@pytest.mark.parametrize("online", ["", "0-7", "0-x", "garbage", "-1,0"])
def test_cores_are_counted_where_the_system_does_not_say_which_are_on(server: FixtureMachine, online: str) -> None:
    server.write("sys/devices/system/cpu/online", online)
    server.write("proc/stat", stat(START, START))
    server.read(Cpu)
    assert server.exposition().labels("host_cpu_core_usage_ratio", "core") == {"0", "1"}


def test_guest_time_is_not_counted_twice(laptop: FixtureMachine) -> None:
    modes = {"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}
    assert laptop.exposition().labels("host_cpu_seconds_total", "mode") == modes


@pytest.mark.parametrize(
    ("ticks", "share"),
    [
        ({"user": 1000}, 1.0),
        ({"idle": 1000}, 0.0),
        ({"iowait": 1000}, 0.0),
        ({"user": 250, "steal": 250, "idle": 500}, 0.5),
        ({"irq": 100, "softirq": 100, "nice": 100, "system": 100, "idle": 600}, 0.4),
        ({}, 0.0),
        # The kernel revises iowait and idle downwards; usage must be neither negative nor 100 %.
        ({"user": 500, "idle": 500, "iowait": -30}, 0.5),
        ({"user": 300, "idle": -5}, 1.0),
    ],
)
def test_a_share_is_busy_time_of_all_time(server: FixtureMachine, ticks: dict[str, int], share: float) -> None:
    server.write("proc/stat", stat(START))
    server.prime()
    server.write("proc/stat", stat(grown(**ticks)))
    cpu = server.read(Cpu)
    assert cpu.usage_ratio == pytest.approx(share)
    assert cpu.core_usage_ratios == pytest.approx((share,))


def test_a_counter_that_falls_slightly_stands_still_until_it_has_caught_up(server: FixtureMachine) -> None:
    """Prometheus takes any decrease for a reset and would count 985 s of idle time at once."""
    idle = []
    for ticks in (0, 100, 90, 95, 110):
        server.write("proc/stat", stat(grown(idle=ticks)))
        idle.append(server.exposition().value("host_cpu_seconds_total", mode="idle"))
    assert idle == [980.0, 981.0, 981.0, 981.0, 981.1]


def test_a_core_whose_idle_time_falls_slightly_stays_as_busy_as_it_is(server: FixtureMachine) -> None:
    """Idle time that only makes up for a correction is not new idle time: the core was busy all along."""
    server.write("proc/stat", stat(START, START))
    server.prime()
    shares = []
    for user, idle in ((500, -30), (1000, 0), (1500, -10), (2000, 0)):
        server.write("proc/stat", stat(grown(user=user, idle=idle), grown(idle=user)))
        shares.append(server.read(Cpu).core_usage_ratios)
    assert shares == [pytest.approx((1.0, 0.0))] * 4


@pytest.mark.parametrize("mode", START)
def test_a_core_is_never_less_than_idle_nor_more_than_busy(server: FixtureMachine, mode: str) -> None:
    """Not when a counter falls slightly, not when it is reset, and not when it has caught up again."""
    server.write("proc/stat", stat(START, START))
    server.prime()
    for step, fall in enumerate((-1, -200, 0, -9999, 100), start=1):
        counted = {"user": 1000 + 1000 * step, "system": 500 + 1000 * step, mode: max(0, START[mode] + fall)}
        server.write("proc/stat", stat({**START, **counted}, START))
        assert all(share is not None and 0 <= share <= 1 for share in server.read(Cpu).core_usage_ratios)


def test_a_counter_does_not_fall_after_a_night_without_samples_either(server: FixtureMachine) -> None:
    """Last evening's sample is too old to compute usage from, but it is still what Prometheus saw last."""
    server.write("proc/stat", stat(grown(idle=100)))
    server.sample()
    server.write("proc/stat", stat(grown(idle=90)))
    cpu = server.sample(MAX_WINDOW + 1).section(Cpu)
    assert cpu is not None
    assert cpu.seconds_by_mode["idle"] == 981.0


def test_counters_that_were_reset_are_shown_as_they_are(server: FixtureMachine) -> None:
    server.read(Cpu)
    server.write("proc/stat", stat(dict.fromkeys(START, 10)))
    assert server.exposition().value("host_cpu_seconds_total", mode="idle") == 0.1


def test_a_core_that_comes_or_goes_costs_per_core_usage_for_one_sample_only(server: FixtureMachine) -> None:
    server.write("proc/stat", stat(START, START))
    server.read(Cpu)
    server.write("proc/stat", stat(START))
    assert server.read(Cpu).core_usage_ratios == ()
    server.write("proc/stat", stat(grown(user=100)))
    assert server.read(Cpu).core_usage_ratios == pytest.approx((1.0,))


def test_the_very_first_sample_already_has_usage(server: FixtureMachine) -> None:
    exposition = server.exposition()
    assert exposition.value("host_cpu_usage_ratio") == 0.0
    assert exposition.value("host_cpu_core_usage_ratio", core="0") == 0.0


def test_a_machine_that_does_not_say_its_cores_has_no_such_series(server: FixtureMachine) -> None:
    assert server.read(Cpu).physical_cores is None
    assert "host_physical_cores" not in server.exposition().names()


def test_cores_are_counted_with_the_files_of_older_kernels_too(server: FixtureMachine) -> None:
    for number in range(4):
        server.write(f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list", f"{number % 2}-{number}\n")
    assert server.read(Cpu).physical_cores == 4


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_live_counters_are_those_of_proc_stat(exporter: Exporter) -> None:
    def seconds() -> list[float]:
        return [float(field) / 100 for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]

    before, samples, after = seconds(), exporter.samples(), seconds()
    cores = Path("/proc/stat").read_text().count("\ncpu")
    for mode, low, high in zip(START, before, after, strict=True):
        shown = samples.value("host_cpu_seconds_total", mode=mode)
        # The sample may be a second old, and the kernel revises idle and iowait slightly.
        assert shown is not None
        assert low - 2 * cores <= shown <= high + 3, mode
    assert samples.value("host_logical_cpus") == cores
    assert len(samples.labels("host_cpu_core_usage_ratio", "core")) == cores


def test_windows_counts_interrupts_within_system_and_has_no_iowait(windows: Windows) -> None:
    cpu = windows.read(Cpu)
    assert cpu.usage_ratio == pytest.approx(0.35)
    assert cpu.core_usage_ratios == pytest.approx((0.35, 0.35))
    assert set(cpu.seconds_by_mode) == {"user", "system", "idle", "interrupt", "dpc"}
    # 2 cores of 50 s with 5 s and 2 s in them, then 10 s of 0.10, 0.02 and 0.01 each.
    assert cpu.seconds_by_mode["system"] == pytest.approx(2 * (43 + 10 * 0.07))


def test_macos_has_four_modes(macos: MacOs) -> None:
    cpu = macos.read(Cpu)
    assert set(cpu.seconds_by_mode) == {"user", "nice", "system", "idle"}
    assert cpu.usage_ratio == pytest.approx(0.75)
    assert cpu.physical_cores == 2


@pytest.mark.parametrize("online", ["0-4294967295", "0-99999999999999999999", "0,0", "9" * 5000])
def test_an_impossible_list_of_cpus_is_not_expanded(server: FixtureMachine, online: str) -> None:
    """Expanded one by one, the first list would take 100 GB of memory."""
    server.write("sys/devices/system/cpu/online", online)
    cpu = server.read(Cpu)
    assert cpu.core_numbers == tuple(range(cpu.logical_cpus))
