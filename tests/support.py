"""What the tests share: the real exporter as a process, its responses, and CPU load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from tests.tools.ports import free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

    from prometheus_client.samples import Sample

T = TypeVar("T")

COMMAND = (sys.executable, "-m", "exporter")


@dataclass
class Answer:
    """An HTTP response, including an error."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def fetch(
    url: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    wait: float = 20,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """Send one request; a 4xx or 5xx is a response as well."""
    request = urllib.request.Request(url, headers=dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=wait, context=context) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read())


def eventually(
    question: Callable[[], T],
    seconds: float = 60,
    what: str | Callable[[], str] = "it did not happen",
    *,
    patient: bool = True,
) -> T:
    """Call ``question`` until its result is true, and return it; fail with ``what`` after that many seconds.

    If ``patient``, connection errors are retried, because servers may be starting or restarting.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answer := question():
                return answer
        except OSError:
            if not patient:
                raise
        assert time.monotonic() < deadline, what if isinstance(what, str) else what()
        time.sleep(0.1)


def wait_for(question: Callable[[], T], seconds: float = 20, what: str | Callable[[], str] = "it did not happen") -> T:
    """Like ``eventually``, for servers that are already running: a connection error is a failure."""
    return eventually(question, seconds, what, patient=False)


class Exporter:
    """The real command ``serve`` on a free loopback port; stopped by PID."""

    def __init__(self, *args: str, env: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [*COMMAND, "serve", "--port", str(self.port), *args]
        self._env = {**os.environ, **(env or {})}
        self.log = ""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, env=self._env, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get("/-/ready").status == 200:
                    return self
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise AssertionError(f"the exporter did not start: {self.log}")

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it and return its exit code; its log is in ``log``."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            _, text = self.process.communicate(timeout=15)
            self.log = text or self.log  # after a second signal, the rest may be repeated
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        except ValueError:  # already stopped
            pass
        return self.process.returncode

    def get(self, path: str = "/metrics", headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        return fetch(self.url + path, headers, method)

    def samples(self, path: str = "/metrics") -> Samples:
        return Samples.parse(self.get(path).text)


@dataclass
class Samples:
    """An exposition, by metric name."""

    samples: list[Sample] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls([sample for family in text_string_to_metric_families(text) for sample in family.samples])

    def value(self, name: str, /, **labels: str) -> float | None:
        """Return the value of the one series with these labels (it may have others), or None."""
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        assert len(found) <= 1, f"{name} {labels} is not one series"
        return found[0] if found else None

    def labels(self, name: str, label: str) -> set[str]:
        """Return all values of a metric's label."""
        return {s.labels[label] for s in self.samples if s.name == name}

    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}


def run(*args: str, env: Mapping[str, str] | None = None, wait: float = 30) -> subprocess.CompletedProcess[str]:
    """Run the command until it exits."""
    return subprocess.run(
        [*COMMAND, *args], env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=wait, check=False
    )


class Load:
    """Processes that each keep one core busy; stopped by PID, and on their own after ``seconds``."""

    def __init__(self, count: int = 1, seconds: float = 60, duty: float = 1.0, command: Sequence[str] = ()) -> None:
        program = (
            "import time\n"
            f"end = time.monotonic() + {seconds}\n"
            "while time.monotonic() < end:\n"
            "    start = time.monotonic()\n"
            f"    while time.monotonic() - start < {0.02 * duty}: pass\n"
            f"    {'pass' if duty >= 1 else f'time.sleep({0.02 * (1 - duty)})'}\n"
        )
        self._command = list(command) or [sys.executable, "-c", program]
        self._count = count

    def __enter__(self) -> Self:
        self.processes = [subprocess.Popen(self._command) for _ in range(self._count)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
