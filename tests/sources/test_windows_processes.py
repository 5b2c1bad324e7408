"""Processes from Windows' table: what is read from it, and how often anything is asked."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from exporter.sources.host import WINDOWS
from exporter.sources.process_memory import MemoryParts
from exporter.sources.processes import UNKNOWN
from exporter.sources.program_memory import ProgramMemory
from exporter.sources.windows_processes import SystemTable, WindowsProcesses, entries, nt_query
from tests.windows_table import ADDRESS, NtQuery, Row, table

FROM_1601_TO_1970 = 11_644_473_600
"""Seconds by which Windows' epoch precedes that of Unix."""

DENIED = psutil.AccessDenied(4)


class Asked:
    """What psutil answers for one process; counts the questions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
        self.answers = answers
        self.questions: list[tuple[str, int]] = []
        monkeypatch.setattr(psutil, "Process", self._open)

    def _open(self, pid: int) -> Any:
        def ask(question: str) -> Any:
            self.questions.append((question, pid))
            answer = self.answers.get(question, DENIED)
            if isinstance(answer, Exception):
                raise answer
            return answer

        class Process:
            def __getattr__(self, question: str) -> Any:
                return lambda: ask(question)

        return Process()


def scanner(rows: list[Row]) -> tuple[WindowsProcesses, NtQuery]:
    query = NtQuery(rows)
    return WindowsProcesses(SystemTable(query)), query


def test_every_figure_is_read_from_the_table() -> None:
    source, _ = scanner([Row(0, "", 9e5), Row(4, "System", 12.5, 40960, 210), Row(88, "svchost.exe", 0.5, 2**33, 7)])
    system, svchost = source.scan().values()
    assert (system.pid, system.name, system.state, system.cpu_seconds) == (4, "System", UNKNOWN, 12.5)
    assert (system.memory_bytes, system.threads) == (40960, 210)
    assert (svchost.pid, svchost.name, svchost.cpu_seconds, svchost.memory_bytes) == (88, "svchost.exe", 0.5, 2**33)


@pytest.mark.parametrize("count", [10, 500])
def test_one_sample_is_one_call_however_many_processes_there_are(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    asked = Asked(monkeypatch)
    source, query = scanner([Row(4 * n + 4, f"a program with a long name {n}.exe") for n in range(count)])
    source.scan()
    first = query.calls
    for _ in range(5):
        assert len(source.scan()) == count
    assert first <= 2  # the second with room for the table
    assert query.calls == first + 5
    assert asked.questions == []


def test_the_script_and_the_user_are_asked_for_once_in_a_process_s_life(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch, cmdline=["C:\\Python\\python.exe", "C:\\jobs\\train.py"], username="PC\\ann")
    source, query = scanner([Row(20, "python.exe"), Row(24, "explorer.exe")])
    for _ in range(3):
        found = source.scan()
        assert found[20].name == "python.exe train.py"
        assert [source.user(process) for process in found.values()] == ["PC\\ann"] * 2
    assert sorted(asked.questions) == [("cmdline", 20), ("username", 20), ("username", 24)]
    query.rows = [Row(20, "python.exe", created=134_000_000_000_000_000)]  # another process
    asked.answers["cmdline"] = ["python.exe", "serve.py"]
    assert source.scan()[20].name == "python.exe serve.py"


@pytest.mark.parametrize(
    "error",
    [
        OSError(31, "A device attached to the system is not functioning"),
        psutil.NoSuchProcess(20),
        psutil.ZombieProcess(20),
        DENIED,
        SystemError("returned a result with an exception set"),
        UnicodeDecodeError("utf-16", b"", 0, 1, "truncated"),
    ],
)
def test_whatever_psutil_raises_costs_the_script_or_the_user_only(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    Asked(monkeypatch, cmdline=error, username=error)
    source, _ = scanner([Row(20, "python.exe", 3.0), Row(24, "explorer.exe")])
    found = source.scan()
    assert [process.name for process in found.values()] == ["python.exe", "explorer.exe"]
    assert found[20].cpu_seconds == 3.0
    assert source.user(found[20]) == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Docker Desktop.exe", "Docker Desktop.exe"),
        ("b\u00fcro \u2014 x=1.exe", "b\u00fcro \u2014 x=1.exe"),
        ("a" * 60 + ".exe", "a" * 60 + ".exe"),
        ("\ud800.exe", "\N{REPLACEMENT CHARACTER}.exe"),
        ("line\nbreak.exe", "line?break.exe"),
        ("", "pid 24"),
    ],
)
def test_a_name_is_the_program_s_file_and_shown_in_full(monkeypatch: pytest.MonkeyPatch, name: str, shown: str) -> None:
    asked = Asked(monkeypatch)
    source, _ = scanner([Row(24, name)])
    assert source.scan()[24].name == shown
    assert asked.questions == []


def test_a_table_that_grows_while_it_is_read_is_asked_for_again() -> None:
    query = NtQuery([Row(4, "System")])
    source = WindowsProcesses(SystemTable(query))
    assert len(source.scan()) == 1
    query.rows = [Row(4 * n, "x.exe", threads=100) for n in range(1, 400)]
    assert len(source.scan()) == 399


def test_a_table_that_cannot_be_read_is_an_error_of_one_line() -> None:
    with pytest.raises(OSError, match="failed with status 0xc0000022"):
        SystemTable(lambda *_: 0xC0000022)()
    with pytest.raises(OSError, match="grows faster than it can be read"):
        SystemTable(lambda *_: 0xC0000004)()


def test_a_table_that_is_cut_off_is_refused_and_none_reads_beyond_it() -> None:
    whole = table([Row(4, "System"), Row(8, "x.exe")])
    assert [entry.name for entry in entries(memoryview(whole), ADDRESS)] == ["System", "x.exe"]
    second = len(table([Row(4, "System")]))
    for length in (0, 8, 150, second, second + 150):
        with pytest.raises(ValueError, match="cut off"):
            list(entries(memoryview(whole[:length]), ADDRESS))
    [wild] = entries(memoryview(table([Row(4, "System")])), ADDRESS + 2**40)  # a pointer that leads elsewhere
    assert wild.name == ""


if WINDOWS:

    def test_windows_and_psutil_agree_on_this_machine() -> None:
        before, found, after = set(psutil.pids()), WindowsProcesses().scan(), set(psutil.pids())
        assert (before & after) - {0} <= set(found) <= before | after
        this = psutil.Process()
        own = found[this.pid]
        assert own.threads == this.num_threads()
        assert own.memory_bytes == pytest.approx(this.memory_info().rss, rel=0.2)
        assert own.cpu_seconds == pytest.approx(sum(this.cpu_times()[:2]), abs=0.5)
        assert own.started == pytest.approx((this.create_time() + FROM_1601_TO_1970) * 1e7, rel=1e-9)

else:

    def test_other_systems_say_that_they_have_no_table() -> None:
        with pytest.raises(OSError, match="only Windows"):
            nt_query()


def test_what_is_private_is_read_from_the_table() -> None:
    source, _ = scanner([Row(4, "System", memory=40960, private=8192), Row(88, "svchost.exe", memory=2**33)])
    system, svchost = source.scan().values()
    assert source.parts(system) == MemoryParts(8192, 32768, 0)
    assert source.parts(svchost) is None  # 0, as under Wine: not known


@pytest.mark.parametrize("private", [-1, 40961, 2**62])
def test_more_private_than_resident_memory_is_unknown(private: int) -> None:
    source, _ = scanner([Row(4, "System", memory=40960, private=private)])
    [system] = source.scan().values()
    assert source.parts(system) is None


def test_the_pages_that_a_program_s_processes_share_count_once() -> None:
    mib = 2**20
    rows = [Row(4 * n, "chrome.exe", memory=200 * mib, private=(60 + n) * mib) for n in range(1, 4)]
    source, _ = scanner([*rows, Row(40, "chrome.exe", memory=50 * mib)])
    group = list(source.scan().values())
    figures = ProgramMemory(source).largest({"chrome.exe": group}, {"chrome.exe": 650 * mib}, 1, ())
    assert figures == {"chrome.exe": (61 + 62 + 63 + 139 + 50) * mib}
