"""A heartbeat service on loopback: it records the pings it receives, and fails on request."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Self

from tests.tools.web import serving

PATH = "/ping/a-secret"


@dataclass(frozen=True)
class Ping:
    """One request and its arrival time (Unix)."""

    time: float
    method: str
    body: bytes


class Pings:
    """The service: it answers with ``status``, or not at all while ``hangs`` is set."""

    def __init__(self) -> None:
        self.status = 200
        self.hangs = threading.Event()
        self.all: list[Ping] = []
        self._ended = threading.Event()
        self._news = threading.Condition()
        self._stack = ExitStack()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                service.take(Ping(time.time(), self.command, body), self.path)
                while service.hangs.is_set() and not service.ended:
                    time.sleep(0.1)
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.do_POST()

        self._handler = Handler

    def __enter__(self) -> Self:
        self.url = f"http://{self._stack.enter_context(serving(self._handler))}{PATH}"
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._stack.close()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def take(self, ping: Ping, path: str) -> None:
        """Record a request for our address."""
        if path == PATH:
            with self._news:
                self.all.append(ping)
                self._news.notify_all()

    def wait(self, count: int = 1, seconds: float = 60) -> list[Ping]:
        """Return the next ``count`` pings from now on."""
        deadline = time.monotonic() + seconds
        with self._news:
            before = len(self.all)
            while len(self.all) < before + count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.all) - before} pings in {seconds} s, not {count}"
                self._news.wait(left)
            return self.all[before : before + count]

    def wait_for_silence(self, length: float, seconds: float = 120) -> float:
        """Wait until no ping has come for ``length`` seconds; return the time of the last one, 0 without any."""
        deadline = time.monotonic() + seconds
        with self._news:
            while self._news.wait(length):
                assert time.monotonic() < deadline, f"it still pings after {seconds} s"
            return self.all[-1].time if self.all else 0.0
