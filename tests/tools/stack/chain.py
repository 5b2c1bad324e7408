"""Exporter -> Prometheus -> Alertmanager -> mail, on loopback, with the shipped configuration."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from tests.tools.ports import free_port, holder, is_free
from tests.tools.stack.mailbox import Mail, Mailbox
from tests.tools.stack.process import Server, StoppedError
from tests.tools.stack.shipped import ROOT, Shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SERVICES = ("exporter", "prometheus", "alertmanager", "grafana", "mailpit")
# Minimum versions for our configuration; tests/tools/servers.sh has the same numbers.
OLDEST = {"prometheus": (3, 0), "prometheus-alertmanager": (0, 32), "alertmanager": (0, 32)}
FETCHED = ROOT / ".cache/servers/usr/bin"


class MissingError(Exception):
    """A program or a port that the chain needs is not available."""


def find(*names: str) -> str:
    """Return the path of the first of these programs that is installed and recent enough. Raises MissingError."""
    trouble = f"{names[0]} is not installed"
    for name in names:
        oldest = OLDEST.get(name)
        for path in filter(None, (shutil.which(name, path=str(FETCHED)), shutil.which(name))):
            if not oldest:
                return path
            found = _version(path)
            if found and found >= oldest:
                return path
            said = f"is version {_dotted(found)}" if found else "does not say its version"
            trouble = f"{path} {said}, {_dotted(oldest)} or later is needed"
    raise MissingError(f"{trouble}: on Debian run make servers, elsewhere install it")


def _version(path: str) -> tuple[int, int] | None:
    """Return the version that a program reports, if it does."""
    # In a session of its own, or Ctrl-C would end it before it has said anything.
    said = subprocess.run(
        [path, "--version"], capture_output=True, text=True, timeout=30, check=False, start_new_session=True
    )
    found = re.search(r"version v?(\d+)\.(\d+)", said.stdout + said.stderr)
    return (int(found[1]), int(found[2])) if found else None


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


class Chain:
    """All servers of the stack as child processes, each in its own subfolder of ``folder``.

    ``targets`` is the folder of target files, by default a new one. ``edit`` may change each configuration before it is
    written: it gets the file name and the text. It also gets each argument of Prometheus, under the name "prometheus".
    Setting ``stopped`` aborts the startup with StoppedError. ``tell`` gets a line for each step of it.
    """

    def __init__(
        self,
        shipped: Shipped,
        folder: Path,
        *,
        targets: Path | None = None,
        mailbox: Mailbox | None = None,
        on_mail: Callable[[Mail], None] | None = None,
        edit: Callable[[str, str], str] = lambda _name, text: text,
        prometheus: Sequence[str] = (),
        exporter: Sequence[str] = (),
        stopped: threading.Event | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.shipped = shipped
        self.folder = folder
        self.ports = {service: shipped.port(service) for service in SERVICES}
        self.urls = {service: f"http://127.0.0.1:{port}" for service, port in self.ports.items()}
        self.targets = targets or folder / "targets"
        self.mailbox = mailbox or Mailbox(free_port(), on_mail=on_mail)
        self._edit = edit
        self._stopped = stopped or threading.Event()
        self._tell = tell
        self.exporter = self._exporter(exporter)
        self.prometheus = self._prometheus(prometheus)
        self.alertmanager = self._alertmanager()
        self.grafana = self._grafana()
        if self.grafana is None:  # nothing to link to
            self.exporter.environment = {**self.exporter.environment, "HOST_EXPORTER_GRAFANA_URL": "none"}
        self._stack = ExitStack()

    @property
    def servers(self) -> list[Server]:
        """The servers in the order in which they start."""
        return [s for s in (self.exporter, self.alertmanager, self.prometheus, self.grafana) if s]

    @property
    def catches_mail(self) -> bool:
        """Whether mail goes to the local mailbox rather than a server named in .env."""
        return "mailpit:1025" in self.shipped.config("alertmanager")

    def __enter__(self) -> Self:
        taken: set[int] = set()
        for server in self.servers:
            port = self.ports[server.name]
            if port in taken or not is_free(port):
                by = holder(port) if port not in taken else ""
                change = f"set {server.name.upper()}_PORT in .env to another one for {server.name}"
                raise MissingError(f"port {port} is in use{by}: {change}")
            taken.add(port)
        self.write()
        with self._stack as stack:
            stack.enter_context(self.mailbox)
            self._tell(f"starting {', '.join(server.name for server in self.servers)}")
            for server in self.servers:
                if self._stopped.is_set():
                    raise StoppedError
                server.start()
                stack.callback(server.stop)
            for server in self.servers:
                server.wait(stopped=self._stopped, tell=self._tell)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self) -> None:
        """Write all configuration files from the shipped ones."""
        (self.targets / "apps").mkdir(parents=True, exist_ok=True)
        for name in ("prometheus.yml", "alerts.yml"):
            self._write(name, (ROOT / name).read_text(encoding="utf-8"))
        self._write("alertmanager.yml", self.shipped.config("alertmanager"))
        self._write("mail.tmpl", self.shipped.config("mail"))
        self._write_secret("smtp-password", self.shipped.config("smtp-password"))
        self._write_secret("heartbeat.url", self.shipped.config("heartbeat"))

    def _write_secret(self, name: str, text: str) -> None:
        """Write a password as it is, whatever it contains, for nobody else to read."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(self._edit(name, self._here(text)), encoding="utf-8")

    def _here(self, text: str) -> str:
        """Replace the containers' host names and paths by those of this machine."""
        for name, port in (("exporter", 5000), ("prometheus", 9090), ("alertmanager", 9093), ("grafana", 3000)):
            text = re.sub(rf"\b{name}:{port}\b", f"127.0.0.1:{self.ports[name]}", text)
        text = text.replace('"localhost:9090"', f'"127.0.0.1:{self.ports["prometheus"]}"')
        text = text.replace("mailpit:1025", f"127.0.0.1:{self.mailbox.port}")
        text = text.replace("/etc/prometheus/targets/", f"{self.targets}/")
        text = text.replace("/etc/grafana/dashboards", f"{ROOT}/grafana/dashboards")
        for place in ("/etc/prometheus/", "/etc/alertmanager/"):
            text = text.replace(place, f"{self.folder}/")
        for place in ("=/prometheus", "=/alertmanager"):
            text = re.sub(f"{place}$", f"={self.folder}{place[1:]}", text)
        return re.sub("^/prometheus$", f"{self.folder}/prometheus", text)

    def _exporter(self, arguments: Sequence[str]) -> Server:
        port = self.ports["exporter"]
        server = self._server("exporter", [sys.executable, "-m", "exporter", "serve", "--port", str(port), *arguments])
        environment = self.shipped.environment("exporter")
        server.environment = {name: self._here(value) for name, value in environment.items()}
        server.ready = f"{self.urls['exporter']}/-/ready"
        return server

    def _prometheus(self, arguments: Sequence[str]) -> Server:
        command = [self._edit("prometheus", self._here(argument)) for argument in self.shipped.command("prometheus")]
        listen = f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}"
        return self._server("prometheus", [find("prometheus"), *command, listen, *arguments])

    def _alertmanager(self) -> Server:
        command = [self._here(argument) for argument in self.shipped.command("alertmanager")]
        listen = f"--web.listen-address=127.0.0.1:{self.ports['alertmanager']}"
        server = self._server("alertmanager", [find("prometheus-alertmanager", "alertmanager"), *command, listen])
        server.environment = {"TZ": self.shipped.environment("alertmanager")["TZ"]}
        return server

    def _grafana(self) -> Server | None:
        try:
            program = find("grafana")
        except MissingError:
            return None
        server = self._server("grafana", [program, "server", "--homepath", "/usr/share/grafana"])
        server.environment = {
            **{name: self._here(value) for name, value in self.shipped.environment("grafana").items()},
            "GF_SERVER_HTTP_ADDR": "127.0.0.1",
            "GF_SERVER_HTTP_PORT": str(self.ports["grafana"]),
            "GF_PATHS_DATA": str(self.folder / "grafana"),
            "GF_PATHS_LOGS": str(self.folder / "grafana/log"),
            "GF_PATHS_PROVISIONING": str(ROOT / "grafana/provisioning"),
        }
        server.ready = f"{self.urls['grafana']}/api/health"
        return server

    def _server(self, name: str, command: Sequence[str]) -> Server:
        # Fetched servers find their files from here.
        start = FETCHED.parents[1] if FETCHED.exists() else None
        ready = f"{self.urls[name]}/-/ready"
        return Server(name, command, ready=ready, log=self.folder / f"{name}.log", folder=start)
