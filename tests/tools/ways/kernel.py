"""The kernel at its limits, tasks that hang, a clock that is wrong, a machine that was not shut down."""

from __future__ import annotations

import ctypes
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.tools.ways.ways import Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tools.ways.machine import Machine


def _files(machine: Machine) -> None:
    machine.tree.write("proc/sys/fs/file-nr", "780000\t0\t800000\n")


def _threads(machine: Machine) -> None:
    machine.life.threads = 124_000


def _connections(machine: Machine, count: int = 300) -> None:
    row = f"{count:08x} " + " ".join(["00000000"] * 16)
    names = "clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error"
    text = f"entries  {names}  expect_new expect_create expect_delete search_restart\n" + f"{row}\n" * 4
    machine.tree.write("proc/1/net/stat/nf_conntrack", text)
    machine.tree.write("proc/sys/net/netfilter/nf_conntrack_count", f"{count}\n")
    machine.tree.write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n")


def _many_connections(machine: Machine) -> None:
    _connections(machine, 255_000)


def _hung(machine: Machine) -> None:
    machine.tree.write("proc/sys/kernel/hung_task_detect_count", "1\n")


class _Timex(ctypes.Structure):
    """struct timex of linux/timex.h; the rest is for what follows there."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    )


ADJ_MAXERROR, ADJ_ESTERROR, ADJ_STATUS, STA_UNSYNC = 0x4, 0x8, 0x10, 0x40
LOST = 16_000_000
"""Microseconds by which a clock may be wrong of which the kernel knows nothing any more."""


def _adjtimex(status: int, error: int) -> None:
    """Tell the kernel that its clock is kept right, or is not: as a time service does."""
    fields = _Timex(modes=ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR, status=status, maxerror=error, esterror=error)
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(fields)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")


@contextmanager
def synchronized() -> Iterator[None]:
    """Let the kernel believe that its clock is kept right, and restore what it believed before."""
    before = _Timex()
    ctypes.CDLL(None).adjtimex(ctypes.byref(before))
    _adjtimex(before.status & ~STA_UNSYNC, 1000)
    try:
        yield
    finally:
        _adjtimex(before.status, before.maxerror)


def _kept(machine: Machine) -> None:
    machine.stack.enter_context(synchronized())


def _wrong(machine: Machine) -> None:
    """Move the clock of our exporter; nothing else here may have another one, as Prometheus has it too."""
    (machine.folder / "clock").write_text("120\n")
    _adjtimex(STA_UNSYNC, LOST)


def _record(kind: int, user: str, when: float) -> bytes:
    """Return a record of wtmp, utmp(5)."""
    return struct.pack("=h2xi36x32s256x8xII36x", kind, 0, user.encode(), int(when), 0)


def _booted(machine: Machine) -> None:
    records = _record(2, "reboot", time.time() - machine.life.up)
    (machine.tree.root / "var/log").mkdir(parents=True, exist_ok=True)
    (machine.tree.root / "var/log/wtmp").write_bytes(records)


def _reset(machine: Machine) -> None:
    """Let the machine lose its power for a moment."""
    machine.die()
    with (machine.tree.root / "var/log/wtmp").open("ab") as file:
        file.write(_record(2, "reboot", time.time()))
    machine.life.boot()
    machine.start()


WAYS = (
    Way("descriptors", "open files at 97 % of the kernel's limit", "HostLimitNear", _files),
    Way("threads", "threads at 97 % of the kernel's limit", "HostLimitNear", _threads),
    Way("conntrack", "tracked connections at 97 % of their limit", "HostLimitNear", _many_connections, _connections),
    Way("hung", "a task hangs in the kernel", "HostTasksHung", _hung),
    Way(
        "clock",
        "a clock is two minutes ahead, and no time service keeps it",
        "HostClockWrong",
        _wrong,
        _kept,
        theirs=("NodeClockNotSynchronising",),
        real=True,
    ),
    Way("reset", "the machine is reset, and back at once", "HostRebootUnclean", _reset, _booted),
)
