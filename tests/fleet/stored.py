"""A fleet monitored by two servers that both write to the long-term store, as in docker-compose.fleet.yml."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.fleet.pair import here, shipped
from tests.fleet.stack import Watched, figure
from tests.tools.ports import free_port
from tests.tools.stack.chain import Chain, find
from tests.tools.stack.process import Server
from tests.tools.stack.shipped import Shipped

if TYPE_CHECKING:
    from pathlib import Path

RECEIVED = 'vm_rows_inserted_total{type="promremotewrite"}'


def victoriametrics(folder: Path) -> Server:
    """Return the store, with the shipped flags and its data in ``folder``. Raises MissingError."""
    flags = [word.replace("=/tmp/storage", f"={folder}/storage") for word in shipped({}).command("victoriametrics")]
    address = f"127.0.0.1:{free_port()}"
    command = [find("victoria-metrics"), *flags, f"--httpListenAddr={address}"]
    return Server("victoriametrics", command, ready=f"http://{address}/health", log=folder / "victoriametrics.log")


class Stored(Watched):
    """A fleet monitored by a pair of Prometheus servers, which both send their alerts to a single Alertmanager."""

    def __init__(self, machines: int, folder: Path, *, room: int = 0, shares: int = 0) -> None:
        super().__init__(machines, folder, room=room, shares=shares, edit=self._shipped)
        other = Shipped.read({**self._ports, "PROMETHEUS_PORT": str(free_port())}, dotenv=False)
        self.twin = Chain(
            other, folder / "b", targets=self.chain.targets, mailbox=self.chain.mailbox, edit=self._shipped
        )
        self.store = victoriametrics(folder)
        self.store_url = self.store.ready.removesuffix("/health")
        self.chain.prometheus.environment = {"HA_REPLICA": "a"}
        self.twin.prometheus.environment = {"HA_REPLICA": "b"}
        self.twin.prometheus.name = "prometheus-b"

    @property
    def servers(self) -> list[Server]:
        return [self.store, *super().servers, self.twin.prometheus]

    def received(self) -> float:
        return figure(self.store_url, RECEIVED)

    def write(self) -> None:
        self.twin.folder.mkdir()
        super().write()
        self.twin.write()
        past = self.folder / "prometheus"
        if past.exists():
            shutil.copytree(past, self.twin.folder / "prometheus")

    def _shipped(self, name: str, text: str) -> str:
        """Return the pair's configuration instead of the single server's."""
        if name != "prometheus.yml":
            return text
        urls = {
            **{name: self.chain.urls[name] for name in ("prometheus", "alertmanager", "exporter", "grafana")},
            "prometheus-b": self.twin.urls["prometheus"],
            "alertmanager-b": self.chain.urls["alertmanager"],
            "victoriametrics": self.store_url,
        }
        addresses = {name: url.removeprefix("http://") for name, url in urls.items()}
        return here(shipped({}).config("fleet"), addresses, self.chain.targets, self.folder)
