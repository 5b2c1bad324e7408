"""Real faults, made as root on Linux: filesystems with errors or no room, mirrors that lose a disk, no memory left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MIB = 1 << 20


def run(*words: str | Path) -> str:
    """Run a program that must succeed, and return what it says."""
    done = subprocess.run([str(word) for word in words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{words[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


@contextmanager
def loop(image: Path, megabytes: int) -> Iterator[str]:
    """Attach an empty file as a disk; give its device."""
    image.touch()
    os.truncate(image, megabytes * MIB)
    device = run("losetup", "--find", "--show", image)
    try:
        yield device
    finally:
        # It may have been taken away already, as a fault.
        with suppress(OSError):
            run("losetup", "--detach", device)


@contextmanager
def filesystem(
    image: Path,
    mountpoint: Path,
    kind: str = "ext4",
    megabytes: int = 64,
    *,
    make: tuple[str, ...] = (),
    options: str = "",
) -> Iterator[str]:
    """Mount a new filesystem; give its device."""
    with loop(image, megabytes) as device:
        run(f"mkfs.{kind}", "-q", *make, device)
        mountpoint.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", kind, *(("-o", options) if options else ()), device, mountpoint)
        try:
            yield device
        finally:
            run("umount", "--lazy", mountpoint)


def ext4_error(device: str) -> None:
    """Let ext4 find an error on a mounted device."""
    Path(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error").write_text("a fault for a test\n")


def fill(folder: Path, *, leave: int = 0) -> None:
    """Fill a filesystem until no more than ``leave`` bytes are left."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while (left := os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - leave) > 0:
            file.write(b"\1" * min(MIB, max(left, 4096)))


def use_up_inodes(folder: Path, *, leave: int = 0) -> None:
    """Make empty files until no more than ``leave`` inodes are left."""
    with suppress(OSError):
        for number in range(os.statvfs(folder).f_favail - leave):
            (folder / f"{number}").touch()


class Mirror:
    """A btrfs mirror of two disks, mounted within a block."""

    def __init__(self, folder: Path, mountpoint: Path) -> None:
        self.mountpoint = mountpoint
        self.devices: list[str] = []
        self._images = [folder / f"mirror-{number}" for number in range(2)]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self.devices = [stack.enter_context(loop(image, 128)) for image in self._images]
            run("mkfs.btrfs", "-q", "-L", "data", "-d", "raid1", "-m", "raid1", *self.devices)
            self.mountpoint.mkdir(parents=True, exist_ok=True)
            run("mount", "-t", "btrfs", self.devices[0], self.mountpoint)
            stack.callback(run, "umount", "--lazy", self.mountpoint)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def lose_a_disk(self) -> None:
        """Take one disk away, as a reboot without it does: a loop device stays while something has it open."""
        run("umount", self.mountpoint)
        run("losetup", "--detach", self.devices[1])
        run("btrfs", "device", "scan", "--forget")
        run("mount", "-t", "btrfs", "-o", "degraded", self.devices[0], self.mountpoint)


@contextmanager
def cgroup(name: str, controller: str) -> Iterator[tuple[Path, bool]]:
    """Make a cgroup; say also whether it is one of version 1. Its processes end with it. Raises OSError without one."""
    root = Path("/sys/fs/cgroup")
    one = (root / controller).is_dir()
    version_2 = {"blkio": "io"}.get(controller, controller)
    if not one and version_2 not in (root / "cgroup.subtree_control").read_text().split():
        raise OSError(f"no cgroup controller {controller}")
    group = (root / controller if one else root) / f"host-exporter-{name}-{os.getpid()}"
    group.mkdir(exist_ok=True)
    try:
        yield group, one
    finally:
        deadline = time.monotonic() + 30
        while group.exists() and time.monotonic() < deadline:
            for pid in (group / "cgroup.procs").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            with suppress(OSError):
                group.rmdir()
            time.sleep(0.1)


@contextmanager
def memory_cgroup(name: str, limit: int) -> Iterator[Path]:
    """Make a cgroup with a memory limit in bytes."""
    with cgroup(name, "memory") as (group, _):
        limit_memory(group, limit)
        yield group


def limit_memory(group: Path, limit: int) -> None:
    """Give a memory cgroup another limit in bytes."""
    one = (group / "memory.limit_in_bytes").exists()
    (group / ("memory.limit_in_bytes" if one else "memory.max")).write_text(str(limit))


def kills(group: Path) -> int:
    """Return how many processes of a memory cgroup the kernel has killed because there was no more."""
    file = group / "memory.oom_control"
    lines = (file if file.exists() else group / "memory.events").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


@contextmanager
def slow_disk_cgroup(name: str, place: Path, reads: int) -> Iterator[Path]:
    """Make a cgroup that gets so many reads a second from the disk with a folder."""
    number = os.stat(place).st_dev
    disk = f"{os.major(number)}:{os.minor(number)}"
    with cgroup(name, "blkio") as (group, one):
        limit = ("blkio.throttle.read_iops_device", f"{disk} {reads}") if one else ("io.max", f"{disk} riops={reads}")
        (group / limit[0]).write_text(limit[1])
        yield group


@contextmanager
def limited(
    program: Path, text: str, groups: Iterable[Path], *arguments: str, init: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program, in a file of its name, in cgroups; a line on its input moves it on.

    ``init`` is the first process of the process namespace where it shall run, if that is not this one.
    """
    program.write_text(text)
    enter = "".join(f"echo $$ > {group}/cgroup.procs; " for group in groups)
    there = ["nsenter", f"--target={init}", "--pid"] if init else []
    command = [*there, "sh", "-c", f'{enter}exec "$@"', "sh", sys.executable, str(program), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


EATER = """
import sys
most = int(sys.argv[1]) << 20
eaten = [b"x" * (1 << 20) for _ in range((most >> 20) * 3 // 4)]
sys.stdin.readline()
while True:
    eaten.append(b"x" * (1 << 20))
"""
"""Uses three quarters of its limit (MiB), and more than all of it once told to."""

THRASHER = """
import mmap, os, random, sys
path, size, workers = sys.argv[1], int(sys.argv[2]) << 20, int(sys.argv[3])
with open(path, "wb") as file:
    for _ in range(size >> 20):
        file.write(os.urandom(1 << 20))
with open(path, "rb") as file:
    for _ in range(3):
        file.seek(0)
        while file.read(4096):
            pass
    pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
pages.madvise(mmap.MADV_RANDOM)
sys.stdin.readline()
parent = os.getpid()
for _ in range(workers - 1):
    if not os.fork():
        break
while os.getpid() == parent or os.getppid() == parent:
    for _ in range(1000):
        pages[random.randrange(size)]
"""
"""Reads a file (path, MiB) until the kernel takes it for memory in use; once told to, from everywhere, as many workers.

It thrashes when its cgroup gets less than the file takes. A file that never fit is read as slowly, but then the kernel
counts no wait for memory.
"""
