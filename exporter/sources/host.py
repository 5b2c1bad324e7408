"""Whose files are read: this machine's, or those of a host mounted under ``--rootfs``."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

LINUX = sys.platform.startswith("linux")


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

        Not ``self``: a service sandbox or a container has mounts and a network of its own. PID 1 is hidden
        by ``hidepid`` from other users; then our own view is the best there is.
        """
        path = f"{self.proc}/1"
        return path if os.access(f"{path}/mountinfo", os.R_OK) else f"{self.proc}/self"


def read_bytes(path: str) -> bytes | None:
    """Return a file's content, or None where it cannot be read (not there, gone, not allowed)."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
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
