"""A cheap scraper, so that the benchmark measures the server: one keep-alive connection over a raw socket.

Run as a program, it scrapes without pause for some seconds and prints its latencies: ``bench_client PORT START
SECONDS`` (START is on the monotonic clock, so that several can start together).
"""

from __future__ import annotations

import gzip
import json
import socket
import sys
import time
from dataclasses import dataclass
from typing import Self

# What Prometheus 3 sends.
ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


class BadAnswerError(OSError):
    """The server's response was not a complete 200."""


@dataclass(frozen=True, slots=True)
class Page:
    """An exposition as received, and decoded."""

    wire: bytes
    text: str

    @property
    def series(self) -> int:
        return sum(1 for line in self.text.splitlines() if line and not line.startswith("#"))


class Scraper:
    """One keep-alive connection, as Prometheus uses it."""

    def __init__(self, port: int, wait: float = 30, address: str = "127.0.0.1") -> None:
        self._request = (
            f"GET /metrics HTTP/1.1\r\nHost: {address}:{port}\r\nUser-Agent: bench\r\n"
            f"Accept: {ACCEPT}\r\nAccept-Encoding: gzip\r\n\r\n"
        ).encode()
        self._socket = socket.create_connection((address, port), timeout=wait)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def scrape(self) -> tuple[bytes, bytes]:
        """Return head and body of one response. Raises OSError if it is not a complete 200."""
        self._socket.sendall(self._request)
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            self._receive(data)
        head, body = bytes(data[:end]), data[end + 4 :]
        if not head.startswith(b"HTTP/1.1 200 "):
            raise BadAnswerError(head.split(b"\r\n")[0].decode(errors="replace"))
        before, found, length = head.lower().partition(b"\r\ncontent-length:")
        if found:
            missing = int(length.split(b"\r\n")[0])
            while len(body) < missing:
                self._receive(body)
        elif b"\r\ntransfer-encoding: chunked" in before:
            # Nothing follows a response before the next request, so the received data ends with the last chunk.
            while not body.endswith(b"0\r\n\r\n"):
                self._receive(body)
        else:
            raise BadAnswerError("the response has no length")
        return head, bytes(body)

    def page(self) -> Page:
        """Scrape once and decode."""
        head, body = self.scrape()
        lower = head.lower()
        wire = _joined(body) if b"\r\ntransfer-encoding: chunked" in lower else body
        text = gzip.decompress(wire) if b"\r\ncontent-encoding: gzip" in lower else wire
        return Page(wire, text.decode())

    def _receive(self, data: bytearray) -> None:
        part = self._socket.recv(262144)
        if not part:
            raise BadAnswerError("the connection was closed")
        data += part


def _joined(chunked: bytes) -> bytes:
    """Join the chunks of a chunked body."""
    body, rest = b"", chunked
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        body, rest = body + rest[:length], rest[length + 2 :]
    return body


def hammer(port: int, start: float, seconds: float) -> dict[str, object]:
    """Scrape without pause; return the latencies, in seconds, and the errors."""
    latencies: list[float] = []
    errors: list[str] = []
    scraper: Scraper | None = None
    time.sleep(max(0.0, start - time.monotonic()))
    while (begin := time.monotonic()) < start + seconds:
        try:
            scraper = scraper or Scraper(port)
            scraper.scrape()
            latencies.append(time.monotonic() - begin)
        except OSError as reason:
            errors.append(str(reason))
            if scraper:
                scraper.__exit__()
            scraper = None
            time.sleep(0.01)
    if scraper:
        scraper.__exit__()
    return {"latencies": latencies, "errors": errors}


if __name__ == "__main__":
    print(json.dumps(hammer(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))))
