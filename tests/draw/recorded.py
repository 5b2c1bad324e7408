"""A real Prometheus that holds the invented hour, with what the shipped rules make of it.

Prometheus' own backfilling leaves alerts out, so the rules' expressions are asked over the hour, and ``for`` and
``keep_firing_for`` are applied here.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import urllib.parse
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.draw import services, world
from tests.draw.world import END, STEP, TIMES, Line
from tests.support import eventually, fetch
from tests.support_servers import program
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RULES = Path(__file__).parents[2] / "alerts.yml"
SEEN = "instance:host_seen:timestamp_seconds"
UNITS = {"s": 1, "m": 60, "h": 3600}
PASSES = 3
"""How often rules are asked: some read what others record, alerts read both."""


@contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    """Yield the address of a Prometheus with the hour; the folder is its own."""
    lines = [line for machine in world.machines() for line in machine.lines()]
    _store(folder, "raw", [*lines, *services.lines()])
    rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    for number in range(PASSES):
        last = number == PASSES - 1
        with _started(folder) as url:
            found = [line for rule in rules for line in _recorded(url, rule, alerts=last)]
        # A machine that died keeps the name that was recorded while it lived; the first pass does not have it yet.
        nameless = [line for line in found if line.name == SEEN and "hostname" not in line.labels]
        _store(folder, f"rules{number}", found if last else [line for line in found if line not in nameless])
    with _started(folder) as url:
        yield url


def ask(url: str, expr: str, begin: float | None = None) -> list[dict[str, Any]]:
    """Return the series of an expression: at the end of the hour, or from ``begin`` until then."""
    path = "query" if begin is None else "query_range"
    times: dict[str, Any] = {"time": END} if begin is None else {"start": begin, "end": END, "step": STEP}
    answer = json.loads(fetch(f"{url}/api/v1/{path}?{urllib.parse.urlencode({'query': expr, **times})}").text)
    assert answer["status"] == "success", f"{answer.get('error')}: {expr}"
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def _store(folder: Path, name: str, lines: Iterable[Line]) -> None:
    source = folder / f"{name}.om"
    with source.open("w", encoding="utf-8") as file:
        for line in lines:
            file.writelines(line.text())
        file.write("# EOF\n")
    command = [
        program("promtool"),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--quiet",
        str(source),
        str(folder / "data"),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True)


@contextmanager
def _started(folder: Path) -> Iterator[str]:
    (folder / "empty.yml").write_text("")
    url = f"http://127.0.0.1:{free_port()}"
    flags = {
        "config.file": folder / "empty.yml",
        "storage.tsdb.path": folder / "data",
        "storage.tsdb.retention.time": "10y",
        "web.listen-address": url.removeprefix("http://"),
        "log.level": "error",
    }
    with subprocess.Popen([program("prometheus"), *(f"--{name}={value}" for name, value in flags.items())]) as server:
        try:
            eventually(lambda: fetch(f"{url}/-/ready").status == 200, 60)
            yield url
        finally:
            server.terminate()
            server.wait()


def _recorded(url: str, rule: dict[str, Any], *, alerts: bool) -> Iterator[Line]:
    # What looks into the future would see the rest of the hour.
    if ("alert" in rule and not alerts) or "offset -" in rule["expr"]:
        return
    for series in ask(url, rule["expr"], TIMES[0]):
        known = {float(at): float(value) for at, value in series["values"]}
        values = [known.get(float(at), math.nan) for at in TIMES]
        labels = {name: value for name, value in series["metric"].items() if name != "__name__"} | rule.get(
            "labels", {}
        )
        if "record" in rule:
            yield Line(rule["record"], labels, values)
            continue
        own = {name: value for name, value in labels.items() if "{{" not in value}
        firing = _firing(values, _seconds(rule.get("for", "0s")), _seconds(rule.get("keep_firing_for", "0s")))
        yield Line("ALERTS", own | {"alertname": rule["alert"], "alertstate": "firing"}, firing)


def _firing(values: list[float], wait: float, keep: float) -> list[float]:
    since: float | None = None
    seen = -math.inf
    firing = []
    for at, value in zip(TIMES, values, strict=True):
        active = not math.isnan(value)
        fires = since is not None and since + wait <= at
        if active:
            since = at if since is None else since
            seen, fires = at, since + wait <= at
        elif not (fires and at - seen <= keep):
            since, fires = None, False
        firing.append(1.0 if fires else math.nan)
    return firing


def _seconds(text: str) -> float:
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smh])", text))
