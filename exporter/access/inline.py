"""Certificates and keys that stand in the configuration itself, as the files that Python's ssl module insists on."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.access.tls_section import Pem


@contextmanager
def as_file(pem: Pem) -> Iterator[str]:
    """Give the path of a file with that text: its own, or one that nobody else can read and that is gone afterwards."""
    if pem.path:
        yield pem.path
        return
    with _in_memory() if hasattr(os, "memfd_create") else _on_disk() as (descriptor, path):
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(pem.text.encode())
        yield path


@contextmanager
def _in_memory() -> Iterator[tuple[int, str]]:
    """Linux: never on a disk, and works where the whole filesystem is read-only."""
    descriptor = os.memfd_create("pem")
    try:
        yield descriptor, f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@contextmanager
def _on_disk() -> Iterator[tuple[int, str]]:
    descriptor, path = tempfile.mkstemp()  # for its owner only
    try:
        yield descriptor, path
    finally:
        os.close(descriptor)
        os.unlink(path)
