"""What the kernel has given out, and the most that it gives: file descriptors, threads, tracked connections (Linux)."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.host import plain_int, read_bytes, read_int

if TYPE_CHECKING:
    from exporter.sources.host import Host

PER_NAMESPACE = (6, 14)
"""The Linux release since which each PID namespace has a pid_max of its own."""

_HEXADECIMAL = re.compile(rb"\s*([0-9a-f]{1,16})\s").match


class Use(NamedTuple):
    """How much of something is used, and the limit; None if unknown or if there is none. A limit of 0 is none."""

    used: int | None
    limit: int | None


def file_descriptors(host: Host) -> Use:
    """Return the open files of the whole machine, from /proc/sys/fs/file-nr. Only root may go beyond the limit."""
    fields = (read_bytes(f"{host.proc}/sys/fs/file-nr") or b"").split()
    return Use(plain_int(fields[0]), plain_int(fields[2]) or None) if len(fields) > 2 else Use(None, None)


def threads(host: Host, highest_pid: int | None) -> Use:
    """Return the threads of all processes (/proc/loadavg), and what is smaller, threads-max or pid_max.

    A container sees the pid_max of its own PID namespace, which says nothing about the machine's. Then the limit is
    known only if a process has a PID above threads-max: then pid_max is larger.
    """
    fields = (read_bytes(f"{host.proc}/loadavg") or b"").split()
    total = fields[3].rpartition(b"/")[2] if len(fields) > 3 else b""
    used = plain_int(total)
    most, pids = read_int(f"{host.proc}/sys/kernel/threads-max"), read_int(f"{host.proc}/sys/kernel/pid_max")
    if not most or not pids:
        return Use(used, None)
    if _own_pids(host):
        return Use(used, most if highest_pid is not None and highest_pid > most else None)
    return Use(used, min(most, pids))


def conntrack(host: Host) -> Use:
    """Return the tracked connections of the machine's network namespace, and the most that one may have.

    The entries are the first column of each row of /proc/1/net/stat/nf_conntrack: a hexadecimal number, the same in the
    row of each CPU. The limit is one number for all namespaces, but only if the kernel lets none of the others change
    it: later kernels may give each its own.
    """
    path = f"{host.init}/net/stat/nf_conntrack"
    rows = (read_bytes(path) or b"").split(b"\n", 2)
    entries = _HEXADECIMAL(rows[1]) if len(rows) > 1 else None
    if entries is None:
        return Use(None, None)
    name = f"{host.proc}/sys/net/netfilter/nf_conntrack_max"
    try:
        shared = not os.stat(name).st_mode & stat.S_IWUSR or _same(path, f"{host.proc}/self/net/stat/nf_conntrack")
    except OSError:
        shared = False
    return Use(int(entries[1], 16), (read_int(name) or None) if shared else None)


def hung_tasks(host: Host) -> int | None:
    """Return how often the kernel has found a task that hangs (Linux 6.11), None if it does not count them.

    It looks every two minutes and counts a task again for as long as it hangs.
    """
    return read_int(f"{host.proc}/sys/kernel/hung_task_detect_count")


def tcp(host: Host) -> tuple[int | None, int | None]:
    """Return the TCP segments sent again, and the connections that a full queue of a listener has dropped."""
    net = f"{host.init}/net"
    segments = _field(read_bytes(f"{net}/snmp"), b"Tcp:", b"RetransSegs")
    return segments, _field(read_bytes(f"{net}/netstat"), b"TcpExt:", b"ListenOverflows")


def _field(content: bytes | None, group: bytes, name: bytes) -> int | None:
    """Return a field of a file that has two lines for each group, one of names and one of numbers."""
    found = [line.split() for line in (content or b"").split(b"\n") if line.startswith(group)]
    try:
        return plain_int(found[1][found[0].index(name)])
    except (IndexError, ValueError):
        return None


def _own_pids(host: Host) -> bool:
    """Return whether this process is in another PID namespace than the machine's, with a pid_max of its own."""
    status = (read_bytes(f"{host.proc}/self/status") or b"").partition(b"\nNSpid:")[2].partition(b"\n")[0]
    release = (read_bytes(f"{host.proc}/sys/kernel/osrelease") or b"").strip().split(b"-")[0].split(b".")[:2]
    known = tuple(plain_int(part) or 0 for part in release)
    return len(status.split()) > 1 and known >= PER_NAMESPACE


def _same(one: str, other: str) -> bool:
    """Return whether two paths lead to the same file of /proc/PID/net, as they do within a network namespace."""
    return os.stat(one).st_ino == os.stat(other).st_ino
