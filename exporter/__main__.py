"""Entry point of ``host-exporter`` and ``python -m exporter``."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command and never return. Ctrl-C exits without a traceback, even during the imports below.

    Commands that need a clean shutdown install their own handler.
    """
    # KeyboardInterrupt gets lost wherever Python cannot raise, such as in a callback of the import lock, and the
    # program would carry on. Leave SIGINT alone if the parent had it ignored, as shells do for "command &".
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, _frame: os._exit(128 + number))
    # The parent may have closed a stream (``>&-``). Writing to a file opened for reading fails like writing to a closed
    # one, and while it is open no socket can take the number of the standard output.
    sys.stdout = sys.stdout or open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115 - until exit
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    from exporter.commands.program import main as run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
