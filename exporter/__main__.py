"""Where the command begins: ``host-exporter`` and ``python -m exporter``."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command, and do not return. Ctrl-C ends it without a traceback, also during the imports that follow here.

    Commands that have something to bring to an end take it over.
    """
    # KeyboardInterrupt would be lost where Python can raise nothing, such as in a callback of an import's lock: the
    # program would go on. Who started us may have it ignored, as shells do behind "&".
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, _frame: os._exit(128 + number))
    # Closed by who started us (``>&-``): then nobody reads it.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    from exporter.commands.program import main as run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
