"""A machine on which single files of /proc and /sys block when they are opened.

The files are named pipes in a copy of a fixture machine: opening one to read blocks until a writer opens it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support import Exporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {
    "system": "etc/hostname",
    "memory": "proc/meminfo",
    "network": "proc/1/net/dev",
    "disk": "proc/diskstats",
    "pressure": "proc/pressure/io",
    "processes": "proc/701/stat",
    "temperature": "sys/class/hwmon/hwmon0/temp1_input",
}


class Machine:
    """A machine on which single files hang until they are released for good."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._texts: dict[Path, bytes] = {}

    def hang(self, name: str) -> None:
        path = (self.root / name).resolve()
        self._texts[path] = path.read_bytes()
        path.unlink()
        os.mkfifo(path)

    def release(self) -> None:
        """Restore the files, and give each waiting reader the file's content."""
        for path, text in self._texts.items():
            waiting = path.with_name(f"{path.name}-hung")
            path.rename(waiting)
            path.write_bytes(text)
            try:
                pipe = os.open(waiting, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # no reader waits
                continue
            os.write(pipe, text)
            os.close(pipe)
            waiting.unlink()
        self._texts.clear()


@contextmanager
def watched(machine: Machine, *flags: str) -> Iterator[Exporter]:
    with Exporter("--rootfs", str(machine.root), "--max-age", "0", *flags) as exporter:
        yield exporter
    assert "Traceback" not in exporter.log
