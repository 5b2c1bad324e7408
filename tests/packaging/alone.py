"""The one-file program on its own: no checkout, no Python on PATH, an unprivileged user."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil

from tests.guard import marks
from tests.support import fetch
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOBODY = 65534


class Alone:
    """A copy of the program in ``folder``, which unpacks itself into its own temporary folder."""

    def __init__(self, built: Path, folder: Path) -> None:
        self.folder = folder
        self.unpacked = folder / "tmp"
        self.unpacked.mkdir()
        self.program = folder / "host-exporter"
        shutil.copy(built, self.program)
        self.environment = {"PATH": "/nonexistent", "HOME": str(folder), "TMPDIR": str(self.unpacked), **marks()}
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            for path in (folder, self.unpacked):
                path.chmod(0o755)
                os.chown(path, NOBODY, NOBODY)

    def start(self, *args: str, **kwargs: Any) -> subprocess.Popen[str]:
        """Start the program with these arguments."""
        return subprocess.Popen(
            [str(self.program), *args],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **self._user,
            **kwargs,
        )

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the program until it exits."""
        process = self.start(*args)
        out, error = process.communicate(timeout=60)
        return subprocess.CompletedProcess(args, process.returncode, out, error)

    @contextmanager
    def serving(self, *args: str, **kwargs: Any) -> Iterator[Serving]:
        """Serve on a free port until the block ends, unless it was stopped earlier."""
        port = free_port()
        process = self.start("serve", "--port", str(port), *args, **kwargs)
        serving = Serving(process, f"http://127.0.0.1:{port}")
        try:
            serving.wait()
            yield serving
        finally:
            for each in serving.processes():
                each.kill()
            process.communicate(timeout=15)


class Serving:
    """The running program: the parent process, which unpacks, and its child, which serves."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def wait(self) -> None:
        """Wait until it is ready."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if fetch(f"{self.url}/-/ready").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        assert self.process.stderr
        raise AssertionError(f"it did not start: {self.process.stderr.read() if self.process.poll() else ''}")

    def processes(self) -> list[psutil.Process]:
        """Return both processes, parent first, without those that have exited."""
        if self.process.poll() is not None:
            return []
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]
