"""Ports for the servers that tests and ``make stack`` start."""

from __future__ import annotations

import os
import random
import socket

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
    with socket.socket() as probe:
        # As servers do, because a predecessor's connections may be in TIME_WAIT; not on Windows.
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
