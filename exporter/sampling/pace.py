"""A steady pace: a two-second interval gives 43,200 beats a day, however long the work at each beat takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator


def beats(interval: float, stop: threading.Event) -> Iterator[None]:
    """Yield immediately and then every ``interval`` seconds until ``stop`` is set.

    Beats missed because of a slow disk or a suspended laptop are skipped, not caught up on.
    """
    yield
    # Count from the end of the first beat, which may have waited for rates to get a baseline.
    due = now = time.monotonic()
    while True:
        due += interval * max(1, -(-(now - due) // interval))
        if stop.wait(due - now):
            return
        yield
        now = time.monotonic()
