"""Processes by psutil: one that cannot be read costs its own figures only."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from exporter.sources.processes import UNKNOWN
from exporter.sources.psutil_processes import PsutilProcesses
from tests.psutil_shapes import Process

if TYPE_CHECKING:
    from exporter.sources.processes import ProcessSample

ERRORS = [
    OSError(6, "Device not configured"),
    PermissionError(1, "Operation not permitted"),
    psutil.AccessDenied(7),
    psutil.ZombieProcess(7),
    ValueError("negative"),
    SystemError("returned a result with an exception set"),
    RuntimeError("proc_pidinfo failed"),
    NotImplementedError(),
]
CALLS = ["name", "cpu_times", "memory_info", "num_threads", "status", "create_time", "cmdline"]


def alike(pid: int) -> Process:
    return Process(pid, "python3.12", 2.0, 4096, command=["python3.12", f"/srv/run{pid}.py"], user="ann")


def scan(
    monkeypatch: pytest.MonkeyPatch, *processes: Process | Exception, source: PsutilProcesses
) -> list[ProcessSample]:
    """Scan processes with the PIDs 6, 7, 8...; psutil raises the exception instead of returning a process."""
    found = dict(enumerate(processes, 6))

    def open_process(pid: int) -> Process:
        process = found[pid]
        if isinstance(process, Exception):
            raise process
        return process

    monkeypatch.setattr(psutil, "pids", lambda: list(found))
    monkeypatch.setattr(psutil, "Process", open_process)
    return list(source.scan().values())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("call", CALLS)
def test_a_failing_call_costs_that_figure_of_that_process(
    monkeypatch: pytest.MonkeyPatch, call: str, error: Exception
) -> None:
    broken = alike(7).but(**{call: error})
    before, found, after = scan(monkeypatch, alike(6), broken, alike(8), source=PsutilProcesses())
    whole = [each._replace(pid=0, name="", started=0) for each in (before, after)]
    assert whole[0] == whole[1]
    assert [before.name, after.name] == ["python3.12 run6.py", "python3.12 run8.py"]
    expected: dict[str, Any] = {
        "name": {"name": "pid 7"},
        "cmdline": {"name": "python3.12"},
        "cpu_times": {"memory_bytes": 0},
        "memory_info": {"memory_bytes": 0},
        "num_threads": {"threads": None},
        "status": {"state": UNKNOWN},
        "create_time": {"started": 0.0},
    }
    assert isnan(found.cpu_seconds) == (call in {"cpu_times", "memory_info"})
    good = before._replace(pid=7, name="python3.12 run7.py", started=1007.0, cpu_seconds=found.cpu_seconds)
    assert found == good._replace(**expected[call])


@pytest.mark.parametrize(
    "error",
    [error for error in ERRORS if not isinstance(error, psutil.NoSuchProcess)],
    ids=lambda error: type(error).__name__,
)
def test_a_process_that_cannot_be_opened_counts(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    _, found, after = scan(monkeypatch, alike(6), error, alike(8), source=PsutilProcesses())
    assert (found.pid, found.name, found.state, found.memory_bytes) == (7, "pid 7", UNKNOWN, 0)
    assert after.name == "python3.12 run8.py"


@pytest.mark.parametrize("call", ["open", "name", "cpu_times", "status"])
def test_a_process_that_has_ended_is_missing(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    gone = psutil.NoSuchProcess(7)
    process = gone if call == "open" else alike(7).but(**{call: gone})
    assert [each.pid for each in scan(monkeypatch, alike(6), process, alike(8), source=PsutilProcesses())] == [6, 8]


def test_a_name_is_looked_up_again_when_the_program_or_the_process_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    source = PsutilProcesses()

    def name(process: Process) -> str:
        return scan(monkeypatch, process, source=source)[0].name

    assert name(alike(6)) == "python3.12 run6.py"
    assert name(alike(6).but(cmdline=["python3.12", "other.py"])) == "python3.12 run6.py"
    assert name(alike(6).but(create_time=5.0, cmdline=["python3.12", "other.py"])) == "python3.12 other.py"
    assert name(alike(6).but(create_time=5.0, name="sleep")) == "sleep"


@pytest.mark.parametrize("error", [*ERRORS, psutil.NoSuchProcess(6)], ids=lambda error: type(error).__name__)
def test_a_user_that_cannot_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    source = PsutilProcesses()
    [process] = scan(monkeypatch, alike(6).but(username=error), source=source)
    assert source.user(process) == ""
