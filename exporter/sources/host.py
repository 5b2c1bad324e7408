"""The machine whose files are read: this one, or a host whose root is mounted under ``--rootfs``."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from math import nan

LINUX = sys.platform.startswith("linux")
WINDOWS = sys.platform == "win32"

MOST_LINKS = 40
"""Symbolic links to follow when resolving a path; the kernel's own limit."""

CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

CHUNK = 64 * 1024
"""Bytes to read at once. A scrape reads some thirty files: opened by ``open``, each would take 1.3 us longer."""

LONGEST_NUMBER = 40
"""Characters. The longest that a kernel prints is a counter of 64 bits, 20 digits."""


@dataclass(frozen=True, slots=True)
class Host:
    """Paths of the monitored machine. ``rootfs`` is empty when the exporter runs on it directly."""

    rootfs: str = ""

    @property
    def proc(self) -> str:
        """Path of its /proc."""
        return f"{self.rootfs}/proc"

    @property
    def sys(self) -> str:
        """Path of its /sys."""
        return f"{self.rootfs}/sys"

    @property
    def init(self) -> str:
        """Path of PID 1, the process that sees the machine's own mounts and network.

        Not ``self``: a service sandbox or a container has its own mount and network namespaces. If ``hidepid`` hides
        PID 1, fall back to ``self``; but not under ``--rootfs``, because the container's figures are worse than none.
        """
        return f"{self.proc}/self" if self.is_hidden else f"{self.proc}/1"

    @property
    def is_hidden(self) -> bool:
        """Whether PID 1 is hidden, so that ``init`` has the mounts and the network of the exporter itself."""
        return not self.rootfs and not os.access(f"{self.proc}/1/mountinfo", os.R_OK)

    def missing(self, name: str) -> None:
        """Return if the kernel may well lack a file of /proc. Raises OSError if nothing can be seen there at all.

        Every Linux has /proc/stat, in a container and in gVisor too. Without it, this is an empty folder, the /proc of
        another system, or one that shows processes only: a file that is missing there says nothing about the machine.
        """
        if not os.path.exists(f"{self.proc}/stat"):
            raise OSError(
                f"{self.proc} has neither stat nor {name}: not the /proc of a Linux, or hidden (ProcSubset=pid)"
            )

    def inside(self, path: str) -> str:
        """Return the path of a file on the monitored machine, resolving symbolic links as that machine would.

        Under ``--rootfs``, an absolute link would otherwise point into the container.
        """
        if not self.rootfs:
            return path
        done: list[str] = []
        ahead = path.split("/")[::-1]
        for _ in range(MOST_LINKS):
            while ahead:
                part = ahead.pop()
                if part in {"", "."}:
                    continue
                if part == "..":
                    del done[-1:]
                    continue
                done.append(part)
                try:
                    target = os.readlink("/".join([self.rootfs, *done]))
                except OSError:  # not a link, or does not exist
                    continue
                del done[0 if target.startswith("/") else -1 :]
                ahead += target.split("/")[::-1]
                break
            else:
                break
        return "/".join([self.rootfs, *done])

    def read_init(self, name: str) -> bytes:
        """Return the contents of a file of ``init``, such as "mountinfo". Raises OSError with the reason."""
        path = f"{self.init}/{name}"
        content = read_bytes(path)
        if content is None:
            if self.rootfs:
                self.missing(f"1/{name}")
            why = "the host's /proc hides process 1 (hidepid)" if self.rootfs else "missing or permission denied"
            raise OSError(f"{path} cannot be read: {why}")
        return content


def read_bytes(path: str, most: int = -1) -> bytes | None:
    """Return a file's contents, or its first ``most`` bytes; None if unreadable (missing, gone, permission denied)."""
    try:
        file = os.open(path, os.O_RDONLY | CLOSE_ON_EXEC)
    except (OSError, ValueError):
        return None
    try:
        # A file in /proc comes in pieces of its own size, and ends only where nothing comes any more.
        content = piece = os.read(file, CHUNK if most < 0 else most)
        while piece and (most < 0 or len(content) < most):
            piece = os.read(file, CHUNK if most < 0 else most - len(content))
            content += piece
    except OSError:
        return None
    finally:
        os.close(file)
    return content


def read_text(path: str) -> str | None:
    """Return the contents of a small text file, stripped, invalid UTF-8 replaced; None if unreadable."""
    content = read_bytes(path)
    return None if content is None else content.decode(errors="replace").strip()


def listed(folder: str) -> list[str]:
    """Return the names in a folder, sorted; none if it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def read_int(path: str) -> int | None:
    """Return the integer in a file, or None if it is missing or holds something else."""
    text = (read_bytes(path) or b"").strip()
    figure = plain_int(text.removeprefix(b"-"))
    return -figure if figure is not None and text.startswith(b"-") else figure


def read_flag(path: str) -> bool | None:
    """Return whether a file says yes, None if it is missing or holds anything but a number: below 0 is neither."""
    figure = read_int(path)
    return None if figure is None or figure < 0 else figure > 0


def plain_int(text: str | bytes) -> int | None:
    """Return the number in a text of digits, None for all else. ``int`` takes "1_0" and " +5", and fails at length."""
    return int(text) if text.isdigit() and text.isascii() and len(text) <= LONGEST_NUMBER else None


def number(text: str | bytes | None) -> float:
    """Return the number in a text, NaN if it is none: a figure that is there and cannot be true (see plausible.py)."""
    if text is None or len(text) > LONGEST_NUMBER or not text.isascii():
        return nan
    if text.isdigit():  # as nearly always
        return int(text)
    said = text if isinstance(text, str) else text.decode()
    try:
        return nan if "_" in said or "+" in said else float(said)
    except ValueError:
        return nan


def counter(text: str) -> float:
    """Return the counter in a text, NaN if it is none: the kernel writes nothing but digits."""
    found = plain_int(text)
    return nan if found is None else found


def printable(text: str) -> str:
    """Return text that is safe in labels, terminals and mail subjects: like ``ps``, "?" for control characters."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
