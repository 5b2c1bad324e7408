"""Ports for the servers that tests and ``make stack`` start."""

from __future__ import annotations

import os
import random
import socket

# Below those that the system gives to outgoing connections and to whoever asks for any: from 32,768, elsewhere 49,152.
# Browsers refuse 10,080.
RANGE = range(12_000, 32_000, 2)


def free_port() -> int:
    """Return a port on loopback that nobody listens on, and that no other caller gets while this process lives.

    Until the server listens, its port looks free to everyone. So the port's neighbour is taken as well, with a UDP
    socket, which no server needs there: of two processes that ask at the same time, one gets it. It stays open.
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
    raise OSError(f"no port from {RANGE.start} to {RANGE.stop} is free")


def is_free(port: int) -> bool:
    """Return whether a server could listen on a port of loopback right now."""
    with socket.socket() as probe:
        # As servers do, which may follow another whose connections have only just ended; not on Windows.
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
