"""Ports of this machine: which are free, and who holds the others. Tests, ``make stack`` and the check of .env ask."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import socket
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

from exporter.sources.process_names import display_name

# Below the ephemeral ports, which start at 32,768 on Linux and at 49,152 elsewhere.
# Browsers refuse 10,080.
RANGE = range(12_000, 32_000, 2)


def free_port() -> int:
    """Return a free loopback port that no other caller of this function gets while this process lives.

    Until the server listens, its port looks free to everyone. So reserve it by binding a UDP socket to the neighbouring
    port, which no server uses: of two processes that try at the same time, only one succeeds. The socket stays open.
    """
    for _ in RANGE:
        port = random.choice(RANGE)
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port + 1))
        except OSError:
            claim.close()
            continue
        claim.detach()
        if is_free(port):
            return port
    raise OSError(f"no free port from {RANGE.start} to {RANGE.stop}")


def is_free(port: int) -> bool:
    """Return whether a server could listen on a loopback port right now."""
    return not trouble_at("127.0.0.1", port)


def trouble_at(host: str, port: int) -> int:
    """Return why a server cannot listen there, as an errno; 0 if it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do, because a predecessor's connections may be in TIME_WAIT; not on Windows.
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as reason:
            return reason.errno or errno.EADDRINUSE
    return 0


def holder(port: int) -> str:
    """Return " by NAME (process ID)", as far as this user may know it; else how to find out."""
    found = listener(port)
    if found:
        return f" by {found[1]} (process {found[0]})"
    ask = "sudo ss -ltnp" if Path("/proc/net/tcp").exists() else "sudo lsof -nP -iTCP -sTCP:LISTEN"
    return f' ("{ask}" shows by what)'


def listener(port: int) -> tuple[int, str] | None:
    """Return the ID and the name of the process that listens on a port, as far as this user may know it."""
    return _linux(port) if Path("/proc/net/tcp").exists() else _lsof(port)


def _words(process: Path) -> list[str]:
    """Return the command line of a process, by which the exporter completes a name that the kernel cut off."""
    return [word.decode(errors="replace") for word in (process / "cmdline").read_bytes().split(b"\0") if word]


def _linux(port: int) -> tuple[int, str] | None:
    """Return the process that listens on a port, with its name, if we may look into it."""
    sockets = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
            # State 0A is LISTEN.
            sockets |= {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1][-4:], 16) == port}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                comm = (process / "comm").read_text().rstrip("\n")
                return int(process.name), display_name(comm, partial(_words, process))
    return None


def _lsof(port: int) -> tuple[int, str] | None:
    """Do the same where there is no /proc."""
    program = shutil.which("lsof")
    if not program:
        return None
    command = [program, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "+c0", "-Fpc"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    found = re.search(r"^p(\d+)\nc(.+)$", said, re.MULTILINE)
    return (int(found[1]), found[2]) if found else None
