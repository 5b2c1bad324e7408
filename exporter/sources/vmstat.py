"""Paging on Linux, from /proc/vmstat: what was swapped, pages that programs waited for, and kills for want of memory.

It is the machine's own: neither containers nor lxcfs have a vmstat of theirs. Of its 4 KiB, four lines are looked for;
taking apart all 190 would cost 40 us.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.host import LINUX, number, read_bytes

if TYPE_CHECKING:
    from exporter.sources.host import Host


PAGE = os.sysconf("SC_PAGE_SIZE") if LINUX else 4096
"""Bytes of a page, in which swap is counted."""


class Vmstat(NamedTuple):
    """Counters since boot; None for what the kernel does not count, NaN for what is no number.

    ``oom_kills`` counts processes that the kernel killed because memory ran out, in the whole machine or in a cgroup
    with a limit (Linux 4.13).
    """

    swap_in_bytes: float | None
    swap_out_bytes: float | None
    major_faults: float | None
    oom_kills: float | None


def read_vmstat(host: Host) -> Vmstat | None:
    """Return the machine's counters, None without the file."""
    text = read_bytes(f"{host.proc}/vmstat") if LINUX else None
    return None if text is None else parse_vmstat(text)


def parse_vmstat(text: bytes) -> Vmstat:
    """Parse lines of a name and a number."""
    swapped_in, swapped_out, faults, kills = (
        _count(text, name) for name in (b"pswpin", b"pswpout", b"pgmajfault", b"oom_kill")
    )
    return Vmstat(
        None if swapped_in is None else swapped_in * PAGE,
        None if swapped_out is None else swapped_out * PAGE,
        faults,
        kills,
    )


def _count(text: bytes, name: bytes) -> float | None:
    start = text.find(b"\n%b " % name) + len(name) + 2
    if start < len(name) + 2:
        if not text.startswith(b"%b " % name):  # the very first line
            return None
        start = len(name) + 1
    end = text.find(b"\n", start)
    return number(text[start : end if end >= 0 else None].strip())
