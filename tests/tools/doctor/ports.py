"""The ports that are about to be published: given twice, in use, and by what."""

from __future__ import annotations

import errno
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING

from tests.tools.doctor import kinds
from tests.tools.doctor.report import Finding
from tests.tools.ports import holder, trouble_at

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

_OURS = {
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
"""What a service answers, and where: a port in use by what is to run there is a stack that runs already."""

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
) -> Iterator[Finding]:
    """Yield what keeps services from publishing their ports on BIND_ADDRESS.

    ``change`` says how to choose another port. For ``docker``, a stack that is already running is no fault, because
    "docker compose up" then changes only what is new; nor is a port below 1024, because its engine is root.
    """
    host = given.get("BIND_ADDRESS", "").strip("[]") or "127.0.0.1"
    taken: dict[int, str] = {}
    for name, port in wanted:
        if port in taken:
            yield Finding(f"{name}={port} is already the port of {taken[port]}: {change(name, _other(host, port))}")
            continue
        taken[port] = name
        trouble = trouble_at(host, port)
        if trouble == errno.EADDRNOTAVAIL:
            yield Finding(f"BIND_ADDRESS={host}: this machine has no such address")
            return
        if trouble == errno.EACCES and docker:
            continue
        if trouble == errno.EACCES:
            yield Finding(f"{name}={port}: you may not listen on a port below 1024; {change(name, port + 8000)}")
        elif trouble and docker and _ours(name, host, port, secured=bool(given.get("WEB_CONFIG"))):
            yield Finding(f"{name}={port} is in use: it seems that this stack is already running", wrong=False)
        elif trouble:
            text = f"{name}={port}: the port is in use{holder(port)}"
            yield Finding(f"{text}; {change(name, _other(host, port))}")


def _other(host: str, port: int) -> int:
    """Return the next higher port that is free."""
    return next((other for other in range(port + 1, min(port + 200, 65536)) if not trouble_at(host, other)), port + 1)


def _ours(name: str, host: str, port: int, *, secured: bool) -> bool:
    """Return whether the service that is to listen there answers already. A password keeps us from asking."""
    if secured and name == "EXPORTER_PORT":
        return True
    path, mark = _OURS[name]
    place = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    try:
        with _direct.open(f"http://{place}:{port}{path}", timeout=3) as answer:
            return mark in answer.read(1 << 20).decode(errors="replace")
    except (OSError, HTTPException):
        return False
