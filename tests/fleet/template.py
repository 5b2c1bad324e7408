"""A fixture machine's real exposition as a template that can be filled with other figures at little cost."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.web.metrics import Expositions
from tests.fleet.figures import Series, figure_of
from tests.fleet.machine import Moment
from tests.fleet.programs import METRICS
from tests.machines import FixtureMachine
from tests.tools.bench_client import ACCEPT

if TYPE_CHECKING:
    from tests.fleet.figures import Figure
    from tests.fleet.machine import Machine

KINDS = ("laptop", "server")
SAMPLE = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
HOSTNAME = re.compile(r'hostname="[^"]*"')


@cache
def real(kind: str) -> tuple[str, str]:
    """Return the real collectors' exposition of a fixture machine, and its content type."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        machine = FixtureMachine(kind, Path(folder), patch)
        snapshot = machine.later()
        body, headers = Expositions(machine.settings.thresholds()).get(snapshot, None, ACCEPT, False)
    return body.decode(), headers["Content-Type"]


@dataclass(frozen=True, slots=True)
class Template:
    """The exposition with a placeholder for each figure that changes, and the functions that fill them, in order."""

    text: bytes
    figures: tuple[Figure, ...]
    cpus: int
    memory_total: float

    def fill(self, machine: Machine, now: float) -> bytes:
        """Return a machine's exposition at a Unix time."""
        moment = Moment(machine, now, self.cpus, self.memory_total)
        return self.text % tuple([figure(moment) for figure in self.figures])


@cache
def template(kind: str) -> Template:
    """Return the template of a fixture machine."""
    lines = real(kind)[0].splitlines(keepends=True)
    samples = [_series(line) for line in lines]
    values = {(series.name, series.labels): series.value for series in samples if series}
    text: list[str] = []
    figures: list[Figure] = []
    for line, series in zip(lines, samples, strict=True):
        fixed = line.replace("%", "%%")
        if series is None:
            text.append(fixed)
        elif series.name in METRICS:  # one placeholder for all its lines
            if text[-1] != "%b":
                text.append("%b")
                figures.append(partial(_programs, series.name))
        elif series.name == "host_info":
            text.append(HOSTNAME.sub('hostname="%b"', fixed))
            figures.append(_name)
        elif figure := figure_of(series, values):
            text.append(f"{fixed.rpartition(' ')[0]} %a\n")
            figures.append(figure)
        else:
            text.append(fixed)
    cpus, memory = values["host_logical_cpus", ""], values["host_memory_total_bytes", ""]
    return Template("".join(text).encode(), tuple(figures), int(cpus), memory)


def _series(line: str) -> Series | None:
    found = SAMPLE.fullmatch(line.rstrip("\n"))
    return Series(found["name"], found["labels"] or "", float(found["value"])) if found else None


def _programs(metric: str, moment: Moment) -> bytes:
    return moment.programs[metric]


def _name(moment: Moment) -> bytes:
    return moment.machine.name.encode()
