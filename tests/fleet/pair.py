"""The servers of docker-compose.fleet.yml on loopback: two of Prometheus, two of Alertmanager, and the store."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.support import fetch
from tests.support_servers import FETCHED, program
from tests.tools.ports import free_port
from tests.tools.stack.mailbox import Mailbox
from tests.tools.stack.process import Server
from tests.tools.stack.shipped import ROOT, Shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

FILES = ("docker-compose.yml", "docker-compose.fleet.yml")
PORTS = {
    "exporter": 5000,
    "prometheus": 9090,
    "prometheus-b": 9090,
    "alertmanager": 9093,
    "alertmanager-b": 9093,
    "victoriametrics": 8428,
    "grafana": 3000,
}
CLUSTER = 9094
READY = {"victoriametrics": "/health"}


def shipped(variables: Mapping[str, str]) -> Shipped:
    """Return the result of merging both Compose files; "$$" is kept for the substitution in the configurations."""
    command = [
        program("docker-compose"),
        *(f"--file={ROOT / name}" for name in FILES),
        "--env-file=/dev/null",
        "config",
    ]
    done = subprocess.run(
        command, env={"PATH": "", **variables}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return Shipped(yaml.safe_load(done.stdout), {})


def here(text: str, addresses: Mapping[str, str], targets: Path, folder: Path) -> str:
    """Return a configuration with the containers' host names and paths replaced by those of this machine."""
    for name in sorted(addresses, key=len, reverse=True):  # "prometheus-b" before "prometheus"
        text = text.replace(f"{name}:{PORTS[name]}", addresses[name])
    text = text.replace("/etc/prometheus/targets/", f"{targets}/")
    for place in ("/etc/prometheus/", "/etc/alertmanager/"):
        text = text.replace(place, f"{folder}/")
    return text


class Pair:
    """All servers as child processes, with the shipped configuration; ``edit`` may change each of its texts.

    Servers named in ``without`` are not started. Each server has its own subfolder of ``folder``.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, str],
        *,
        edit: Callable[[str, str], str],
        without: Collection[str] = (),
    ) -> None:
        self.shipped = shipped(variables)
        self.folder = folder
        self.targets = folder / "targets"
        self.ports = {name: free_port() for name in PORTS}
        self.cluster = {name: free_port() for name in ("alertmanager", "alertmanager-b")}
        self.mailbox = Mailbox(free_port())
        self._edit = edit
        self._stack = ExitStack()
        names = [name for name in PORTS if name not in {"grafana", *without}]
        self.servers = {name: self._server(name) for name in names}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def address(self, name: str) -> str:
        """Return a server's address, as in the label ``instance``."""
        return f"127.0.0.1:{self.ports[name]}"

    def __enter__(self) -> Self:
        (self.targets / "apps").mkdir(parents=True, exist_ok=True)
        with self._stack as stack:
            stack.enter_context(self.mailbox)
            for server in self.servers.values():
                server.start()
                stack.callback(server.stop)
            for server in self.servers.values():
                server.wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, name: str, path: str, **parameters: str | float) -> Any:
        """Return the data of a response of Prometheus' API, which the store implements too."""
        answer = fetch(f"{self.url(name)}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", wait=30)
        found = json.loads(answer.text)
        assert found["status"] == "success", found
        return found["data"]

    def _server(self, name: str) -> Server:
        folder = self.folder / name
        folder.mkdir(parents=True)
        if name == "exporter":
            command = [sys.executable, "-m", "exporter", "serve", "--port", str(self.ports[name])]
        else:
            command = [*self._program(name, folder), *self._listen(name)]
        start = FETCHED.parents[1] if FETCHED.exists() else None  # fetched servers find their files from here
        ready = self.url(name) + READY.get(name, "/-/ready")
        server = Server(name, command, ready=ready, log=self.folder / f"{name}.log", folder=start)
        environment = self.shipped.environment(name)
        server.environment = {key: self._here(value, folder) for key, value in environment.items()}
        return server

    def _program(self, name: str, folder: Path) -> list[str]:
        texts = {
            "alertmanager": "alertmanager.yml",
            "mail": "mail.tmpl",
            "heartbeat": "heartbeat.url",
            "fleet": "fleet.yml",
        }
        for source, target in texts.items():
            self._write(folder, target, self.shipped.config(source))
        (folder / "smtp-password").write_text(self.shipped.config("smtp-password"), encoding="utf-8")
        self._write(folder, "alerts.yml", (ROOT / "alerts.yml").read_text(encoding="utf-8"))
        names = {"prometheus": ("prometheus",), "alertmanager": ("prometheus-alertmanager", "alertmanager")}
        found = program(*names.get(name.removesuffix("-b"), ("victoria-metrics",)))
        return [found, *(self._edit(name, self._here(word, folder)) for word in self.shipped.command(name))]

    def _listen(self, name: str) -> list[str]:
        if name == "victoriametrics":
            return [f"--httpListenAddr={self.address(name)}"]
        return [f"--web.listen-address={self.address(name)}"]

    def _write(self, folder: Path, name: str, text: str) -> None:
        (folder / name).write_text(self._edit(name, self._here(text, folder)), encoding="utf-8")

    def _here(self, text: str, folder: Path) -> str:
        """Replace the containers' host names and paths by those of this machine."""
        for name, port in self.cluster.items():
            text = text.replace(f"={name}:{CLUSTER}", f"=127.0.0.1:{port}")
        text = text.replace(f"0.0.0.0:{CLUSTER}", f"127.0.0.1:{self.cluster.get(folder.name, 0)}")
        addresses = {name: self.address(name) for name in PORTS}
        text = here(text, addresses, self.targets, folder)
        text = text.replace("mailpit:1025", f"127.0.0.1:{self.mailbox.port}")
        for place in ("=/prometheus", "=/alertmanager", "=/tmp/storage"):
            text = text.replace(place, f"={folder}/data") if text.endswith(place) else text
        return text
