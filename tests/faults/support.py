"""What the fault tests share: an exporter in its own namespaces, and timed scrapes."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests.support import Exporter, Samples, fetch
from tests.support_servers import missing

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the fault is one of Linux")


def needs_root(what: str) -> None:
    """Skip the test if ``what`` is not permitted here."""
    if os.geteuid() != 0:
        missing(f"{what} needs root")


def needs_program(name: str, package: str) -> str:
    """Return the path of a program, or skip the test."""
    return shutil.which(name) or missing(f"{name} is not installed ({package})")


@dataclass
class Scrape:
    """A scraped exposition, and how long the scrape took."""

    samples: Samples
    seconds: float

    @classmethod
    def of(cls, exporter: Exporter, timeout: float | None = None, path: str = "/metrics") -> Self:
        """Scrape like a Prometheus with a timeout of ``timeout`` seconds."""
        headers = {} if timeout is None else {TIMEOUT_HEADER: str(timeout)}
        begin = time.monotonic()
        answer = fetch(exporter.url + path, headers, wait=30)
        seconds = time.monotonic() - begin
        assert answer.status == 200, answer.text
        return cls(Samples.parse(answer.text), seconds)

    def value(self, name: str, /, **labels: str) -> float | None:
        return self.samples.value(name, **labels)

    def failing(self) -> set[str]:
        """Return the collectors that are reported as failed."""
        return {
            sample.labels["collector"]
            for sample in self.samples.samples
            if sample.name == "host_exporter_collector_success" and sample.value == 0
        }

    def errors(self, collector: str) -> float | None:
        return self.value("host_exporter_collector_errors_total", collector=collector)


def tell(fault: str, **figures: object) -> None:
    """Print a fault's figures: ``pytest -s tests/faults`` shows them, docs/reliability.md keeps them."""
    print(f"\n[fault] {fault}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items()))


def ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def status(pid: int, field: str) -> int:
    """Return a number of /proc/PID/status, such as Threads or VmRSS (KiB)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise AssertionError(field)


class Enclosed(Exporter):
    """An exporter in its own mount and process namespaces, so that a fault affects no other test.

    Process 1 is a shell: it runs ``setup`` and then starts the exporter, with ``prefix`` in front of its command.
    """

    def __init__(self, *args: str, setup: str = "", prefix: str = "", env: Mapping[str, str] | None = None) -> None:
        needs_root("a namespace")
        super().__init__(*args, env=env)
        script = f"set -e\n{setup}\n{prefix} {shlex.join(self._command)} &\nset +e\nwait $!"
        unshare = [needs_program("unshare", "util-linux"), "--mount", "--pid", "--fork", "--mount-proc"]
        self._command = [*unshare, "--kill-child", "sh", "-c", script]

    @property
    def pid(self) -> int:
        """The exporter's PID outside: it is the child of the shell, which is the child of unshare."""
        return _child(_child(self.process.pid))

    @property
    def root(self) -> Path:
        """The exporter's root folder as seen from outside."""
        return Path(f"/proc/{self.pid}/root")

    def run_inside(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the exporter's namespaces."""
        shell = _child(self.process.pid)
        enter = [needs_program("nsenter", "util-linux"), f"--target={shell}", "--mount", "--pid"]
        return subprocess.Popen(
            [*enter, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self._env
        )

    def call_inside(self, *command: str) -> str:
        """Run a command in the exporter's namespaces, which must succeed, and return its output."""
        with self.run_inside(*command) as process:
            text, _ = process.communicate(timeout=30)
        assert process.returncode == 0, command
        return text

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            try:
                os.kill(self.pid, number)
                self.process.wait(15)
            except (ValueError, ProcessLookupError, subprocess.TimeoutExpired):  # it never started, or does not exit
                self.process.kill()
                self.process.wait()
        return super().stop()


def _child(pid: int) -> int:
    """Return a process's first child. Raises ValueError if it has none."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(next(iter(children), ""))
