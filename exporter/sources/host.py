"""Whose files are read: this machine's, or those of a host mounted under ``--rootfs``."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

LINUX = sys.platform.startswith("linux")

MOST_LINKS = 40
"""Links on the way to a file; the kernel's own limit."""


@dataclass(frozen=True, slots=True)
class Host:
    """Paths of the machine that is watched. ``rootfs`` is empty when the exporter runs on it directly."""

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
        """Path of the process that sees the machine's mounts and network: PID 1.

        Not ``self``: a service sandbox or a container has mounts and a network of its own. Where ``hidepid`` hides
        PID 1, our own view is the best there is; but in a container it would be the container's, which is worse
        than none.
        """
        path = f"{self.proc}/1"
        return path if self.rootfs or os.access(f"{path}/mountinfo", os.R_OK) else f"{self.proc}/self"

    def inside(self, path: str) -> str:
        """Return where a file of the watched machine is, symbolic links followed as that machine would.

        Under ``--rootfs`` an absolute link would lead out into the container.
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
                except OSError:  # no link, or nothing there
                    continue
                del done[0 if target.startswith("/") else -1 :]
                ahead += target.split("/")[::-1]
                break
            else:
                break
        return "/".join([self.rootfs, *done])

    def read_init(self, name: str) -> bytes:
        """Return a file of ``init``, such as "mountinfo". Raises OSError, which says why there is none."""
        path = f"{self.init}/{name}"
        content = read_bytes(path)
        if content is None:
            why = "the host's /proc hides process 1 (hidepid)" if self.rootfs else "not there or not allowed"
            raise OSError(f"{path} cannot be read: {why}")
        return content


def read_bytes(path: str, most: int = -1) -> bytes | None:
    """Return a file's content, or its first bytes; None where it cannot be read (not there, gone, not allowed)."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(most)
    except OSError:
        return None


def read_text(path: str) -> str | None:
    """Return a small text file, stripped; bytes that are no UTF-8 are replaced. None where unreadable."""
    content = read_bytes(path)
    return None if content is None else content.decode(errors="replace").strip()


def read_int(path: str) -> int | None:
    """Return the whole number in a file, or None where there is none."""
    try:
        return int(read_bytes(path) or b"")
    except ValueError:
        return None


def printable(text: str) -> str:
    """Return text safe for a label, a terminal and a mail's subject: as ``ps``, "?" for control characters."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
