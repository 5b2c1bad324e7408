"""Processes whose files are unreadable for an unprivileged user, such as a container's."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.processes import Processes
from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.sources.host import LINUX
from tests.machines import FixtureMachine

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not LINUX, reason="reads /proc")
NOBODY = 65534


@contextmanager
def nobody() -> Iterator[None]:
    """Become an unprivileged user for a while; a user who already is one stays the same."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch) -> Iterator[FixtureMachine]:
    """The laptop, readable for everybody (pytest's own folders are private to its user)."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield FixtureMachine("laptop", Path(folder), monkeypatch)


def read(machine: FixtureMachine) -> Processes:
    with nobody():
        return machine.read(Processes)


def forbid(machine: FixtureMachine, path: str) -> None:
    machine.path(path).chmod(0o000)
    with nobody(), pytest.raises(PermissionError):
        machine.path(path).read_bytes()


def test_an_unreadable_process_is_left_out(laptop: FixtureMachine) -> None:
    forbid(laptop, "proc/703/stat")
    section = read(laptop)
    assert section.total == 13
    assert "java app.jar" not in {program.name for program in section.programs}


def test_without_its_command_line_a_process_keeps_its_own_name(laptop: FixtureMachine) -> None:
    forbid(laptop, "proc/703/cmdline")
    assert "java" in {program.name for program in read(laptop).programs}


def test_without_its_status_a_process_has_no_user(laptop: FixtureMachine) -> None:
    forbid(laptop, "proc/703/status")
    shown = {process.pid: process for process in read(laptop).processes}
    assert shown[703].user == ""
    assert shown[701].user == "ann"


def test_a_folder_that_cannot_be_entered_is_left_out(laptop: FixtureMachine) -> None:
    laptop.path("proc/703").chmod(0o000)
    assert read(laptop).total == 13
    laptop.path("proc/703").chmod(0o755)


def test_an_unprivileged_user_sees_this_machines_processes_and_no_collector_fails() -> None:
    with nobody():
        sampler = Sampler(open_machine(Settings()))
        sampler.prime()
        snapshot = sampler.sample()
    assert not snapshot.failures(), [(each.collector, each.error) for each in snapshot.failures()]
    section = snapshot.section(Processes)
    assert section is not None
    assert os.getpid() in section.scanned
