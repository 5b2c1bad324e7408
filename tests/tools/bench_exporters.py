"""The exporters being benchmarked, each a process on a free loopback port."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from exporter import __version__
from tests.support import COMMAND
from tests.tools.bench_client import BadAnswerError, Scraper
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# One group per program: the usual configuration, and the one comparable to a table of top processes.
ALL_PROCESSES = 'process_names:\n  - name: "{{.Comm}}"\n    cmdline: [".+"]\n'


@dataclass(frozen=True, slots=True)
class Program:
    """An exporter: its name, its version, and the command to start it on a port."""

    name: str
    version: str
    command: Callable[[int], list[str]]


def ours(*flags: str) -> Program:
    return Program("Host Exporter", __version__, lambda port: [*COMMAND, "serve", "--port", str(port), *flags])


def peers(folder: Path) -> tuple[list[Program], list[str]]:
    """Return the peers that are installed, and the names of those that are not. Writes a config file to ``folder``."""
    found, missing = [], []
    config = folder / "process-exporter.yml"
    config.write_text(ALL_PROCESSES)
    if binary := _which("prometheus-node-exporter", "node_exporter"):
        path = binary
        found.append(
            Program("node_exporter", _version(path), lambda port: [path, f"--web.listen-address=127.0.0.1:{port}"])
        )
    else:
        missing.append("node_exporter")
    if binary := _which("prometheus-process-exporter", "process-exporter"):
        other = binary
        found.append(
            Program(
                "process-exporter",
                _version(other),
                lambda port: [other, "-config.path", str(config), "-web.listen-address", f"127.0.0.1:{port}"],
            )
        )
    else:
        missing.append("process-exporter")
    return found, missing


def _which(*names: str) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def _version(path: str) -> str:
    # One of them knows only --version, the other accepts both forms.
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    # Debian's process-exporter leaves its version empty and names the package's revision.
    match = re.search(r"version (\d\S*)", text) or re.search(r"revision: ([^)\s]+)", text)
    return match.group(1) if match else "unknown version"


class Server:
    """A running exporter, stopped by PID. ``startup`` is the time from its start to a complete scrape, in seconds."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __enter__(self) -> Self:
        self.port = free_port()
        begin = time.monotonic()
        self._process = subprocess.Popen(
            self.program.command(self.port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.pid = self._process.pid
        try:
            self._wait_for_scrape(begin + 20)
        except BaseException:
            self.__exit__()
            raise
        self.startup = time.monotonic() - begin
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_for_scrape(self, deadline: float) -> None:
        while True:
            try:
                with Scraper(self.port) as scraper:
                    scraper.scrape()
            except OSError as reason:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise BadAnswerError(f"no response after start: {reason}") from None
                time.sleep(0.002)
            else:
                return


def hammers(port: int, count: int, seconds: float) -> list[subprocess.Popen[str]]:
    """Start several non-stop scrapers, each a separate process, that begin together."""
    start = time.monotonic() + 0.5 + 0.05 * count
    command = [sys.executable, "-m", "tests.tools.bench_client", str(port), str(start), str(seconds)]
    # Ctrl-C is for the benchmark, which then stops them.
    return [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) for _ in range(count)]
