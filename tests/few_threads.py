"""Runs the command on a machine that has only so many threads left, or none for those of a name.

``python -m tests.few_threads 5 serve ...``, ``python -m tests.few_threads filesystem serve ...``.
"""

import sys
import threading

limit = sys.argv.pop(1)
left = int(limit) if limit.isdigit() else 1000
really_start = threading.Thread.start


def start(thread: threading.Thread) -> None:
    global left  # noqa: PLW0603 - there is one machine
    if left <= 0 or thread.name == limit:
        raise RuntimeError("can't start new thread")
    left -= 1
    really_start(thread)


threading.Thread.start = start  # type: ignore[method-assign,assignment]

from exporter.__main__ import main  # noqa: E402 - it begins once the limit is in force

main()
