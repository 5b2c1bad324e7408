"""``make load``: keeps every core busy for three minutes, long enough to trigger an alert. Ctrl-C stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

SECONDS = 180


def burn(seconds: float) -> None:
    """Keep one core busy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def main() -> None:
    """Start one process per core (this file, so that the email names it) and wait for them."""
    if len(sys.argv) > 1:
        burn(float(sys.argv[1]))
        return
    count = os.cpu_count() or 1
    print(f"{count} busy processes for {SECONDS // 60} minutes; expect an email after one to two. Ctrl-C stops them.")
    stopped = threading.Event()
    # Before the first process starts: a signal in between would leave busy processes behind.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    # Ctrl-C reaches every process of a terminal's session. The busy ones have their own, so that this one stops them.
    command = [sys.executable, __file__, str(SECONDS)]
    processes = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    while any(process.poll() is None for process in processes) and not stopped.wait(0.1):
        pass
    for process in processes:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
