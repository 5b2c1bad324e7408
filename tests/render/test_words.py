"""The state of the machine in words."""

from __future__ import annotations

import pytest

from exporter.collectors.filesystem import Filesystems
from exporter.findings import findings, worst
from exporter.render.words import headline, not_readable, sentence
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
    assert headline(findings(whole(*usages), THRESHOLDS), []) == words


def test_what_cannot_be_read_is_not_called_well() -> None:
    assert headline((), ["The cpu figures are missing: no"]) == "figures missing"
    assert headline(findings(whole(0.95), THRESHOLDS), ["..."]) == "1 critical, figures missing"


def test_what_cannot_be_read_is_said_and_filesystems_of_one_error_together() -> None:
    dead = [filesystem(path, None, "no answer in 2 s") for path in ("/a", "/b")]
    sample = snapshot(Filesystems((*dead, filesystem("/c", None, "not allowed"))), failed={"cpu": "OSError: no"})
    assert not_readable(sample) == [
        "The cpu figures are missing: OSError: no",
        "Filesystems /a, /b cannot be read: no answer in 2 s",
        "Filesystem /c cannot be read: not allowed",
    ]
    assert not_readable(snapshot(cpu(0.5))) == []


def test_a_machine_of_which_nothing_is_known_has_no_findings() -> None:
    found = findings(snapshot(failed={"cpu": "no"}), THRESHOLDS)
    assert found == ()
    assert worst(found) is Level.OK


def test_the_worst_finding_comes_first() -> None:
    found = findings(whole(0.85, 0.95, 0.99), THRESHOLDS)
    assert [(finding.resource, finding.subject) for finding in found[:3]] == [
        ("filesystem", "/"),
        ("memory", ""),
        ("cpu", ""),
    ]


def test_cpu_names_the_programs_that_use_most_of_it_and_not_the_idle_ones() -> None:
    (finding,) = findings(snapshot(cpu(0.93)), THRESHOLDS)
    assert _plain(sentence(finding, processes())) == (
        "CPU 93 % (critical from 90 %): python3 train.py 1.90 cores, postgres 0.40 cores"
    )


def test_memory_names_the_programs_that_use_most_of_it() -> None:
    (finding,) = findings(snapshot(memory(0.81)), THRESHOLDS)
    assert _plain(sentence(finding, processes())) == (
        "Memory 81 % (warning from 80 %): postgres 5.0 GiB, python3 train.py 2.0 GiB, bash 10.0 MiB"
    )


def test_a_filesystem_names_its_mountpoint_and_no_program() -> None:
    (finding,) = findings(snapshot(Filesystems((filesystem("/data", 0.97),))), THRESHOLDS)
    assert _plain(sentence(finding, processes())) == "Filesystem /data 97 % (critical from 90 %)"


def test_without_the_processes_the_finding_is_said_alone() -> None:
    (finding,) = findings(snapshot(cpu(0.85)), THRESHOLDS)
    assert _plain(sentence(finding, None)) == "CPU 85 % (warning from 80 %)"


def test_a_filesystem_that_cannot_be_read_has_no_level() -> None:
    assert findings(snapshot(Filesystems((filesystem("/dead", None, "no answer"),))), THRESHOLDS) == ()


@pytest.mark.parametrize(
    ("ratio", "level"), [(0.7999, Level.OK), (0.8, Level.WARNING), (0.8999, Level.WARNING), (0.9, Level.CRITICAL)]
)
def test_a_level_is_reached_at_its_value(ratio: float, level: Level) -> None:
    assert THRESHOLDS.cpu.level(ratio) is level


def test_levels_are_ordered_and_written_small() -> None:
    assert max(Level.WARNING, Level.CRITICAL, Level.OK) is Level.CRITICAL
    assert [str(level) for level in Level] == ["ok", "warning", "critical"]
