"""The state of the machine in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collectors.battery import Battery
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.limits import Limit, Limits
from exporter.collectors.temperature import Temperature, Temperatures
from exporter.findings import degrees
from exporter.render.words import headline, sentence, sentences
from exporter.thresholds import Level
from tests.render.figures import THRESHOLDS, cpu, filesystem, memory, processes, snapshot, whole


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("usages", "words"),
    [
        ((0.1, 0.1, 0.1), "all well"),
        ((0.8, 0.1, 0.1), "1 warning"),
        ((0.8, 0.85, 0.1), "2 warnings"),
        ((0.9, 0.1, 0.1), "1 critical"),
        ((0.95, 0.99, 0.8), "2 critical, 1 warning"),
        ((0.95, 0.85, 0.8), "1 critical, 2 warnings"),
    ],
)
def test_the_headline_counts_levels(usages: tuple[float, float, float], words: str) -> None:
    assert headline(whole(*usages)) == words


def test_unreadable_figures_are_not_called_well() -> None:
    assert headline(snapshot(failed={"cpu": "no"})) == "figures missing"
    assert headline(snapshot(cpu(0.95), failed={"memory": "no"})) == "1 critical, figures missing"
    assert snapshot(failed={"cpu": "no"}).level() is Level.WARNING


def test_things_unreadable_for_the_same_reason_share_one_sentence() -> None:
    dead = [filesystem(path, None, "no answer in 2 s") for path in ("/a", "/b")]
    sample = snapshot(Filesystems((*dead, filesystem("/c", None, "not allowed"))), failed={"cpu": "OSError: no"})
    assert [text for _, text in sentences(sample)] == [
        "Filesystem /a cannot be read: no answer in 2 s; the same goes for /b",
        "Filesystem /c cannot be read: not allowed",
        "The figures for cpu are missing: OSError: no",
    ]
    noted = [text for _, text in sentences(sample, lambda finding: "!" if finding.subject == "/b" else "")]
    assert noted[:2] == [
        "Filesystem /a cannot be read: no answer in 2 s",
        "Filesystem /b cannot be read: no answer in 2 s!",
    ]
    assert [finding.subject for finding in sample.findings()] == ["/a", "/b", "/c", "cpu"]
    assert sentences(snapshot(cpu(0.5))) == []


def test_a_low_battery_is_a_finding_only_on_battery_power() -> None:
    assert [_plain(text) for _, text in sentences(snapshot(Battery(0.03, plugged=False, remaining_seconds=None)))] == [
        "Battery 3 % (warning at 15 % or less)"
    ]
    assert headline(snapshot(Battery(0.03, plugged=False, remaining_seconds=None))) == "1 warning"
    for charge, plugged in ((0.03, True), (0.03, None), (0.16, False)):
        assert headline(snapshot(Battery(charge, plugged, None))) == "all well"
    assert headline(snapshot(Battery(0.15, plugged=False, remaining_seconds=None))) == "1 warning"


def test_a_filesystem_out_of_inodes_is_a_finding_besides_its_space() -> None:
    full = replace(filesystem("/srv", 0.95), inodes_usage_ratio=1.0)
    assert [_plain(text) for _, text in sentences(snapshot(Filesystems((full,))))] == [
        "Filesystem /srv 95 % (critical at 90 %)",
        "Inodes on /srv 100 % (warning at 90 %)",
    ]
    assert headline(snapshot(Filesystems((replace(full, inodes_usage_ratio=0.89),)))) == "1 critical"


def test_the_worst_finding_comes_first() -> None:
    found = whole(0.85, 0.95, 0.99).findings()
    assert [(finding.kind, finding.subject) for finding in found] == [
        ("HostFilesystemFull", "/"),
        ("HostHighMemory", ""),
        ("HostHighCpu", ""),
    ]


def test_cpu_names_the_programs_that_use_the_most_and_not_the_idle_ones() -> None:
    (finding,) = snapshot(cpu(0.93)).findings()
    assert _plain(sentence(finding, processes())) == (
        "CPU 93 % (critical at 90 %): python3 train.py 1.90 cores, postgres 0.40 cores"
    )


def test_memory_names_the_programs_that_use_the_most() -> None:
    (finding,) = snapshot(memory(0.81)).findings()
    assert _plain(sentence(finding, processes())) == (
        "Memory 81 % (warning at 80 %): postgres 5.0 GiB, python3 train.py 2.0 GiB, bash 10.0 MiB"
    )


def test_a_filesystem_names_its_mountpoint_and_no_program() -> None:
    (finding,) = snapshot(Filesystems((filesystem("/data", 0.97),))).findings()
    assert _plain(sentence(finding, processes())) == "Filesystem /data 97 % (critical at 90 %)"


def test_without_processes_the_finding_names_no_program() -> None:
    (finding,) = snapshot(cpu(0.85)).findings()
    assert _plain(sentence(finding, None)) == "CPU 85 % (warning at 80 %)"


@pytest.mark.parametrize(
    ("ratio", "level"), [(0.7999, Level.OK), (0.8, Level.WARNING), (0.8999, Level.WARNING), (0.9, Level.CRITICAL)]
)
def test_a_level_is_reached_at_its_value(ratio: float, level: Level) -> None:
    assert THRESHOLDS.cpu.level(ratio) is level


def test_levels_are_ordered_and_lower_case() -> None:
    assert max(Level.WARNING, Level.CRITICAL, Level.OK) is Level.CRITICAL
    assert [str(level) for level in Level] == ["ok", "warning", "critical"]


def test_many_findings_of_one_kind_and_level_share_a_line() -> None:
    hot = snapshot(Temperatures(tuple(Temperature("board", f"temp{n}", 99.0, 90.0) for n in range(280))))
    texts = [_plain(text) for _, text in sentences(hot)]
    assert texts == [f"Temperature of board temp{n} is 99.0 °C (warning at 90.0 °C)" for n in range(3)] + [
        "and 277 more like these"
    ]
    assert len(hot.findings()) == 280
    assert headline(hot) == "280 warnings"
    four = snapshot(Temperatures(tuple(Temperature("board", f"temp{n}", 99.0, 90.0) for n in range(4))))
    assert len(sentences(four)) == len(four.findings()) == 4


def test_five_of_the_things_that_share_a_sentence_are_named() -> None:
    dead = snapshot(Filesystems(tuple(filesystem(f"/{n}", None, "no answer") for n in range(18))))
    ((_, text),) = sentences(dead)
    assert text == "Filesystem /0 cannot be read: no answer; the same goes for /1, /2, /3, /4, /5 and 12 more"


def test_a_limit_of_the_kernel_has_the_name_that_its_table_and_its_email_use() -> None:
    near = snapshot(Limits((Limit("conntrack", 949, 1000),), 0, 0, 0))
    ((finding, text),) = sentences(near)
    assert (_plain(text), finding.subject) == ("Tracked connections 94 % (warning at 80 %)", "conntrack")


@pytest.mark.parametrize(
    ("celsius", "text"), [(81.85, "81.8"), (41.85, "41.8"), (99.96, "99.9"), (100.0, "100.0"), (-4.06, "-4.0")]
)
def test_degrees_are_cut(celsius: float, text: str) -> None:
    assert degrees(celsius) == text
