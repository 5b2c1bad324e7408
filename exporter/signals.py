"""The signals that end a command cleanly, and those that it ignores. Windows has only some of them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


def _here(*names: str) -> Iterator[signal.Signals]:
    return (signal.Signals[name] for name in names if name in signal.Signals.__members__)


# A supervisor, Ctrl-C, Ctrl-\, a terminal or a console that is closed, a time limit, a limit of CPU time.
ENDING = frozenset(_here("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGBREAK", "SIGALRM", "SIGXCPU"))

# Other daemons reopen their logs at these. Export files are reopened for each row anyway.
IGNORED = frozenset(_here("SIGUSR1", "SIGUSR2"))

_NOHUP = frozenset(_here("SIGHUP"))


def on_end(handler: Callable[[int, FrameType | None], None]) -> None:
    """Call ``handler`` at each signal that is to end the program. Main thread only."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    for number in ENDING:
        # nohup leaves SIGHUP ignored, so that a program outlives its terminal.
        if number not in _NOHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def no_more() -> None:
    """Ignore all of them, once the program has ended its work: by default they would kill it at its exit."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
