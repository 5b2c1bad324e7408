"""Runs a command that may take long, and says so: a line at the start, one every 5 s, and one at the end.

usage: python3 tests/tools/progress.py WHAT COMMAND [ARGUMENT...]

The lines are plain, for terminals and logs alike. What the command itself prints is shown only if it fails; its last
line is in ours, because it names the package that is being fetched. It needs nothing but Python, because it runs
before anything is installed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress

EVERY = 5
"""Seconds between two lines."""
KEPT = 40
"""Lines of the command's output to show if it fails."""
WIDTH = 100


def main(what: str, command: list[str]) -> int:
    """Run the command; return its exit code, 130 after Ctrl-C."""
    said: deque[str] = deque(maxlen=KEPT)
    start = time.monotonic()
    say(what)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    except OSError as reason:
        say(f"{command[0]}: {reason.strerror}")
        return 127
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    reader = threading.Thread(target=read, args=(process, said), daemon=True)
    reader.start()
    try:
        while not ended(process):
            say(f"  {time.monotonic() - start:3.0f} s  {short(said)}".rstrip())
    except KeyboardInterrupt:
        # It has had the same Ctrl-C.
        process.wait()
        return 130
    reader.join(EVERY)
    if process.returncode:
        say(*said)
        return process.returncode if process.returncode > 0 else 128 - process.returncode
    if time.monotonic() - start >= EVERY:
        say(f"  {time.monotonic() - start:3.0f} s  done")
    return 0


def read(process: subprocess.Popen[str], said: deque[str]) -> None:
    """Keep the last lines of the command's output."""
    assert process.stdout
    for line in process.stdout:
        if line.strip():
            said.append(line.rstrip())


def ended(process: subprocess.Popen[str]) -> bool:
    """Wait for the command until the next line is due; return whether it has ended."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(EVERY)
    return process.poll() is not None


def short(said: deque[str]) -> str:
    """Return what the command printed last, without addresses and in one line."""
    text = re.sub(r"https?://\S+/", "", said[-1]).strip() if said else ""
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."


def say(*lines: str) -> None:
    """Print lines. Ignore a closed pipe: the command goes on."""
    for line in lines:
        with suppress(OSError):
            print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
