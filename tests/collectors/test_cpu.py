"""CPU usage from counters that only grow, or almost only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors.cpu import Cpu
from exporter.sampling.baselines import MAX_WINDOW
from exporter.sources.host import LINUX
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter

START = {"user": 1000, "nice": 0, "system": 500, "idle": 98000, "iowait": 500, "irq": 0, "softirq": 0, "steal": 0}


def stat(*cores: dict[str, int], total: dict[str, int] | None = None, numbers: Sequence[int] = range(64)) -> str:
    """Return the text of a /proc/stat with these cores, in ticks of 10 ms."""
    together = total or {mode: sum(core[mode] for core in cores) for mode in START}
    named = zip(numbers, cores, strict=False)
    lines = [("cpu ", together), *((f"cpu{number}", core) for number, core in named)]
    text = "".join(f"{name} {' '.join(str(core[mode]) for mode in START)} 0 0\n" for name, core in lines)
    return f"{text}btime 1767225600\n"


def grown(**ticks: int) -> dict[str, int]:
    return {mode: START[mode] + ticks.get(mode, 0) for mode in START}


def about(share: float | None) -> object:
    return share if share is None else pytest.approx(share)


def test_usage_is_the_increase_of_all_counters_but_idle_and_iowait(laptop: FixtureMachine) -> None:
    cpu = laptop.later().section(Cpu)
    assert cpu is not None
    assert cpu.core_usage_ratios == pytest.approx((0.95, 0.5, 0.1, 0.2))
    assert cpu.usage_ratio == pytest.approx(0.4375)
    assert (cpu.logical_cpus, cpu.physical_cores) == (4, 2)


def test_a_core_keeps_its_number_while_another_is_switched_off(server: FixtureMachine) -> None:
    server.write("proc/stat", stat(START, START, START, numbers=(0, 2, 3)))
    server.read(Cpu)
    server.write("proc/stat", stat(grown(idle=100), grown(user=100), grown(idle=100), numbers=(0, 2, 3)))
    samples = server.exposition()
    assert samples.labels("host_cpu_core_usage_ratio", "core") == {"0", "2", "3"}
    assert samples.value("host_cpu_core_usage_ratio", core="2") == 1.0


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
        # The kernel revises iowait and idle downwards; usage must be neither negative nor 100 %.
        ({"user": 500, "idle": 500, "iowait": -30}, 0.5),
        ({"user": 980, "idle": -5}, 1.0),
        # Other machines' time, which some kernels count backwards or by centuries.
        ({"user": 250, "idle": 750, "steal": -900_000_000}, 0.25),
        ({"user": 250, "idle": 750, "steal": 4_000_000}, 0.25),
        # A CPU that was switched off is on again, or a container's counters turn into its host's: hours at once.
        ({"user": 30, "idle": 2_000_000}, None),
        ({"user": 30, "idle": -2_000_000}, None),
        ({"user": 30, "idle": 970, "iowait": -400_000}, None),
        ({"user": 30, "idle": 970, "system": -400_000}, None),
        ({"user": 2_000_000, "idle": 970}, None),
        # Idle time fell by little more than has passed: what is left would be all busy.
        ({"user": 30, "idle": -100}, None),
        # Nothing is counted, as in some sandboxes (gVisor): no news is not the same as no work.
        ({}, None),
    ],
)
def test_a_share_is_busy_time_of_all_time_if_the_counters_tell(
    server: FixtureMachine, ticks: dict[str, int], share: float | None
) -> None:
    start = dict.fromkeys(START, 4_000_000) | {"steal": 1_000_000_000}
    server.write("proc/uptime", "20000000 1")
    server.write("proc/stat", stat(start))
    server.prime()
    server.write("proc/stat", stat({mode: start[mode] + ticks.get(mode, 0) for mode in start}))
    cpu = server.read(Cpu)
    assert cpu.usage_ratio == about(share)
    assert cpu.core_usage_ratios == (about(share),)


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
    for user, idle in ((1000, -30), (2000, 0), (3000, -10), (4000, 0)):
        server.write("proc/stat", stat(grown(user=user, idle=idle), grown(idle=user)))
        shares.append(server.read(Cpu).core_usage_ratios)
    assert shares == [pytest.approx((1.0, 0.0))] * 4


def test_many_cpus_may_revise_their_idle_time_together(server: FixtureMachine) -> None:
    """6 s of 64 CPUs are a tenth of a second of each."""
    busy, waits = [], []
    for step, iowait in enumerate((0, 100, -500, -400, 200)):
        core = grown(user=980 * step, idle=20 * step)
        total = {mode: 64 * ticks for mode, ticks in core.items()}
        total["iowait"] += iowait
        server.write("proc/stat", stat(*[core] * 64, total=total))
        section = server.read(Cpu)
        busy.append(section.usage_ratio)
        waits.append(section.seconds_by_mode["iowait"])
    assert busy == [None, *[pytest.approx(0.98, abs=0.002)] * 4]
    assert waits == [320.0, 321.0, 321.0, 321.0, 322.0]


def test_a_jump_costs_a_sample_and_never_looks_like_work(server: FixtureMachine) -> None:
    """The kernel reads the idle time of a CPU that is switched off from another counter: the sum falls by hours."""
    idle = START["idle"] + 3_000_000
    server.write("proc/uptime", "100000 1")
    seen = []
    for user, more in ((0, 0), (30, 970), (60, -2_000_000), (90, -1_999_030), (120, -1_998_060)):
        server.write("proc/stat", stat({**START, "user": 1000 + user, "idle": idle + more}))
        seen.append(server.sample())
    ratios = [section.usage_ratio if (section := each.section(Cpu)) else None for each in seen]
    assert ratios == [None, pytest.approx(0.03), None, pytest.approx(0.03), pytest.approx(0.03)]
    assert all(each.level() is Level.OK for each in seen)
    samples = server.exposition(seen[2])
    assert samples.value("host_cpu_usage_ratio") is None
    assert samples.value("host_cpu_seconds_total", mode="idle") == (idle - 2_000_000) / 100


def test_idle_time_that_makes_up_for_a_fall_is_not_taken_for_work(server: FixtureMachine) -> None:
    """Four CPUs are 97 % idle. The sum falls by 45 s, of which each interval makes up for 38.8 s."""
    shares = []
    for step in range(6):
        core = grown(user=30 * step, idle=970 * step)
        total = {mode: 4 * ticks for mode, ticks in core.items()}
        total["idle"] -= 4500 if step > 1 else 0
        server.write("proc/stat", stat(*[core] * 4, total=total))
        shares.append(server.read(Cpu).usage_ratio)
    assert shares[:2] == [None, pytest.approx(0.03)]
    assert shares[2] is None
    assert all(share is None or share < 0.05 for share in shares[3:])
    assert shares[5] == pytest.approx(0.03)


@pytest.mark.parametrize("mode", START)
def test_a_share_lies_between_0_and_1_or_is_unknown(server: FixtureMachine, mode: str) -> None:
    """Not when a counter falls slightly, not when it is reset, and not when it has caught up again."""
    server.write("proc/stat", stat(START, START))
    server.prime()
    known = 0
    for step, fall in enumerate((-1, -200, 0, -9999, 100, 100), start=1):
        counted = {"user": 1000 + 400 * step, "system": 500 + 500 * step, mode: max(0, START[mode] + fall)}
        server.write("proc/stat", stat({**START, **counted}, START))
        share = server.read(Cpu).core_usage_ratios[0]
        assert share is None or 0 <= share <= 1
        known += share is not None
    assert known >= 2


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


def test_a_core_that_comes_or_goes_costs_the_others_nothing(server: FixtureMachine) -> None:
    server.write("proc/stat", stat(START, START, START))
    server.read(Cpu)
    server.write("proc/stat", stat(grown(user=250, idle=750), grown(user=500, idle=500), numbers=(0, 2)))
    cpu = server.read(Cpu)
    assert (cpu.core_numbers, cpu.core_usage_ratios) == ((0, 2), (0.25, 0.5))
    server.write("proc/stat", stat(grown(user=500, idle=1500), START, grown(user=500, idle=1500)))
    cpu = server.read(Cpu)
    assert (cpu.core_numbers, cpu.core_usage_ratios) == ((0, 1, 2), (0.25, None, 0.0))


def test_a_line_that_is_nonsense_costs_that_cpu_alone(server: FixtureMachine) -> None:
    later = grown(user=250, idle=750)
    server.write("proc/stat", stat(START, START, START))
    server.prime()
    server.write("proc/stat", stat(later, later, later).replace("cpu1 1250 0", "cpu1 1250 ?"))
    cpu = server.read(Cpu)
    assert cpu.core_usage_ratios == (0.25, None, 0.25)
    assert (cpu.usage_ratio, cpu.logical_cpus) == (0.25, 3)


def test_a_sum_that_is_nonsense_costs_that_mode_alone(server: FixtureMachine) -> None:
    later = grown(user=250, idle=750)
    server.write("proc/stat", stat(START, START))
    server.prime()
    server.write("proc/stat", stat(later, later).replace("cpu  2500 0 1000", "cpu  2500 0 -1"))
    snapshot = server.sample()
    cpu = snapshot.section(Cpu)
    assert cpu is not None
    assert (cpu.usage_ratio, cpu.core_usage_ratios) == (None, (0.25, 0.25))
    samples = server.exposition(snapshot)
    assert samples.labels("host_cpu_seconds_total", "mode") == set(START) - {"system"}
    assert samples.value("host_exporter_values_dropped_total", collector="cpu") == 1


@pytest.mark.parametrize(("mode", "share"), [("idle", None), ("user", None), ("steal", 0.25)])
def test_a_mode_longer_than_the_machine_has_been_up_is_unknown(
    server: FixtureMachine, mode: str, share: float | None
) -> None:
    """lxcfs subtracts unsigned numbers: 8e18 ticks of idle time."""
    server.write("proc/stat", stat({**START, mode: 8 * 10**18}))
    server.prime()
    server.write("proc/stat", stat({**grown(user=250, idle=750), mode: 8 * 10**18 + 750}))
    snapshot = server.sample()
    cpu = snapshot.section(Cpu)
    assert cpu is not None
    assert (cpu.usage_ratio, cpu.core_usage_ratios) == (share, (share,))
    samples = server.exposition(snapshot)
    assert samples.labels("host_cpu_seconds_total", "mode") == set(START) - {mode}
    assert samples.value("host_exporter_values_dropped_total", collector="cpu") == 1


def test_a_container_that_sees_the_counters_of_its_host_keeps_them(server: FixtureMachine) -> None:
    """lxcfs gives it an uptime of its own, but without the CPU view what the host's CPUs have counted."""
    year = 365 * 86400
    server.write("proc/uptime", "8.00 8.00")
    server.write("proc/stat", stat({**START, "idle": 100 * year}).replace("btime 1767225600", "btime 1000"))
    assert server.read(Cpu).seconds_by_mode["idle"] == year


def test_a_sum_may_include_cpus_that_are_switched_off_now(server: FixtureMachine) -> None:
    server.write("proc/stat", stat(START, total={**START, "idle": 8 * 90_000}).replace("btime", "ctxt"))
    server.write("sys/devices/system/cpu/possible", "0-7\n")
    assert server.read(Cpu).seconds_by_mode["idle"] == 7200
    server.write("sys/devices/system/cpu/possible", "0\n")
    assert "idle" not in server.read(Cpu).seconds_by_mode


def test_a_machine_that_lists_no_cpu_of_its_own_has_their_sum(server: FixtureMachine) -> None:
    server.write("proc/stat", stat(total=START))
    server.prime()
    server.write("proc/stat", stat(total=grown(user=250, idle=750)))
    cpu = server.read(Cpu)
    assert (cpu.usage_ratio, cpu.core_usage_ratios, cpu.logical_cpus) == (0.25, (), None)
    assert "host_logical_cpus" not in server.exposition().names()


@pytest.mark.parametrize("content", ["", "intr 1\nctxt 2\nbtime 3\n"])
def test_a_file_without_any_cpu_is_a_failure(server: FixtureMachine, content: str) -> None:
    server.write("proc/stat", content)
    (failure,) = server.sample().failures()
    assert (failure.collector, "lists no CPU" in (failure.error or "")) == ("cpu", True)


def test_a_machine_that_does_not_say_its_cores_has_no_such_series(server: FixtureMachine) -> None:
    assert server.read(Cpu).physical_cores is None
    assert "host_physical_cores" not in server.exposition().names()


def test_cores_are_counted_with_the_files_of_older_kernels_too(server: FixtureMachine) -> None:
    server.write("proc/stat", stat(*[START] * 4))
    for number in range(4):
        server.write(f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list", f"{number % 2}-{number}\n")
    assert server.read(Cpu).physical_cores == 4


def test_a_container_with_few_of_its_hosts_cpus_does_not_claim_all_of_its_cores(server: FixtureMachine) -> None:
    server.write("proc/stat", stat(START, START))
    for number in range(16):
        server.write(f"sys/devices/system/cpu/cpu{number}/topology/core_cpus_list", f"{number % 8},{number % 8 + 8}\n")
    cpu = server.read(Cpu)
    assert (cpu.logical_cpus, cpu.physical_cores) == (2, None)


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


def test_interrupts_longer_than_the_system_time_they_are_part_of_cannot_be(windows: Windows) -> None:
    core = windows.core

    def more() -> object:
        return core()._replace(interrupt=60.0)

    windows.patch.setattr(windows, "core", more)
    cpu = windows.read(Cpu)
    assert set(cpu.seconds_by_mode) == {"user", "idle", "interrupt", "dpc"}
    assert cpu.usage_ratio is None


@pytest.mark.parametrize("call", ["cpu_times", "cpu_count"])
def test_a_call_that_windows_refuses_costs_only_what_it_would_have_given(
    windows: Windows, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = getattr(psutil, call)

    def refusing(**kind: bool) -> object:
        if kind:
            raise OSError(13, "Access is denied")
        return good()

    windows.patch.setattr(psutil, call, refusing)
    samples = windows.exposition()
    assert samples.value("host_cpu_usage_ratio") == pytest.approx(0.35)
    assert samples.value("host_exporter_collector_success", collector="cpu") == 1
    assert samples.value("host_exporter_values_dropped_total", collector="cpu") == 1
    lost = {"host_logical_cpus", "host_cpu_core_usage_ratio"} if call == "cpu_times" else {"host_physical_cores"}
    assert not lost & samples.names()
    assert {"host_logical_cpus", "host_cpu_core_usage_ratio", "host_physical_cores"} - lost <= samples.names()
    (line,) = [record.getMessage() for record in caplog.records if "cpu" in record.getMessage()]
    assert line.endswith(": Access is denied")


def test_macos_has_four_modes(macos: MacOs) -> None:
    cpu = macos.read(Cpu)
    assert set(cpu.seconds_by_mode) == {"user", "nice", "system", "idle"}
    assert cpu.usage_ratio == pytest.approx(0.75)
    assert cpu.physical_cores == 2


def test_more_cores_than_cpus_cannot_be(macos: MacOs) -> None:
    macos.patch.setattr(psutil, "cpu_count", lambda **_: 64)
    cpu = macos.read(Cpu)
    assert (cpu.logical_cpus, cpu.physical_cores) == (2, None)
