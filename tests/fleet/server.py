"""Serves a fleet from one process: each machine listens on its own address while it is up."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

from exporter.web.metrics import _gzip
from tests.fleet.fleet import host

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fleet.fleet import Fleet

END = b"\r\n\r\n"
LONGEST = 65536
"""Maximum bytes of a request header; beyond it, the client is disconnected."""


class Connection(asyncio.Protocol):
    """An HTTP/1.1 keep-alive connection that responds to every request with the machine's exposition."""

    def __init__(self, answer: Callable[[bool], bytes], connections: set[asyncio.Transport]) -> None:
        self._answer = answer
        self._connections = connections
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while END in self._received:
            request, _, self._received = self._received.partition(END)
            self._transport.write(self._answer(b"gzip" in request))
        if len(self._received) > LONGEST:
            self._transport.abort()


class Simulator:
    """A fleet on one port of many addresses, starting with 127.0.0.1 for the first machine.

    A machine that is down stops listening and closes its connections: Prometheus gets "connection refused".
    """

    def __init__(self, fleet: Fleet, port: int, clock: Callable[[], float] = time.time) -> None:
        self._fleet = fleet
        self._port = port
        self._clock = clock
        self._listening: dict[int, asyncio.Server] = {}
        self._connections: dict[int, set[asyncio.Transport]] = {}
        self._head = f"HTTP/1.1 200 OK\r\nContent-Type: {fleet.content_type}\r\n".encode()

    async def turn(self) -> None:
        """Start listening for machines that are up, and stop for all others."""
        now = self._clock()
        for machine in self._fleet.machines:
            number = machine.number
            there = machine.life.answers(now)
            if there and number not in self._listening:
                await self._open(number)
            elif not there and number in self._listening:
                self._close(number)

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                await asyncio.sleep(1)
                await self.turn()
        finally:
            for number in list(self._listening):
                self._close(number)

    async def _open(self, number: int) -> None:
        connections = self._connections.setdefault(number, set())

        def answer(packed: bool) -> bytes:
            return self._answer(number, packed)

        loop = asyncio.get_running_loop()
        self._listening[number] = await loop.create_server(
            lambda: Connection(answer, connections), host(number), self._port, backlog=16
        )

    def _close(self, number: int) -> None:
        self._listening.pop(number).close()
        for connection in list(self._connections[number]):
            connection.abort()

    def _answer(self, number: int, packed: bool) -> bytes:
        body = self._fleet.exposition(number, self._clock())
        head = self._head
        if packed:  # as the exporter does
            body, head = _gzip(body), self._head + b"Content-Encoding: gzip\r\n"
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
