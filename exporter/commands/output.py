"""Standard output that cannot be written any more."""

from __future__ import annotations

import contextlib
import os
import sys


def discard_output() -> None:
    """Send the rest of the output to nowhere: it cannot be written either, and Python would complain again at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
