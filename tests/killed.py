"""A separate pytest that runs one test of every_server.py until it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import psutil

from tests.every_server import READY
from tests.guard import ended
from tests.support import wait_for
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path


class InnerTests:
    """Runs pytest, and records all its descendants once all servers are running."""

    def __init__(self, folder: Path, test: str, *options: str) -> None:
        self._log = folder / "log"
        self._ready = folder / "ready"
        # Not in the folder with this test's long name: the path of a socket has to fit into 107 bytes.
        base = f"--basetemp={folder.parent / 'inner'}"
        self._command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", base, *options]
        self._command.append(f"tests/every_server.py::{test}")

    def __enter__(self) -> Self:
        with self._log.open("w") as log:
            environment = {**os.environ, READY: str(self._ready)}
            self.process = subprocess.Popen(self._command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        wait_for(lambda: self._ready.exists() or self.process.poll() is not None, 120, self._log.read_text)
        assert self._ready.exists(), self._log.read_text()
        self.below = psutil.Process(self.process.pid).children(recursive=True)
        self.orphan = psutil.Process(int(self._ready.read_text()))
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def kinds(self, *words: str) -> set[str]:
        """Return those words that occur in a descendant's command line."""
        lines = [" ".join(line) for line in running(self.below)]
        return {word for word in words if any(word in line for line in lines)}

    def wait_for_the_end(self, processes: list[psutil.Process]) -> None:
        """Wait until neither these nor the orphan are running."""
        processes = [*processes, self.orphan]
        wait_for(lambda: running(processes) == [], 30, lambda: f"still running: {running(processes)}")


def running(processes: list[psutil.Process]) -> list[list[str]]:
    """Return the command lines of those still running."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it has just exited
            found += [process.cmdline()] if not ended(process) else []
    return found
