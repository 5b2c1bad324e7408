"""``make load``: keeps every core busy for three minutes, long enough to trigger an alert. Ctrl-C stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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
    # Ctrl-C reaches every process in the terminal. The busy ones inherit SIG_IGN, so that this one can stop them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    processes = [subprocess.Popen([sys.executable, __file__, str(SECONDS)]) for _ in range(count)]
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        for process in processes:
            process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
