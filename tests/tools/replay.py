"""Simulated machines: a fixture's exposition with different figures, growing counters and its own host name."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Self

from exporter.thresholds import Threshold
from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterable

FAULTS = frozenset(
    {
        "host_hung_tasks_total",
        "host_oom_kills_total",
        "host_filesystem_errors_total",
        "host_btrfs_device_errors_total",
        "host_memory_errors_total",
        "host_disk_media_errors_total",
    }
)
"""Counters of what goes wrong: none of it does."""
GOLDEN = Path(__file__).parents[1] / "golden/laptop.txt"
SAMPLE = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
CPUS = 4
GROWS = 3.0
"""A counter's default growth per second."""


@cache
def golden() -> tuple[str | tuple[str, str, float], ...]:
    """Return the fixture's exposition: samples as (name, labels, value), comments as lines."""
    parts: list[str | tuple[str, str, float]] = []
    for line in GOLDEN.read_text(encoding="utf-8").splitlines(keepends=True):
        found = SAMPLE.fullmatch(line.rstrip("\n"))
        parts.append((found["name"], found["labels"] or "", float(found["value"])) if found else line)
    return tuple(parts)


@dataclass(frozen=True)
class Machine:
    """A machine and its figures: ratios are 0 to 1, ``filling`` is bytes written to its disk per second.

    ``address`` defaults to NAME:5000; ``lacks`` is a pattern of metrics that it does not have. ``warning`` and
    ``critical`` are its limits, None for none.
    """

    name: str
    cpu: float = 0.3
    memory: float = 0.5
    filesystem: float = 0.4
    filling: float = 0.0
    silent: bool = False
    lacks: str = ""
    address: str = ""
    warning: float | None = 0.8
    critical: float | None = 0.9

    @property
    def instance(self) -> str:
        """Return its instance label."""
        return self.address or f"{self.name}:5000"

    def exposition(self, seconds: float) -> str:
        """Return its exposition after this many seconds."""
        return "".join(
            part if isinstance(part, str) else f"{self._sample(*part, seconds)}\n"
            for part in golden()
            if not (self.lacks and re.match(self.lacks, part[0])) and self._limit(part[0], part[1]) is not None
        )

    def _limit(self, name: str, labels: str) -> float | None:
        """Return the value of a limit's series, None if the limit is none, 0 for every other series."""
        if name != "host_alert_threshold_ratio":
            return 0
        return self.warning if 'severity="warning"' in labels else self.critical

    def _sample(self, name: str, labels: str, value: float, seconds: float) -> str:
        if name == "host_info":
            labels = re.sub(r'hostname="[^"]*"', f'hostname="{self.name}"', labels)
        elif name == "host_level":
            usage = max(self.cpu, self.memory, self.filesystem)
            value = int(Threshold(self.warning, self.critical).level(usage))
        else:
            value = self._later(name, labels, value, seconds)
        return f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"

    def _later(self, name: str, labels: str, value: float, seconds: float) -> float:
        if name == "host_memory_usage_ratio":
            return self.memory
        if name == "host_filesystem_usage_ratio":
            return self.filesystem
        if name == "host_filesystem_available_bytes":
            return max(0.0, value - self.filling * seconds)
        if name == "host_clock_time_seconds":
            return time.time()
        return value + seconds * self._growth(name, labels)

    def _growth(self, name: str, labels: str) -> float:
        """Return how much a series grows in a second."""
        if name == "host_cpu_seconds_total":
            return CPUS * self._share(labels)
        if name.endswith("_total"):
            return 0 if name in FAULTS else 0.1 if "seconds" in name else GROWS
        return {"host_filesystem_used_bytes": self.filling, "host_uptime_seconds": 1.0}.get(name, 0.0)

    def _share(self, labels: str) -> float:
        mode = labels.partition('"')[2].partition('"')[0]
        return {"user": self.cpu * 0.8, "system": self.cpu * 0.2, "idle": 1 - self.cpu}.get(mode, 0.0)


class Replay:
    """Serves machines on one port, each at /NUMBER/metrics."""

    def __init__(self, machines: Iterable[Machine]) -> None:
        self.machines = {str(number): machine for number, machine in enumerate(machines)}
        begin = time.monotonic()
        by_number = self.machines

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                machine = by_number.get(self.path.strip("/").partition("/")[0])
                if machine is None or machine.silent:
                    self.send_error(503)
                    return
                body = machine.exposition(time.monotonic() - begin).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._handler = Handler
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._address = self._stack.enter_context(serving(self._handler))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def targets(self) -> str:
        """Return a target file (JSON is YAML) with all machines, as if each were a separate host."""
        address = self._address
        return "".join(
            f'- {{targets: ["{address}"], labels: {{instance: "{m.instance}", __metrics_path__: "/{n}/metrics"}}}}\n'
            for n, m in self.machines.items()
        )
