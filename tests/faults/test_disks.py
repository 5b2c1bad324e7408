"""Disks that are slow or do not answer: a loop device over a file whose filesystem takes its time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests.faults.support import needs_linux, needs_program, needs_root, tell
from tests.support import Exporter, wait_for
from tests.support_servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_linux


class SlowDisk:
    """A disk (``device``) that takes as long as a test says."""

    def __init__(self, folder: Path) -> None:
        needs_root("a loop device")
        self._losetup = needs_program("losetup", "util-linux")
        self._folder = folder
        self._reader: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.faults.slow_disk", str(self._folder)]
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert self._server.stdout is not None
        if self._server.stdout.readline() != "mounted\n":
            self._server.kill()
            missing(f"no FUSE: {self._server.communicate()[1]}")
        loop = [self._losetup, "--find", "--show", "--direct-io=on", str(self._folder / "disk")]
        made = subprocess.run(loop, capture_output=True, text=True, check=False)
        if made.returncode:
            self.__exit__()
            missing(f"no loop device: {made.stderr}")
        self.path = made.stdout.strip()
        self.device = Path(self.path).name
        return self

    def __exit__(self, *_: object) -> None:
        if self._server.poll() is None:
            self.takes("0")
        if self._reader:
            self._reader.wait(30)
        if hasattr(self, "path"):
            subprocess.run([self._losetup, "--detach", self.path], check=True)
        subprocess.run(["umount", str(self._folder)], check=True)
        self._server.communicate(timeout=30)

    def takes(self, seconds: str) -> None:
        """Let each request take so many seconds; "never" for none that is answered."""
        assert self._server.stdin is not None
        self._server.stdin.write(f"{seconds}\n")
        self._server.stdin.flush()
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == "so be it\n"

    def read(self, *, blocks: int) -> None:
        """Start to read, block after block, past all caches."""
        copy = ["dd", f"if={self.path}", "of=/dev/null", "bs=4k", f"count={blocks}", "iflag=direct"]
        self._reader = subprocess.Popen(copy, stderr=subprocess.DEVNULL)

    def finish(self) -> None:
        """Wait until everything is read."""
        assert self._reader is not None
        assert self._reader.wait(30) == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SlowDisk]:
    with SlowDisk(tmp_path) as disk:
        yield disk


def test_a_disk_that_does_not_answer_is_told_from_one_that_is_slow_and_from_one_without_work(disk: SlowDisk) -> None:
    with Exporter("--exclude-disks", "ram*", "--max-age", "0.1") as exporter:

        def unanswered() -> float:
            return exporter.samples().value("host_disk_unanswered_seconds", device=disk.device) or 0.0

        disk.read(blocks=1)
        disk.finish()
        wait_for(lambda: disk.device in exporter.samples().labels("host_disk_unanswered_seconds", "device"))
        assert unanswered() == 0
        before = {name: _seconds(exporter, disk, name) for name in ("read_seconds", "reads_completed")}

        disk.takes("0.2")
        disk.read(blocks=5)
        disk.finish()
        grown = {name: _seconds(exporter, disk, name) - value for name, value in before.items()}
        wait = grown["read_seconds"] / grown["reads_completed"]
        assert wait >= 0.1, "each read takes 0.2 s, but for what was read when the disk was made"

        disk.takes("never")
        disk.read(blocks=1)
        wait_for(lambda: unanswered() >= 2, 30, "nothing says that it does not answer")
        shown = next(
            each
            for each in json.loads(exporter.get("/api/stats").text)["disk"]["disks"]
            if each["device"] == disk.device
        )
        assert shown["requests_in_progress"] == 1
        assert shown["queue_length"] is None
        tell("a disk that does not answer", wait_of_a_read=f"{wait * 1000:.0f} ms", unanswered=f"{unanswered():.1f} s")

        disk.takes("0")
        disk.finish()
        wait_for(lambda: unanswered() == 0, 30, "it answers again")


def _seconds(exporter: Exporter, disk: SlowDisk, name: str) -> float:
    value = exporter.samples().value(f"host_disk_{name}_total", device=disk.device)
    assert value is not None
    return value
