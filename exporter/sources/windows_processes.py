"""Processes from the table that Windows keeps of them: one system call returns all.

psutil asks about each process separately. For threads and state it reads this same table again each time, and for times
and memory, too, if the exporter may not open the process, which a normal user may not with the system's own: a scan of
208 processes took 4.6 s. The table shows every user all processes, with full names.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.process_memory import MemoryParts
from exporter.sources.process_names import display_name
from exporter.sources.processes import UNKNOWN, ProcessSample
from exporter.sources.psutil_processes import command_line, user_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Table = tuple[memoryview, int]
    """The table, and the address at which its pointers expect it to begin."""

IDLE_PID = 0
"""Windows counts the idle time of all CPUs as the CPU time of this process."""

UNITS = 10_000_000
"""Times are in units of 100 ns."""

ENTRY = struct.Struct("@IIqIIQqqqHHPiPPIINNNINN")
"""The beginning of SYSTEM_PROCESS_INFORMATION (winternl.h), laid out as the C compiler does, for 32 and 64 bits."""


class Entry(NamedTuple):
    """One process of the table; ``created``, ``user`` and ``kernel`` in 100 ns, memory in bytes."""

    pid: int
    name: str
    created: int
    user: int
    kernel: int
    working_set: int
    private: int
    threads: int


def entries(table: memoryview, address: int) -> Iterator[Entry]:
    """Yield the processes of a table. Raises ValueError if it is cut off."""
    begin = 0
    while True:
        if begin + ENTRY.size > len(table):
            raise ValueError("the table of processes is cut off")
        (following, threads, private, _, _, _, created, user, kernel, length, _, text, _, pid, *_, working_set) = (
            ENTRY.unpack_from(table, begin)
        )
        start = text - address if text else 0
        name = bytes(table[start : start + length]) if start > 0 else b""
        yield Entry(pid, name.decode("utf-16-le", "replace"), created, user, kernel, working_set, private, threads)
        if not following:
            return
        begin += following


class SystemTable:
    """Reads the table from Windows. Calling it returns a new one; raises OSError if there is none."""

    INFORMATION = 5  # SystemProcessInformation
    TOO_SMALL = 0xC0000004  # STATUS_INFO_LENGTH_MISMATCH
    ROOM = 64 * 1024
    ATTEMPTS = 8

    def __init__(self, query: Callable[..., int] | None = None) -> None:
        self._query = query or nt_query()
        self._size = 4 * self.ROOM

    def __call__(self) -> Table:
        """Return the table as it is now."""
        import ctypes  # noqa: PLC0415 - Linux and macOS do without its memory

        needed = ctypes.c_uint32()
        for _ in range(self.ATTEMPTS):
            buffer = ctypes.create_string_buffer(self._size)
            status = self._query(self.INFORMATION, buffer, self._size, ctypes.byref(needed))
            if status == 0:
                return memoryview(buffer).cast("B"), ctypes.addressof(buffer)
            if status != self.TOO_SMALL:
                raise OSError(f"NtQuerySystemInformation failed with status {status:#010x}")
            self._size = max(self._size, needed.value) + self.ROOM  # more processes may start in the meantime
        raise OSError("the table of processes grows faster than it can be read")


LIBRARY = "ntdll"


def nt_query() -> Callable[..., int]:
    """Return NtQuerySystemInformation. Raises OSError where there is none."""
    if sys.platform != "win32":
        raise OSError("only Windows has NtQuerySystemInformation")
    import ctypes  # noqa: PLC0415

    # By a variable: where the name is written out, PyInstaller looks for the library on other systems, too.
    query = ctypes.WinDLL(LIBRARY).NtQuerySystemInformation
    query.restype = ctypes.c_uint32  # the default is signed
    return query


@dataclass(slots=True)
class _Known:
    """What is looked up once in a process's life; ``user`` when it is first shown."""

    name: str
    user: str | None = None


class WindowsProcesses:
    """Scans what ``table`` returns. psutil says the rest: the user, and the script that an interpreter runs."""

    def __init__(self, table: Callable[[], Table] | None = None) -> None:
        self._table = table or SystemTable()
        self._known: dict[tuple[int, float], _Known] = {}
        self._private: dict[int, int] = {}

    def scan(self) -> dict[int, ProcessSample]:
        """Return all processes by PID; nothing there says what state one is in. Raises OSError or ValueError."""
        known, samples, private = {}, {}, {}
        for entry in entries(*self._table()):
            if entry.pid == IDLE_PID:
                continue
            private[entry.pid] = entry.private
            key = (entry.pid, float(entry.created))
            known[key] = self._known.get(key) or _Known(_name(entry))
            samples[entry.pid] = ProcessSample(
                pid=entry.pid,
                name=known[key].name,
                state=UNKNOWN,
                cpu_seconds=(entry.user + entry.kernel) / UNITS,
                memory_bytes=entry.working_set,
                threads=entry.threads,
                started=key[1],
            )
        self._known, self._private = known, private
        return samples

    def parts(self, process: ProcessSample) -> MemoryParts | None:
        """Return what its memory consisted of in the last scan; None if the table does not say, as under Wine."""
        own, resident = self._private.get(process.pid, 0), process.memory_bytes
        return MemoryParts(own, resident - own, 0) if 0 < own <= resident else None

    def user(self, process: ProcessSample) -> str:
        """Return the name of the user it runs as, "" if unknown. Asking may mean asking a domain controller."""
        known = self._known.get((process.pid, process.started))
        if known is None:
            return ""
        if known.user is None:
            known.user = user_name(process.pid)
        return known.user


def _name(entry: Entry) -> str:
    return display_name(entry.name, lambda: command_line(entry.pid), whole=True) if entry.name else f"pid {entry.pid}"
