"""The ports that are about to be published: given twice, in use, and by what."""

from __future__ import annotations

import errno
import shutil
import subprocess
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tools.doctor import kinds
from tests.tools.doctor.report import Finding
from tests.tools.ports import holder, listener, trouble_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

DEFAULTS = {
    "EXPORTER_PORT": 5000,
    "PROMETHEUS_PORT": 9090,
    "ALERTMANAGER_PORT": 9093,
    "GRAFANA_PORT": 3000,
    "MAILPIT_PORT": 8025,
}
FLEET = {"PROMETHEUS_B_PORT": 9091, "ALERTMANAGER_B_PORT": 9095, "VICTORIAMETRICS_PORT": 8428}
EXAMPLE = {"DIGITS_PORT": 8000}
"""The variables of the ports, with the defaults of the Compose files (the tests compare them)."""

_LIKE = {
    "EXPORTER_PORT": ("/metrics?collect[]=system", "host_exporter_build_info"),
    "PROMETHEUS_PORT": ("/-/healthy", "Prometheus"),
    "PROMETHEUS_B_PORT": ("/-/healthy", "Prometheus"),
    "ALERTMANAGER_PORT": ("/api/v2/status", "cluster"),
    "ALERTMANAGER_B_PORT": ("/api/v2/status", "cluster"),
    "GRAFANA_PORT": ("/api/health", "database"),
    "MAILPIT_PORT": ("/api/v1/messages", "messages"),
    "VICTORIAMETRICS_PORT": ("/health", "OK"),
    "DIGITS_PORT": ("/metrics", "app_"),
}
"""What a service answers, and where."""

# A proxy for the Internet would not reach this machine's ports.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def used(given: Mapping[str, str], *, fleet: bool = False, example: bool = False) -> dict[str, int]:
    """Return the ports that the stack publishes, by variable. Those that are none are left out."""
    defaults = {**DEFAULTS, **(FLEET if fleet else {}), **(EXAMPLE if example else {})}
    texts = {name: given.get(name) or str(default) for name, default in defaults.items()}
    return {name: int(text) for name, text in texts.items() if not kinds.port(text)}


def ports(
    given: Mapping[str, str],
    wanted: Iterable[tuple[str, int]],
    change: Callable[[str, int], str],
    *,
    docker: bool = True,
    running: Callable[[str, int], str] = lambda _name, _port: "",
) -> Iterator[Finding]:
    """Yield what keeps services from publishing their ports on BIND_ADDRESS.

    ``change`` says how to choose another port. For ``docker``, a port below 1024 is no fault, because its engine is
    root. Nor is a port of a stack that is already running, which "docker compose up" changes only where something is
    new: ``running`` says so of a port, and is empty for one of somebody else's.
    """
    host = given.get("BIND_ADDRESS", "").strip("[]") or "127.0.0.1"
    wanted = list(wanted)
    # Neither another service's nor one that has just been proposed, whether or not it is started.
    avoid = {*used(given, fleet=True, example=True).values(), *(port for _, port in wanted)}

    def other(name: str, start: int) -> str:
        free = (port for port in range(start, min(start + 200, 65536)) if port not in avoid)
        found = next((port for port in free if not trouble_at(host, port)), start)
        avoid.add(found)
        return change(name, found)

    taken: dict[int, str] = {}
    for name, port in wanted:
        if port in taken:
            yield Finding(f"{name}={port} is already the port of {taken[port]}: {other(name, port + 1)}")
            continue
        taken[port] = name
        trouble = trouble_at(host, port)
        if trouble == errno.EADDRNOTAVAIL:
            yield Finding(f"BIND_ADDRESS={host}: this machine has no such address")
            return
        if trouble == errno.EACCES and docker:
            continue
        if trouble == errno.EACCES:
            yield Finding(f"{name}={port}: you may not listen on a port below 1024; {other(name, port + 8000)}")
        elif trouble and (said := running(name, port)):
            yield Finding(f"{name}={port} is in use: {said}", wrong=False)
        elif trouble:
            yield Finding(f"{name}={port}: the port is in use{holder(port)}; {other(name, port + 1)}")


def outside(folder: Path) -> Callable[[str, int], str]:
    """Return what says whether a port is one of this folder's own stack, in Docker or by ``make stack``."""

    def running(_name: str, port: int) -> str:
        if any(Path(owner).resolve() == folder.resolve() for owner in _published(port)):
            return "this stack is already running"
        found = listener(port)
        with suppress(OSError):
            # All that make stack and make run start stays in the folder.
            if found and Path(f"/proc/{found[0]}/cwd").resolve(strict=True).is_relative_to(folder.resolve()):
                return f"{found[1]} (process {found[0]}) was started in this folder, stop it before docker compose up"
        return ""

    return running


def _published(port: int) -> list[str]:
    """Return the folders of the Compose files whose containers publish a port, as far as Docker tells us."""
    program = shutil.which("docker")
    if not program:
        return []
    shape = '{{.Label "com.docker.compose.project.working_dir"}}'
    command = [program, "ps", "--filter", f"publish={port}", "--format", shape]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line for line in done.stdout.splitlines() if line]


def inside(given: Mapping[str, str]) -> Callable[[str, int], str]:
    """Return what says so in a container, which can ask only what answers there: that may be somebody else's."""
    host = given.get("BIND_ADDRESS", "").strip("[]") or "127.0.0.1"

    def running(name: str, port: int) -> str:
        if _answers(name, host, port, secured=bool(given.get("WEB_CONFIG"))):
            return "right if this stack is already running, else choose another port"
        return ""

    return running


def _answers(name: str, host: str, port: int, *, secured: bool) -> bool:
    """Return whether what answers there is what is to listen there. A password keeps us from asking."""
    if secured and name == "EXPORTER_PORT":
        return True
    path, mark = _LIKE[name]
    place = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    try:
        with _direct.open(f"http://{place}:{port}{path}", timeout=3) as answer:
            return mark in answer.read(1 << 20).decode(errors="replace")
    except (OSError, HTTPException):
        return False
