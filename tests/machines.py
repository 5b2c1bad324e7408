"""Fixture machines: trees under tests/fixtures, read by the real collectors at times that a test chooses."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import psutil
import pytest

from exporter.collectors import battery, clock, cpu, disk, network, paging, processes, temperature, textfile
from exporter.machine import open_machine
from exporter.render.exposition import encode, snapshot_families
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.sources import vmstat
from exporter.sources.filesystems import Usage
from exporter.sources.host import LINUX
from exporter.sources.linux_processes import LinuxProcesses
from exporter.sources.timex import Timex, timex
from tests.support import Samples

if TYPE_CHECKING:
    from exporter.model import Snapshot

S = TypeVar("S")
FIXTURES = Path(__file__).parent / "fixtures"
EPOCH = 1_780_000_000.0
WINDOW = 10.0
"""Seconds between a fixture's first state and its later one; the counters in "-later" grow accordingly."""

CLOCK = 1_750_000_000.0
"""What a fixture's clock shows when the clock that a test moves shows 0."""


def copy_fixture(name: str, folder: Path) -> Path:
    """Copy a fixture machine into a folder, so that a test can change it; return its root."""
    return Path(shutil.copytree(FIXTURES / name, folder / name, symlinks=True))


class FixtureMachine:
    """A copy of a fixture machine with its own sampler and a clock that a test moves."""

    def __init__(self, name: str, folder: Path, patch: pytest.MonkeyPatch, **settings: Any) -> None:
        if not LINUX:
            pytest.skip("the fixture machines are Linux machines")
        self.name = name
        self.root = copy_fixture(name, folder)
        self.now = 1000.0
        self._primed = False
        # These take the time themselves, closer to reading their counters than the sampler could.
        for module in (battery, cpu, disk, network, paging, processes, temperature, textfile):
            patch.setattr(
                module,
                "time",
                SimpleNamespace(
                    time=self.time, monotonic=self.clock, clock_gettime=lambda _: self.clock(), CLOCK_BOOTTIME=7
                ),
            )
        patch.setattr(clock, "time", SimpleNamespace(time=lambda: CLOCK + self.now))
        for path in self.root.rglob("*.prom"):  # a checkout has files of its own time
            os.utime(path, (self.time() - 600, self.time() - 600))
        patch.setattr(psutil, "PROCFS_PATH", psutil.PROCFS_PATH)  # open_machine sets it; the patch restores it
        self.settings = Settings(rootfs=str(self.root), **settings)
        self.machine = open_machine(self.settings, probe=self.probe)
        assert isinstance(self.machine.processes, LinuxProcesses)
        self.machine.processes._page = 4096  # the fixtures are from x86; some ARM machines have larger pages
        patch.setattr(vmstat, "PAGE", 4096)
        patch.setattr(self.machine.clock, "_call", self.timex)
        self.sampler = Sampler(self.machine, clock=self.clock, sleep=self.advance)

    def clock(self) -> float:
        return self.now

    def time(self) -> float:
        """Return Unix time: a moment of 2026."""
        return EPOCH + self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def probe(self, path: str) -> Usage:
        """Return a filesystem's usage from the fixture's filesystems.json."""
        figures = json.loads(self.path("filesystems.json").read_text())
        mountpoint = path.removeprefix(str(self.root))
        if mountpoint not in figures:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return Usage(**figures[mountpoint])

    def timex(self) -> Timex | None:
        """Return what the fixture's timex.json says of its clock."""
        file = self.path("timex.json")
        return timex(**json.loads(file.read_text())) if file.exists() else None

    def path(self, path: str) -> Path:
        return self.root / path

    def write(self, path: str, content: str | bytes) -> None:
        """Write one of its files; create missing folders."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def remove(self, path: str) -> None:
        """Remove one of its files or folders."""
        target = self.path(path)
        shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()

    def prime(self) -> None:
        self.sampler.prime()
        self._primed = True

    def change(self) -> None:
        """Overlay the tree with the files of the later state."""
        shutil.copytree(FIXTURES / f"{self.name}-later", self.root, symlinks=True, dirs_exist_ok=True)

    def sample(self, seconds: float = WINDOW) -> Snapshot:
        """Return a sample ``seconds`` after the last one; before the very first, take another, so that it has rates."""
        if not self._primed:
            self.prime()
        self.advance(seconds)
        return self.sampler.sample(max_age=0)

    def later(self) -> Snapshot:
        """Return the sample of the later state, with rates since the first state."""
        self.prime()
        self.change()
        return self.sample()

    def read(self, section: type[S]) -> S:
        """Return a section of a fresh sample; no collector may have failed."""
        found = self.try_read(section)
        assert found is not None
        return found

    def try_read(self, section: type[S]) -> S | None:
        """Return a section of a fresh sample, None if the hardware is missing; no collector may have failed."""
        snapshot = self.sample()
        assert not snapshot.failures(), [reading.error for reading in snapshot.failures()]
        return snapshot.section(section)

    def exposition(self, snapshot: Snapshot | None = None) -> Samples:
        """Return what Prometheus receives for a snapshot, by default for a fresh one."""
        families = snapshot_families(snapshot or self.sample(), self.settings.thresholds())
        return Samples.parse(encode(families, "")[0].decode())
