"""``make stack``: runs the whole stack on this machine, without Docker, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path


def listen() -> threading.Event:
    """Return an event that Ctrl-C, SIGTERM and SIGHUP set. All servers are then stopped in order."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Under nohup, closing the terminal must not stop the stack.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    STOPPED = listen()
    # Only now, because it takes most of a second, in which Ctrl-C would end in a traceback.
    from tests.tools.stack.running import main

    sys.exit(main(STOPPED, *(Path(argument).resolve() for argument in sys.argv[1:2])))
