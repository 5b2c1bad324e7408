"""Paging: what is swapped, kills for want of memory, and memory that thrashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.collectors import paging
from exporter.collectors.paging import Paging
from exporter.collectors.processes import Processes
from exporter.render.words import sentences
from exporter.thresholds import Level
from tests.rules.test_rules import SHIPPED

if TYPE_CHECKING:
    from exporter.findings import Finding
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows

MIB = 2**20
IDLE = {"waiting": 0.0, "disks": 0.0, "stalled": 0.0}


def vmstat(
    laptop: FixtureMachine, *, swapped_in: int = 0, out: int = 0, faults: int = 0, kills: int | None = 0
) -> None:
    """Write counters; swap in pages."""
    text = f"nr_free_pages 1\npswpin {swapped_in}\npswpout {out}\npgmajfault {faults}\n"
    laptop.write("proc/vmstat", text if kills is None else f"{text}oom_kill {kills}\n")


def pressure(laptop: FixtureMachine, memory: float, disks: float, stalled: float) -> None:
    """Write the seconds that some program waited for memory or disks, and that all waited for memory."""
    laptop.write("proc/pressure/memory", f"some total={memory * 1e6:.0f}\nfull total={stalled * 1e6:.0f}\n")
    laptop.write("proc/pressure/io", f"some total={disks * 1e6:.0f}\nfull total=0\n")


def of(laptop: FixtureMachine, kind: str, seconds: float = 10) -> tuple[list[Finding], str]:
    """Return the findings of a kind in a fresh sample, and what they say."""
    found = [(each, text) for each, text in sentences(laptop.sample(seconds)) if each.kind == kind]
    return [each for each, _ in found], "\n".join(text for _, text in found).replace("\u00a0", " ")


def test_the_counters_and_their_rates(laptop: FixtureMachine) -> None:
    vmstat(laptop, swapped_in=1000, out=2000, faults=4000, kills=2)
    laptop.prime()
    vmstat(laptop, swapped_in=1256, out=2000, faults=4300, kills=2)
    section = laptop.read(Paging)
    assert (section.swap_in_bytes_total, section.swap_out_bytes_total) == (1256 * 4096, 2000 * 4096)
    assert section.swap_in_rate_bytes == pytest.approx(MIB / 10)
    assert section.swap_out_rate_bytes == 0
    assert section.major_page_faults_total == 4300
    assert section.fault_rate == pytest.approx(30)
    assert (section.oom_kills_total, section.recent_oom_kills) == (2, 0)


@pytest.mark.parametrize(
    ("content", "kills"),
    [
        (b"pgmajfault 7\npswpin 1\npswpout 1\n", None),  # before Linux 4.13
        (b"oom_kill 3\n", 3),
        (b"xoom_kill 4\noom_kill 3", 3),
        (b"oom_kill many\npgmajfault 7\n", None),
        (b"oom_kill -1\n", None),
        (b"", None),
    ],
)
def test_a_counter_that_the_kernel_lacks_or_garbles_is_absent(
    laptop: FixtureMachine, content: bytes, kills: int | None
) -> None:
    laptop.write("proc/vmstat", content)
    assert laptop.exposition().value("host_oom_kills_total") == kills


def test_a_machine_without_the_file_has_no_series(server: FixtureMachine) -> None:
    server.remove("proc/vmstat")
    assert server.try_read(Paging) is None


def test_other_systems_have_none(windows: Windows, macos: MacOs) -> None:
    for machine in (windows, macos):
        assert not {"host_oom_kills_total", "host_oom_next_victim_memory_bytes"} & machine.exposition().names()


def test_kills_of_before_are_no_news_and_later_ones_are_for_ten_minutes(laptop: FixtureMachine) -> None:
    vmstat(laptop, kills=90)
    laptop.prime()
    assert of(laptop, "HostOomKill") == ([], "")
    vmstat(laptop, kills=91)
    [finding], text = of(laptop, "HostOomKill")
    assert finding.level is Level.WARNING
    assert text == "The kernel killed 1 process because memory ran out, just now"
    vmstat(laptop, kills=93)
    assert "killed 3 processes because memory ran out, just now" in of(laptop, "HostOomKill")[1]
    assert "killed 3 processes because memory ran out, 5 min ago" in of(laptop, "HostOomKill", 300)[1]
    assert of(laptop, "HostOomKill", 290)[0]
    assert not of(laptop, "HostOomKill", 20)[0]


def test_a_kill_names_the_large_ones_that_are_gone_since(laptop: FixtureMachine) -> None:
    vmstat(laptop)
    laptop.sample()
    vmstat(laptop, kills=2)
    for pid in (703, 709):  # java with 1 GiB, and the parent of two processes of postgres
        laptop.remove(f"proc/{pid}")
    _, text = of(laptop, "HostOomKill")
    assert text.endswith("; gone since: java app.jar (1.0 GiB), postgres (32.0 MiB; 1 runs now)")
    assert of(laptop, "HostOomKill", 300)[1].endswith(
        "; gone since: java app.jar (1.0 GiB), postgres (32.0 MiB; 1 runs now)"
    )


def test_one_that_takes_long_to_go_is_named_once_it_is_gone_but_not_what_ends_later(laptop: FixtureMachine) -> None:
    vmstat(laptop)
    laptop.sample()
    vmstat(laptop, kills=1)
    assert "gone" not in of(laptop, "HostOomKill")[1]
    line = laptop.path("proc/703/stat").read_text()
    laptop.write("proc/703/stat", line.replace(") S ", ") Z ").replace(" 262144 ", " 0 "))  # not reaped yet
    assert of(laptop, "HostOomKill")[1].endswith("gone since: java app.jar (1.0 GiB)")
    laptop.remove("proc/701")  # python3 train.py
    assert of(laptop, "HostOomKill", 120)[1].endswith("gone since: java app.jar (1.0 GiB)")


def test_one_killed_while_a_sample_was_taken_is_missing_there_and_counted_in_the_next(laptop: FixtureMachine) -> None:
    vmstat(laptop)
    laptop.sample()
    laptop.remove("proc/703")
    assert of(laptop, "HostOomKill")[1] == ""
    vmstat(laptop, kills=1)
    assert of(laptop, "HostOomKill")[1].endswith("gone since: java app.jar (1.0 GiB)")


def test_a_program_that_has_been_started_again_runs_now(laptop: FixtureMachine) -> None:
    vmstat(laptop)
    laptop.sample()
    vmstat(laptop, kills=1)
    line = laptop.path("proc/703/stat").read_text()
    laptop.write("proc/703/stat", line.replace(" 5000 4294967296 262144 ", " 9000 4294967296 1024 "))
    assert of(laptop, "HostOomKill")[1].endswith("gone since: java app.jar (1.0 GiB; 1 runs now)")


def strained(
    laptop: FixtureMachine, *, pages: tuple[int, int] = (0, 0), faults: int = 0, waiting: float = 0, disks: float = 0,
    stalled: float = 0,
) -> tuple[list[Finding], str]:  # fmt: skip
    """Return the finding after 100 s with so many pages swapped, faults, and seconds of waiting, all per second."""
    vmstat(laptop)
    pressure(laptop, 0, 0, 0)
    laptop.sample()
    pressure(laptop, waiting * 100, disks * 100, stalled * 100)
    laptop.sample()
    vmstat(laptop, swapped_in=pages[0] * 100, out=pages[1] * 100, faults=faults * 100)
    return of(laptop, "HostThrashing", 100)


@pytest.mark.parametrize(
    ("load", "level"),
    [
        # As measured: see the table in docs/runbooks.md.
        ({"pages": (9300, 9500), "faults": 8400, "waiting": 0.13, "disks": 0.51, "stalled": 0.12}, Level.WARNING),
        ({"pages": (200, 200), "faults": 200, "waiting": 0.002, "disks": 0.98, "stalled": 0.6}, Level.CRITICAL),
        ({"faults": 13000, "disks": 0.5}, None),
        ({"faults": 30, "disks": 0.02}, None),
        # At the limits, and just below each.
        ({"pages": (64, 64), "faults": 64, "disks": 0.1}, Level.WARNING),
        ({"pages": (63, 640), "faults": 99, "disks": 0.9}, None),
        ({"pages": (640, 63), "faults": 99, "disks": 0.9}, None),
        ({"pages": (640, 640), "faults": 640, "disks": 0.09, "waiting": 0.09}, None),
        ({"faults": 100, "waiting": 0.1}, Level.WARNING),
        ({"faults": 99, "waiting": 0.9}, None),
        ({"faults": 100, "waiting": 0.1, "stalled": 0.5}, Level.CRITICAL),
    ],
)
def test_memory_thrashes_where_pages_go_both_ways_or_programs_wait_for_their_own(
    server: FixtureMachine, load: dict[str, float], level: Level | None
) -> None:
    found, _ = strained(server, **load)  # type: ignore[arg-type]
    assert [each.level for each in found] == ([] if level is None else [level])


def test_pressure_counts_from_the_first_minute(laptop: FixtureMachine) -> None:
    """The first sample of all has none before it to take the pressure from; that is not a kernel without."""
    vmstat(laptop)
    pressure(laptop, 0, 0, 0)
    laptop.prime()
    vmstat(laptop, swapped_in=12_800, out=12_800)
    assert not of(laptop, "HostThrashing", 65)[0]
    assert not of(laptop, "HostThrashing", 65)[0]


def test_it_says_how_much_and_names_the_programs_that_fault(laptop: FixtureMachine) -> None:
    line = laptop.path("proc/703/stat").read_text()
    vmstat(laptop)
    pressure(laptop, 0, 0, 0)
    laptop.sample()
    pressure(laptop, 60, 0, 58)
    laptop.sample()
    vmstat(laptop, swapped_in=25600, out=51200, faults=30000)
    laptop.write("proc/703/stat", line.replace(" 1200 0 3 0 ", " 1200 0 18003 0 "))
    line = laptop.path("proc/702/stat").read_text()
    laptop.write("proc/702/stat", line.replace(" 1200 0 3 0 ", " 1200 0 33 0 "))  # one in 3 s is not worth a word
    [finding], text = of(laptop, "HostThrashing", 100)
    assert finding.level is Level.CRITICAL
    assert text == (
        "Memory thrashes: 1.0 MiB/s swapped in and 2.0 MiB/s out, 300 major faults a second, all programs stalled 58 % "
        "of the time: java app.jar 180 faults a second"
    )


@pytest.mark.parametrize(("available", "found"), [(800_000, 1), (830_000, 0)])
def test_without_pressure_faults_count_while_next_to_no_memory_is_available(
    laptop: FixtureMachine, available: int, found: int
) -> None:
    laptop.remove("proc/pressure")
    memory = laptop.path("proc/meminfo").read_text()
    laptop.write("proc/meminfo", memory.replace("MemAvailable:    4096000", f"MemAvailable: {available}"))
    vmstat(laptop)
    laptop.sample(100)
    vmstat(laptop, faults=10_100)
    findings, text = of(laptop, "HostThrashing", 100)
    assert len(findings) == found
    assert "stalled" not in text


def test_without_pressure_swap_traffic_is_enough(laptop: FixtureMachine) -> None:
    laptop.remove("proc/pressure")
    vmstat(laptop)
    laptop.sample(100)
    vmstat(laptop, swapped_in=6400, out=6400)
    assert len(of(laptop, "HostThrashing", 100)[0]) == 1


def test_a_burst_is_over_within_a_minute_or_two(laptop: FixtureMachine) -> None:
    """A page that refreshes itself takes a sample every 2.5 s; the limits are those of a minute."""
    laptop.remove("proc/pressure")
    vmstat(laptop)
    for _ in range(30):
        assert not of(laptop, "HostThrashing", 2.5)[0]
    vmstat(laptop, swapped_in=3000, out=3000)  # 12 MiB each way in 2.5 s
    assert not of(laptop, "HostThrashing", 2.5)[0]
    vmstat(laptop, swapped_in=6000, out=6000)
    assert of(laptop, "HostThrashing", 2.5)[0]
    assert [bool(of(laptop, "HostThrashing", 2.5)[0]) for _ in range(30)].count(True) < 27


def test_the_limits_are_those_of_the_rule() -> None:
    groups = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["groups"]
    rules = {rule.get("alert", rule.get("record")): rule["expr"] for group in groups for rule in group["rules"]}
    thrashing = " ".join(rules["instance:host_thrashing:bool"].split())
    for limit in (
        f'{{what="swap in"}} >= {paging.SWAP} ',
        f'{{what="swap out"}} >= {paging.SWAP} ',
        f'{{what="waiting"}} < {paging.WAITING} ',
        f'{{what="faults"}} >= {paging.FAULTS} ',
        f'{{what="waiting for memory"}} >= {paging.WAITING} ',
        f"host_memory_total_bytes < {paging.AVAILABLE} ",
    ):
        assert limit in thrashing
    critical = next(r["expr"] for g in groups for r in g["rules"] if r.get("alert") == "HostThrashing")
    assert f'{{what="stalled"}} >= {paging.STALLED} ' in critical


def test_the_page_is_silent_about_paging_until_there_was_some(server: FixtureMachine) -> None:
    vmstat(server, faults=5000)
    assert server.read(Paging).is_quiet()
    for counters in ({"swapped_in": 1}, {"out": 1}, {"kills": 1}):
        vmstat(server, **counters)
        assert not server.read(Paging).is_quiet()


def test_the_programs_with_the_most_major_faults(laptop: FixtureMachine) -> None:
    section = laptop.later().section(Processes)
    assert section is not None
    assert [(each.name, round(each.fault_rate)) for each in section.faulting] == [
        ("java app.jar", 20),
        ("node server.js", 5),
    ]
    assert laptop.read(Processes).faulting == ()


def test_at_most_so_many_programs_are_named_for_their_faults(laptop: FixtureMachine) -> None:
    laptop.prime()
    for pid in (701, 702, 703, 704, 705, 707, 708):
        line = laptop.path(f"proc/{pid}/stat").read_bytes()
        laptop.write(f"proc/{pid}/stat", line.replace(b" 1200 0 3 0 ", b" 1200 0 %d 0 " % pid))
    assert len(laptop.read(Processes).faulting) == laptop.settings.top == 5


def test_the_next_victim_has_the_highest_score_and_what_it_has_swapped_counts(laptop: FixtureMachine) -> None:
    exposition = laptop.exposition()
    assert exposition.value("host_oom_next_victim_memory_bytes", name="Web (Content) 1") == (256 + 64) * MIB
    laptop.write("proc/705/oom_score", "0\n")
    assert exposition.labels("host_oom_next_victim_memory_bytes", "name") == {"Web (Content) 1"}
    assert laptop.exposition().value("host_oom_next_victim_memory_bytes", name="java app.jar") == 1024 * MIB


def test_without_scores_there_is_no_victim(laptop: FixtureMachine) -> None:
    for pid in (703, 705):
        laptop.remove(f"proc/{pid}/oom_score")
    assert laptop.read(Processes).next_victim is None
