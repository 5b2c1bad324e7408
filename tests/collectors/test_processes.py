"""Processes: how many there are, and which use the most CPU and memory."""

from __future__ import annotations

import errno
import os
from dataclasses import asdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, NoReturn

import pytest

from exporter.collectors.processes import Process, Processes, Program
from exporter.sources import linux_processes
from tests.machines import FixtureMachine

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.model import Snapshot
    from tests.other_systems import MacOs, Windows

MIB = 2**20
WEIRD = '\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"\\x'
STAT = "{pid} ({name}) S 1 1 1 0 -1 {flags} 0 0 0 0 {utime} {stime} 0 0 20 0 {threads} 0 {start} 4096 {rss} 0 0\n"


def processes(snapshot: Snapshot) -> Processes:
    assert not snapshot.failures(), [reading.error for reading in snapshot.failures()]
    section = snapshot.section(Processes)
    assert section is not None
    return section


def put(
    machine: FixtureMachine, pid: int, *, name: str = "x", cpu: int = 0, rss: int = 1, start: int = 9, threads: int = 1
) -> None:
    """Write the files of a process that has used ``cpu`` ticks and holds ``rss`` pages."""
    values = {
        "pid": pid,
        "name": name,
        "flags": 0,
        "utime": cpu,
        "stime": 0,
        "start": start,
        "threads": threads,
        "rss": rss,
    }
    machine.write(f"proc/{pid}/stat", STAT.format(**values))


def cores(machine: FixtureMachine) -> dict[str, float | None]:
    return {program.name: program.cpu_cores for program in processes(machine.sample()).programs}


def test_the_programs_are_the_top_ones_by_cpu_and_by_memory(laptop: FixtureMachine) -> None:
    section = processes(laptop.later())
    expected = [
        Program("python3 train.py", 0.95, 512 * MIB, 1),
        Program("java app.jar", 0.25, 1024 * MIB, 1),
        Program("two?lines", 0.15, 4 * MIB, 1),
        Program("node server.js", 0.10, 128 * MIB, 1),
        Program("postgres", 0.05, 38 * MIB, 2),  # 32 MiB each, of which 26 are shared
        Program("Web (Content) 1", 0.025, 256 * MIB, 1),
        Program(WEIRD, 0.0, 192 * MIB, 1),
        Program("gnome-terminal-server", 0.0, 160 * MIB, 1),
    ]
    assert [asdict(program) for program in section.programs] == [
        {**asdict(program), "cpu_cores": pytest.approx(program.cpu_cores)} for program in expected
    ]


def test_single_processes_have_pid_user_threads_and_state(laptop: FixtureMachine) -> None:
    shown = {process.pid: process for process in processes(laptop.later()).processes}
    train = Process(701, "python3 train.py", "ann", shown[701].cpu_cores, 512 * MIB, 8, "running")
    assert shown[701] == train
    assert train.cpu_cores == pytest.approx(0.95)
    assert shown[706].state == "running"
    assert shown[703].user == "4242"  # a number if the machine has no name for it
    assert {shown[pid].user for pid in (709, 710) if pid in shown} <= {"postgres"}


def test_only_the_script_of_a_command_line_is_ever_shown(laptop: FixtureMachine) -> None:
    assert "hunter2" in laptop.path("proc/701/cmdline").read_text()
    assert "hunter2" not in repr(processes(laptop.later()))


def test_states_are_counted_and_those_without_processes_are_zero(laptop: FixtureMachine) -> None:
    section = processes(laptop.sample())
    assert section.total == 14
    expected = {"running": 1, "sleeping": 9, "disk-sleep": 1, "stopped": 0, "zombie": 1, "idle": 2}
    assert section.states == expected
    exposition = laptop.exposition()
    assert {state: exposition.value("host_processes", state=state) for state in expected} == expected


def test_kernel_threads_of_one_kind_are_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kworker/0:1-events becomes kworker/0:1-mm_percpu_wq a moment later: one series each would fill the storage."""
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch, top=50)
    laptop.prime()
    for pid in (57, 58):
        line = laptop.path(f"proc/{pid}/stat").read_text()
        laptop.write(f"proc/{pid}/stat", line.replace("(kworker/", "(kworker/u9:").replace(" 0 40 ", " 0 41 "))
    [worker] = [program for program in processes(laptop.sample()).programs if "worker" in program.name]
    assert (worker.name, worker.memory_bytes, worker.instances) == ("kworker", 0, 2)
    assert worker.cpu_cores == pytest.approx(0.001)


def test_processes_that_end_vanish_from_the_next_sample(laptop: FixtureMachine) -> None:
    assert "java app.jar" in laptop.exposition().labels("host_top_process_instances", "name")
    laptop.remove("proc/703")
    exposition = laptop.exposition()
    for name in ("cpu_cores", "memory_bytes", "instances"):
        assert "java app.jar" not in exposition.labels(f"host_top_process_{name}", "name")
    assert (
        sum(
            exposition.value("host_processes", state=state) or 0
            for state in exposition.labels("host_processes", "state")
        )
        == 13
    )


def test_a_name_in_the_list_carries_all_three_series(laptop: FixtureMachine) -> None:
    exposition = laptop.exposition(laptop.later())
    names = [
        exposition.labels(f"host_top_process_{kind}", "name") for kind in ("cpu_cores", "memory_bytes", "instances")
    ]
    assert names[0] == names[1] == names[2]
    assert WEIRD in names[0]


@pytest.mark.parametrize(("top", "most"), [(1, 2), (3, 6), (5, 10)])
def test_there_are_at_most_two_names_for_each_of_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, top: int, most: int
) -> None:
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch, top=top)
    section = processes(laptop.later())
    assert top < len(section.programs) <= most
    assert {"python3 train.py", "java app.jar"} <= {program.name for program in section.programs}


def test_cpu_is_what_was_used_since_the_previous_sample(server: FixtureMachine) -> None:
    put(server, 99, name="load", cpu=100)
    server.prime()
    put(server, 99, name="load", cpu=350)
    assert cores(server)["load"] == pytest.approx(0.25)
    assert cores(server)["load"] == 0.0


def test_a_process_started_since_the_baseline_counts_with_all_it_used(server: FixtureMachine) -> None:
    server.prime()
    put(server, 99, name="new", cpu=500)
    assert cores(server)["new"] == pytest.approx(0.5)


def test_the_past_of_an_old_process_that_has_just_become_visible_does_not_count(server: FixtureMachine) -> None:
    server.prime()
    put(server, 99, name="old", cpu=9_999_999, threads=2)
    assert cores(server)["old"] == pytest.approx(2.0)


def test_a_reused_pid_is_another_process(server: FixtureMachine) -> None:
    put(server, 99, name="first", cpu=900, start=10)
    server.prime()
    put(server, 99, name="second", cpu=100, start=5000)
    assert cores(server)["second"] == pytest.approx(0.1)


def test_the_very_first_sample_already_has_values(laptop: FixtureMachine) -> None:
    java = [each for each in laptop.exposition().samples if each.labels.get("name") == "java app.jar"]
    assert {each.name: each.value for each in java} == {
        "host_top_process_cpu_cores": 0,
        "host_top_process_memory_bytes": 1024 * MIB,
        "host_top_process_instances": 1,
    }


@pytest.mark.parametrize("content", [b"", b"99 (cut", b"99 (cut) S 1 2", b"no brackets", b"99 (x) S " + b"y " * 40])
def test_a_truncated_line_is_a_process_that_is_just_ending(server: FixtureMachine, content: bytes) -> None:
    server.write("proc/99/stat", content)
    section = processes(server.sample())
    assert section.total == 2


def test_the_windows_idle_process_and_unreadable_details_are_left_out(windows: Windows) -> None:
    section = processes(windows.sample())
    assert section.total == 3
    shown = {process.name: process for process in section.processes}
    train = shown["python.exe train.py"]
    assert (train.user, train.memory_bytes) == ("DESKTOP-7\\ann", 1024 * MIB)
    assert train.cpu_cores == pytest.approx(0.5)
    assert "System Idle Process" not in windows.exposition().labels("host_top_process_cpu_cores", "name")
    assert "hunter2" not in repr(section)


def test_windows_has_no_states_so_none_is_zero_and_the_total_is_true(windows: Windows) -> None:
    section = processes(windows.sample())
    assert (section.total, section.states) == (3, {"unknown": 3})
    assert windows.exposition().labels("host_processes", "state") == {"unknown"}


def test_cpu_time_that_could_not_be_read_once_does_not_count_as_used_later(macos: MacOs) -> None:
    macos.sample()
    macos.answers["cpu_times"] = OSError(6, "Device not configured")
    assert macos.read(Processes).programs == ()
    macos.answers.clear()
    [program] = macos.read(Processes).programs
    assert (program.name, program.cpu_cores) == ("Python train.py", 0.0)
    [program] = macos.read(Processes).programs
    assert program.cpu_cores == pytest.approx(0.5)


def test_macos_calls_its_interpreter_python_with_a_capital(macos: MacOs) -> None:
    assert [program.name for program in processes(macos.sample()).programs] == ["Python train.py"]


def test_a_process_that_cannot_be_read_costs_itself_alone(laptop: FixtureMachine) -> None:
    good = laptop.read(Processes)
    laptop.write("proc/77777/stat/nothing", "")  # reading a directory fails with an error that is not about permission
    assert laptop.read(Processes).total == good.total


def test_running_out_of_descriptors_is_a_failure_and_not_a_machine_with_few_processes(
    laptop: FixtureMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    laptop.read(Processes)
    monkeypatch.setattr(linux_processes, "os", SimpleNamespace(open=none_left, listdir=os.listdir, O_RDONLY=0))
    failed = {failure.collector: failure.error for failure in laptop.sample().failures()}
    assert failed == {"processes": "Too many open files"}
