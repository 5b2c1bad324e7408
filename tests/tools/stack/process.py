"""Servers as child processes: started with a log, waited for until ready, stopped by PID."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class NotReadyError(Exception):
    """A server exited, or did not respond in time; the message has the line of its log that says why."""


class StoppedError(Exception):
    """The stack was told to stop while servers were still starting."""


class Server:
    """A program that responds at a URL once it is ready."""

    def __init__(self, name: str, command: Sequence[str], *, ready: str, log: Path, folder: Path | None = None) -> None:
        self.name = name
        self.command = list(command)
        self.ready = ready
        self.log = log
        self.folder = folder
        self.environment: Mapping[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self._before = 0

    def start(self) -> None:
        """Start it without waiting."""
        with self.log.open("ab") as log:
            self._before = log.tell()
            # In a session of its own: Ctrl-C and closing the terminal reach only our program, which then stops
            # this one in order.
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def wait(
        self,
        seconds: float = 60,
        stopped: threading.Event | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Wait until it is ready. Raises NotReadyError, and StoppedError once ``stopped`` is set.

        ``tell`` gets a line when it is ready, and every 5 s until then.
        """
        assert self.process is not None, "not started"
        stopped = stopped or threading.Event()
        start = told = time.monotonic()
        while (now := time.monotonic()) < start + seconds:
            if now >= told + 5:
                told = now
                tell(f"  {now - start:3.0f} s  {self.name} is not ready yet: {self.last_line()}")
            if stopped.is_set():
                raise StoppedError
            if self.process.poll() is not None:
                raise NotReadyError(f"{self.name} {self.end()}")
            if answers(self.ready):
                tell(f"  {self.name} is ready")
                return
            stopped.wait(0.05)
        raise NotReadyError(f"{self.name} did not answer on {self.ready} in {seconds:.0f} s: {self.last_line()}")

    def stop(self, *, kill: bool = False) -> None:
        """Terminate it, and kill it if it takes longer than 15 s. Does nothing if it has already exited."""
        if self.process is None or self.process.poll() is not None:
            return
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def end(self) -> str:
        """Return how it ended, and if by itself, why."""
        code = self.process.returncode if self.process else 0
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}: {self.last_line()}"

    def last_line(self) -> str:
        """Return the line of its log since it was started that says why it ended: the last one, as a rule."""
        written = self.log.read_bytes()[self._before :] if self.log.exists() else b""
        lines = [line for line in written.decode(errors="replace").split("\n") if line.strip()]
        # Prometheus names a bad argument first, and then lists all that it accepts.
        refused = (line for line in lines if line.startswith("Error parsing command line"))
        return next(refused, lines[-1] if lines else f"nothing in {self.log}")


def answers(url: str) -> bool:
    """Return whether a URL responds with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
