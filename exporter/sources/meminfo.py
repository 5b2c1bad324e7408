"""Memory and swap on Linux, from /proc/meminfo.

The kernel's MemAvailable leaves out two kinds of memory that programs can get: ZFS' cache (ARC), which is neither page
cache nor reclaimable slab, and huge pages set aside that nobody uses. Without them, a machine with ZFS or with a pool
of huge pages would be out of memory all its life.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from exporter.plausible import IMPOSSIBLE
from exporter.sources.host import counter, number, read_bytes, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host

KIB = 1024


class Amounts(NamedTuple):
    """Bytes; None for what the kernel does not say, NaN for what cannot be.

    ``anonymous`` and ``shared`` is what all programs hold together, each page counted once; ``shared`` includes tmpfs.
    """

    total: float | None
    available: float | None
    free: float | None
    swap_total: float | None
    swap_free: float | None
    anonymous: float | None
    shared: float | None


class _Pool(NamedTuple):
    """Huge pages of one size (KiB): how many are free, promised to programs that have not used them yet, and in all."""

    size: float | None
    free: float | None
    promised: float | None
    pages: float | None


def read_memory(host: Host) -> Amounts:
    """Return the machine's memory. Raises OSError if /proc/meminfo cannot be read or says nothing of memory."""
    path = f"{host.proc}/meminfo"
    with open(path, "rb", buffering=0) as file:
        table = parse_meminfo(file.read().decode(errors="replace"))
    if not table.keys() & {"MemTotal", "MemAvailable", "MemFree"}:
        raise OSError(f"{path} says nothing of memory")
    total, available = _bytes(table, "MemTotal"), _available(table)
    if total is not None and available is not None:
        available += _obtainable(host, table, available)
    others = (_bytes(table, name) for name in ("MemFree", "SwapTotal", "SwapFree", "AnonPages", "Shmem"))
    return Amounts(total, available, *others)


def parse_meminfo(text: str) -> dict[str, float]:
    """Return the numbers by name, amounts in KiB and pages as a count; NaN for what is no number."""
    table = {}
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        if colon:
            table[name.strip()] = counter((rest.split() or [""])[0])
    return table


def _bytes(table: dict[str, float], name: str) -> float | None:
    amount = table.get(name)
    return None if amount is None else amount * KIB


def _available(table: dict[str, float]) -> float | None:
    """Return MemAvailable, or what ``free`` showed before kernels had it (3.14, or none at all)."""
    said = table.get("MemAvailable")
    if said and said != table.get("MemFree"):
        return _bytes(table, "MemAvailable")
    # Some kernels say 0 by mistake, old versions of lxcfs what is free, as if no cache could be dropped. On a machine
    # that is really out of memory, this is next to nothing as well.
    if "MemFree" not in table:
        return _bytes(table, "MemAvailable")
    caches = sum(table.get(name, 0) for name in ("Buffers", "Cached", "SReclaimable"))
    # Cached includes shared memory and tmpfs, which cannot be dropped.
    found = table["MemFree"] + caches - table.get("Shmem", 0)
    return (max(found, said) if said else found) * KIB


def _obtainable(host: Host, table: dict[str, float], available: float) -> float:
    """Return the bytes that programs can get beyond those that the kernel calls available.

    A container with a meminfo of its own (lxcfs) still sees the ARC and the huge pages of its host: those are not its
    to use.
    """
    total = table["MemTotal"] * KIB
    more = _arc(host, total - table.get("MemFree", 0) * KIB) + _huge_pages(host, table, total)
    if more and (available + more > total or _belongs_to_container(host, table)):
        return 0
    return more


def _arc(host: Host, used: float) -> float:
    """Return the part of ZFS' cache that is given up when memory is short: all above its minimum."""
    text = read_text(f"{host.proc}/spl/kstat/zfs/arcstats")
    rows = [line.split() for line in (text or "").splitlines()]
    table = {row[0]: number(row[2]) for row in rows if len(row) == 3}
    size, least = table.get("size"), table.get("c_min")
    # A cache larger than all memory in use is another machine's.
    if size is None or least is None or size <= least or size > used:
        return 0
    return size - least


def _huge_pages(host: Host, table: dict[str, float], total: float) -> float:
    """Return the bytes of the huge pages, of all sizes, that are neither in use nor promised to a program."""
    if table.get("Hugetlb") == 0:  # all pools together; older kernels do not say
        return 0
    default, *pages = (
        table.get(name) for name in ("Hugepagesize", "HugePages_Free", "HugePages_Rsvd", "HugePages_Total")
    )
    pools = [_Pool(default, *pages)]
    base = f"{host.sys}/kernel/mm/hugepages"
    for name in _folders(base):
        size = number(name.removeprefix("hugepages-").removesuffix("kB"))
        if size != default:  # meminfo has only one of the sizes
            files = (f"{base}/{name}/{what}_hugepages" for what in ("free", "resv", "nr"))
            pools.append(_Pool(size, *(_count(file) for file in files)))
    return sum(_free_bytes(pool, total) for pool in pools)


def _free_bytes(pool: _Pool, total: float) -> float:
    """Return the bytes of a pool that anyone can use; 0 if it is larger than the memory: that of a container's host."""
    if not pool.free:
        return 0
    promised, pages = pool.promised or 0, pool.free if pool.pages is None else pool.pages
    if pool.size is None or not promised <= pool.free <= pages:
        return IMPOSSIBLE
    return 0 if pages * pool.size * KIB > total else (pool.free - promised) * pool.size * KIB


def _belongs_to_container(host: Host, table: dict[str, float]) -> bool:
    """Return whether /proc/meminfo is a container's own: lxcfs is mounted there, and knows of no kernel memory."""
    if table.get("Slab") == 0:
        return True
    mounts = (read_bytes(f"{host.init}/mountinfo") or b"").split(b"\n")
    return any(mount.split(b" ")[4:5] == [b"/proc/meminfo"] for mount in mounts)


def _folders(path: str) -> list[str]:
    try:
        return [name for name in os.listdir(path) if name.startswith("hugepages-")]
    except OSError:
        return []


def _count(path: str) -> float | None:
    text = read_text(path)
    return None if text is None else number(text)
