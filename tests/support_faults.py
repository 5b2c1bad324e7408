"""Real faults, made as root on Linux: filesystems with errors or no room, mirrors that lose a disk, no memory left."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            run("mkfs.btrfs", "-q", "-d", "raid1", "-m", "raid1", *self.devices)
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
def memory_cgroup(name: str, limit: int) -> Iterator[Path]:
    """Make a cgroup (v1 or v2) with a memory limit in bytes. Raises OSError where the kernel has none."""
    root = Path("/sys/fs/cgroup")
    one = (root / "memory/memory.limit_in_bytes").exists()
    if not one and "memory" not in (root / "cgroup.subtree_control").read_text():
        raise OSError("no cgroup controller of memory")
    group = (root / "memory" if one else root) / f"host-exporter-{name}-{os.getpid()}"
    group.mkdir()
    try:
        (group / ("memory.limit_in_bytes" if one else "memory.max")).write_text(str(limit))
        yield group
    finally:
        group.rmdir()


@contextmanager
def limited(program: Path, text: str, limit: int, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program, of its file's name, under a memory limit in bytes; each line on its input moves it on."""
    program.write_text(text)
    with memory_cgroup(program.stem, limit) as group:
        enter = f'echo $$ > {group}/cgroup.procs; exec "$@"'
        process = subprocess.Popen(
            ["sh", "-c", enter, "sh", sys.executable, program, *arguments],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
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
import mmap, os, random, sys, time
path, size = sys.argv[1], int(sys.argv[2]) << 20
with open(path, "wb") as file:
    for _ in range(size >> 20):
        file.write(os.urandom(1 << 20))
with open(path, "rb") as file:
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
    pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    pages.madvise(mmap.MADV_RANDOM)
    sys.stdin.readline()
    while True:
        for _ in range(50):
            pages[random.randrange(size)]
        time.sleep(0.01)
"""
"""Once told to, reads from everywhere in a file (path, MiB) that is larger than its limit."""
