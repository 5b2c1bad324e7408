"""Entry point of ``host-exporter`` and ``python -m exporter``."""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # Importing typing takes longer than all else here: a Ctrl-C in that time had a traceback.
if TYPE_CHECKING:
    from typing import TextIO


def main() -> None:
    """Run the command and never return. Ctrl-C exits without a traceback, even during the imports below.

    Commands that need a clean shutdown install their own handler.
    """
    # KeyboardInterrupt gets lost wherever Python cannot raise, such as in a callback of the import lock, and the
    # program would carry on. Leave SIGINT alone if the parent had it ignored, as shells do for "command &".
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, _frame: os._exit(128 + number))
    # The parent may have closed a stream (``>&-``). Writing to a file opened for reading fails like writing to a closed
    # one; the log goes nowhere.
    sys.stdout = sys.stdout or _stand_in(1, os.O_RDONLY)
    sys.stderr = sys.stderr or _stand_in(2, os.O_WRONLY)
    try:
        from exporter.commands.program import main as run  # noqa: PLC0415
    except (ImportError, OSError, MemoryError) as reason:
        _fail(reason)
        raise
    run()


def _fail(reason: BaseException) -> None:
    """End with one line if there was too little of something to load the program."""
    from exporter.errors import shortage  # noqa: PLC0415

    if text := shortage(reason):
        sys.exit(f"host-exporter: {text}")


def _stand_in(descriptor: int, mode: int) -> TextIO:
    """Return a stream in place of one that was closed, under its number.

    A socket or an export file that got the number would receive what a C library prints.
    """
    opened = os.open(os.devnull, mode)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)
    return open(descriptor, "w", encoding="utf-8", closefd=False)


if __name__ == "__main__":
    main()
