"""What dies, and what it dies of: mail servers with a fault, programs that are no exporter, a small disk."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def faulty_smtp(fault: str) -> Iterator[tuple[int, list[float]]]:
    """Run a mail server that takes no mail; give its port, and a list of when it was called.

    ``refuses`` answers RCPT with 550, ``no TLS`` offers STARTTLS and refuses it, ``hangs`` never answers DATA,
    ``silent`` does not even greet.
    """
    calls: list[float] = []
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def one(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.settimeout(600)
            file = client.makefile("rwb", buffering=0)
            if fault == "silent":
                ended.wait()
            file.write(b"220 mail ESMTP\r\n")
            while line := file.readline():
                word = line.strip().upper().split(b" ")[0]
                if word == b"DATA" and fault == "hangs":
                    ended.wait()
                replies = {
                    b"EHLO": b"250-mail\r\n250 STARTTLS\r\n" if fault == "no TLS" else b"250 mail\r\n",
                    b"STARTTLS": b"454 TLS is not available\r\n",
                    b"RCPT": b"550 no such user\r\n" if fault == "refuses" else b"250 ok\r\n",
                }
                file.write(replies.get(word, b"250 ok\r\n"))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                calls.append(time.time())
                threading.Thread(target=one, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1], calls
    finally:
        ended.set()
        listener.close()


@contextmanager
def answering(body: bytes, content_type: str = "text/plain; version=0.0.4") -> Iterator[str]:
    """Run a program that answers every request with ``body``; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as address:
        yield address


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[], None]]:
    """Mount a small file system on a folder, which must be empty; give a function that fills it."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "deaths", folder], check=True)

    def fill() -> None:
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 65536)

    try:
        yield fill
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
