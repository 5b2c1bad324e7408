"""An even pace: what is done every two seconds is done 43,200 times a day, however long each time takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator


def beats(interval: float, stop: threading.Event) -> Iterator[None]:
    """Yield at once and then every ``interval`` seconds, until ``stop`` is set.

    A beat that was missed, by a slow disk or a laptop that slept, is left out.
    """
    yield
    # Counted from the end of the first, which may wait until rates have something to compare with.
    due = now = time.monotonic()
    while True:
        due += interval * max(1, -(-(now - due) // interval))
        if stop.wait(due - now):
            return
        yield
        now = time.monotonic()
