"""ZFS pools, from /proc/spl/kstat/zfs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from exporter.sources.host import printable, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host

_STATE = re.compile(r"[A-Z]{1,20}", re.ASCII).fullmatch


def read_pools(host: Host) -> list[tuple[str, str]]:
    """Return the name and the state of each pool that is imported, sorted: ("tank", "ONLINE").

    The kernel's word: ONLINE, DEGRADED, FAULTED, OFFLINE, REMOVED, UNAVAIL, or SUSPENDED. A pool whose state is no such
    word is left out. Since ZFS 0.8; what else is in a pool's folder differs between versions.
    """
    folder = f"{host.proc}/spl/kstat/zfs"
    try:
        with os.scandir(folder) as entries:
            names = sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
    except OSError:
        return []
    states = [(printable(name), read_text(f"{folder}/{name}/state") or "") for name in names]
    return [(name, state) for name, state in states if _STATE(state)]
