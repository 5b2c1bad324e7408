"""Takes samples for the window in a separate thread, so that a slow collector does not freeze it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from exporter.sampling.pace import beats
from exporter.threads import start

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.model import Snapshot
    from exporter.sampling.sampler import Sampler

log = logging.getLogger("exporter")


class Feed:
    """Takes a sample every ``interval`` seconds and hands it to ``receive``, in the feed's thread."""

    def __init__(self, sampler: Sampler, interval: float, receive: Callable[[Snapshot], None]) -> None:
        self._sampler = sampler
        self._interval = interval
        self._receive = receive
        self._stop = threading.Event()

    def start(self) -> None:
        """Start the thread, or raise ThreadError. It writes nothing: it may be abandoned if a sample hangs at exit."""
        start(self._run, "feed")

    def stop(self) -> None:
        """Stop taking samples; the one in progress is discarded."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self._sampler.prime()
            last = None
            for _ in beats(self._interval, self._stop):
                snapshot = self._sampler.sample(max_age=self._interval / 2)
                if self._stop.is_set():
                    return
                if snapshot is not last:  # after a slow sample the next beat may get the same one
                    self._receive(snapshot)
                last = snapshot
        except Exception as reason:  # the window reports that figures have stopped, the log says why
            log.error("sampling has stopped: %s", reason)  # noqa: TRY400 - one line, never a traceback
            log.debug("feed", exc_info=True)
