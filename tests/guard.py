"""Stops whatever a killed pytest leaves running.

A test stops its own servers, but a killed pytest cannot. So each pytest process, including xdist's workers, starts a
guard: a small program that does nothing until its standard input closes, which happens however pytest ends. The guard
recognizes what to stop by a mark in the environment. Every process that a test starts inherits the mark, and so do
that process's own children, whatever their session or parent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from uuid import uuid4

import psutil

VARIABLE = "STARTED_BY_TESTS"
"""Holds the marks of all pytest processes among the ancestors, the nearest last."""

PATIENCE = 10
"""Seconds that processes get to exit by themselves, so that a Docker engine can remove its mounts and interfaces."""


def marks() -> dict[str, str]:
    """Return the marks, for the environment of a process that does not inherit ours."""
    return {name: value for name, value in os.environ.items() if name == VARIABLE}


class Guard:
    """Marks everything that this process starts from now on, and starts the guard program."""

    def __init__(self) -> None:
        mark = uuid4().hex
        self._program = subprocess.Popen(
            [sys.executable, __file__, mark, str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for pytest only
        )  # fmt: skip
        os.environ[VARIABLE] = f"{os.environ.get(VARIABLE, '')} {mark}".strip()

    def close(self) -> None:
        """Stop whatever is still running, then the guard."""
        assert self._program.stdin
        self._program.stdin.close()
        self._program.wait()


def started(mark: str, *others: int) -> list[psutil.Process]:
    """Return the processes with a mark and all their descendants, except for the given PIDs.

    Some descendants overwrite their environment with their title (Chromium) or get a new one (containers).
    """
    found: dict[int, psutil.Process] = {}
    processes = {process.pid: process for process in psutil.process_iter(["ppid"])}
    for pid, process in processes.items():
        # It has exited in the meantime, or belongs to another user.
        with contextlib.suppress(psutil.Error, OSError):
            if pid not in others and mark in process.environ().get(VARIABLE, "").split():
                found[pid] = process
    while more := {pid for pid, p in processes.items() if p.info["ppid"] in found} - found.keys() - set(others):
        found |= {pid: processes[pid] for pid in more}
    return [process for process in found.values() if not ended(process)]


def ended(process: psutil.Process) -> bool:
    """Return whether a process has exited, even if its exit code has not been collected yet."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def stop(mark: str, *others: int) -> None:
    """Stop all processes with a mark: SIGTERM first, then SIGKILL for as long as new ones appear."""
    polite = time.monotonic() + PATIENCE
    last = polite + PATIENCE
    told: set[psutil.Process] = set()
    while (running := started(mark, *others)) and (now := time.monotonic()) < last:
        for process in running:
            with contextlib.suppress(psutil.Error):
                if now > polite:
                    process.kill()
                elif process not in told:
                    process.terminate()
        told.update(running)
        time.sleep(0.1)


def main(mark: str, parent: str) -> None:
    """Wait until pytest has exited, then stop what it has started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    stop(mark, os.getpid(), int(parent))


if __name__ == "__main__":
    main(*sys.argv[1:])
