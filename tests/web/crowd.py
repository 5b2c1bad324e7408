"""Many clients at once that keep a server waiting, and how it serves other clients meanwhile."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.support import Exporter

SOON = 3.0
"""A scrape takes about 5 ms; this leaves room on a busy machine. A worker blocked by a client waits 10 s."""


@contextlib.contextmanager
def crowd(exporter: Exporter, count: int, greet: Callable[[socket.socket], object]) -> Iterator[list[socket.socket]]:
    """Open connections, each of which begins with what ``greet`` sends."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port), timeout=20))
            with contextlib.suppress(OSError):
                greet(client)
            clients.append(client)
        yield clients


def saying(text: bytes) -> Callable[[socket.socket], object]:
    """Return a greeting that sends these bytes, possibly none."""
    return lambda client: client.sendall(text)


def scrape(exporter: Exporter) -> float:
    """Return how long a scrape took, including the connection."""
    start = time.monotonic()
    assert exporter.get("/metrics").status == 200
    return time.monotonic() - start


def slowest_beside_drips(exporter: Exporter, clients: Sequence[socket.socket], pieces: Iterable[bytes]) -> float:
    """Return the duration of the slowest of five scrapes while every client sends one of the pieces per second."""
    stop = threading.Event()

    def drip() -> None:
        for piece in pieces:
            if stop.wait(1):
                return
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(piece)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        times = []
        for _ in range(5):
            time.sleep(1)
            times.append(scrape(exporter))
    finally:
        stop.set()
        thread.join()
    return max(times)


def given_up_after(client: socket.socket, send: Callable[[], object]) -> float:
    """Send something every half second until the exporter closes the connection; return when it did."""
    client.settimeout(0.5)
    start = time.monotonic()
    while time.monotonic() - start < 40:
        try:
            send()
            if not client.recv(65536):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - start
