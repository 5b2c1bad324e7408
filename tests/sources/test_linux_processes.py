"""What is cached for a Linux process: its name and user are looked up again until both can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from exporter.sources import linux_processes
from exporter.sources.host import LINUX, Host
from exporter.sources.linux_processes import SETTLED, LinuxProcesses, parse_stat

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not LINUX, reason="reads /proc")

PID = 4711
ANN, POSTGRES = 1000, 115


@dataclass
class OneProcess:
    """A /proc with one process, which changes as a test dictates; time passes only when told to."""

    root: Path
    now: float = 1000.0
    used: int = 0
    comm: str = "python3"
    start: int = 100
    script: str = "parent.py"
    uid: int = ANN
    source: LinuxProcesses = field(init=False)

    def __post_init__(self) -> None:
        (self.root / "proc" / str(PID)).mkdir(parents=True)
        (self.root / "etc").mkdir()
        (self.root / "etc/passwd").write_text(f"ann:x:{ANN}:::\npostgres:x:{POSTGRES}:::\n")
        self.source = LinuxProcesses(Host(str(self.root)))

    def clock(self) -> float:
        return self.now

    def shown(self, after: float = 0.0) -> tuple[str, str]:
        """Return the name and user found ``after`` seconds later. The process ran meanwhile: its stat line is new."""
        self.now += after
        self.used += 1
        folder = self.root / "proc" / str(PID)
        fields = f"S 1 1 1 0 -1 0 0 0 0 0 {self.used} 0 0 0 20 0 1 0 {self.start} 4096 1 0 0"
        (folder / "stat").write_text(f"{PID} ({self.comm}) {fields}\n")
        (folder / "cmdline").write_text(f"{self.comm}\0{self.script}\0")
        (folder / "status").write_text(f"Name:\t{self.comm}\nUid:\t0\t{self.uid}\t0\t0\n")
        sample = self.source.scan()[PID]
        return sample.name, self.source.user(sample)

    def settle(self) -> None:
        """Let it be seen for long enough that its name and user are final."""
        self.shown()
        self.shown(SETTLED + 1)


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneProcess:
    one = OneProcess(tmp_path)
    monkeypatch.setattr(linux_processes, "time", SimpleNamespace(monotonic=one.clock))
    return one


def test_a_reused_pid_has_the_name_and_user_of_the_new_process(process: OneProcess) -> None:
    """The program is the same: only the start time tells the two apart."""
    process.settle()
    process.start, process.script, process.uid = 5000, "other.py", POSTGRES
    assert process.shown(after=10) == ("python3 other.py", "postgres")


def test_a_process_that_becomes_another_program_takes_its_name_and_user(process: OneProcess) -> None:
    """A shell's exec keeps PID and start time: only the kernel's name gives it away."""
    process.comm, process.script = "sh", "run.sh"
    process.settle()
    process.comm, process.script, process.uid = "perl", "work.pl", POSTGRES
    assert process.shown(after=10) == ("perl work.pl", "postgres")


def test_between_fork_and_exec_a_process_has_its_parents_name_but_does_not_keep_it(process: OneProcess) -> None:
    """python3 starts python3: start time and kernel name stay the same, the command line changes."""
    assert process.shown() == ("python3 parent.py", "ann")
    process.script = "child.py"
    assert process.shown(after=SETTLED / 2)[0] == "python3 child.py"


def test_a_daemon_that_changes_its_user_right_after_its_start_is_shown_with_the_new_one(process: OneProcess) -> None:
    assert process.shown()[1] == "ann"
    process.uid = POSTGRES
    assert process.shown(after=SETTLED / 2)[1] == "postgres"


def test_the_new_user_is_found_even_if_the_daemon_has_been_idle_since(process: OneProcess) -> None:
    """Its line in /proc is unchanged and not parsed again; its user becomes final after the same time."""
    process.shown()
    sample = process.source.scan()[PID]
    status = process.root / f"proc/{PID}/status"
    shown = []
    for uid, seconds in ((POSTGRES, SETTLED / 2), (ANN, SETTLED), (POSTGRES, 10)):
        status.write_text(f"Uid:\t0\t{uid}\t0\t0\n")
        process.now += seconds
        assert process.source.scan()[PID] is sample
        shown.append(process.source.user(sample))
    assert shown == ["postgres", "ann", "ann"]


def test_a_change_at_the_last_moment_is_seen_by_the_final_look_up(process: OneProcess) -> None:
    process.shown()
    process.script, process.uid = "child.py", POSTGRES
    assert process.shown(after=SETTLED + 0.1) == ("python3 child.py", "postgres")


def test_a_settled_process_is_not_looked_up_again(process: OneProcess) -> None:
    """Each look-up costs two more files. The time counts from the first scan, or a process would never settle."""
    process.shown()
    for _ in range(3):
        process.shown(after=SETTLED * 0.4)
    process.script, process.uid = "changed.py", POSTGRES
    assert process.shown(after=10) == ("python3 parent.py", "ann")


@pytest.mark.parametrize(
    "change", [{"start": 5000}, {"comm": "python3.13"}], ids=["another process", "another program"]
)
def test_the_successor_of_a_settled_process_has_to_settle_itself(
    process: OneProcess, change: dict[str, int | str]
) -> None:
    process.settle()
    for name, value in change.items():
        setattr(process, name, value)
    process.shown(after=10)
    process.script, process.uid = "child.py", POSTGRES
    assert process.shown(after=SETTLED / 2) == (f"{process.comm} child.py", "postgres")


@pytest.mark.parametrize("place", [0, 6, 11, 17, 19, 21])
@pytest.mark.parametrize("number", ["-1", "9" * 400])
def test_a_line_with_an_impossible_number_is_not_a_process(place: int, number: str) -> None:
    """One such line used to cost the figures of all processes, or was shown as is. Resident pages may be negative."""
    fields = [
        "S",
        "0",
        "1",
        "1",
        "0",
        "-1",
        "64",
        "0",
        "0",
        "0",
        "0",
        "3",
        "2",
        "0",
        "0",
        "20",
        "0",
        "1",
        "0",
        "10",
        "9",
        "3",
    ]
    assert parse_stat(f"7 (x) {' '.join(fields)}".encode()).rss_pages == 3
    fields[place] = number
    if (place, number) == (21, "-1"):
        assert parse_stat(f"7 (x) {' '.join(fields)}".encode()).rss_pages == -1
        return
    with pytest.raises(ValueError, match="stat has impossible numbers"):
        parse_stat(f"7 (x) {' '.join(fields)}".encode())
