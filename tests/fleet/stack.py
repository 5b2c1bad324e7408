"""A fleet monitored by the shipped Prometheus and Alertmanager: real servers, with only the addresses replaced."""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.parse
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from tests.fleet import history
from tests.support import fetch
from tests.tools.ports import free_port
from tests.tools.stack.chain import SERVICES, Chain
from tests.tools.stack.process import Server
from tests.tools.stack.shipped import ROOT, Shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SEED = 7


class Watched:
    """A monitored fleet of ``machines``. The first replaces the exporter, the others are listed in a target file.

    Grafana is a target that is down. Prometheus starts with the history that its rules read, for ``room`` machines, and
    the history that the Fleet dashboard shows, for ``shares``. Raises MissingError if the servers are not available.
    """

    def __init__(
        self,
        machines: int,
        folder: Path,
        *,
        room: int = 0,
        shares: int = 0,
        edit: Callable[[str, str], str] = lambda _name, text: text,
        prometheus: Sequence[str] = (),
    ) -> None:
        self.machines = machines
        self.folder = folder
        self._past = (room, shares)
        self._ports = {f"{service.upper()}_PORT": str(free_port()) for service in SERVICES}
        self.port = int(self._ports["EXPORTER_PORT"])
        shipped = Shipped.read(self._ports, dotenv=False)
        self.chain = Chain(shipped, folder, edit=edit, prometheus=("--web.enable-admin-api", *prometheus))
        self.file = self.chain.targets / "fleet.yml"
        count, port = str(machines), str(self.port)
        command = [sys.executable, "-m", "tests.fleet", count, "--port", port, "--seed", str(SEED)]
        self.simulator = Server(
            "simulator",
            [*command, "--targets", str(self.file)],
            ready=f"http://127.0.0.1:{self.port}/metrics",
            log=folder / "simulator.log",
            folder=ROOT,
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.write()
        with self._stack as stack:
            stack.enter_context(self.chain.mailbox)
            for server in self.servers:
                server.start()
                stack.callback(server.stop)
                server.wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def servers(self) -> list[Server]:
        """The servers in the order in which they start."""
        return [self.simulator, self.chain.alertmanager, self.chain.prometheus]

    def write(self) -> None:
        """Write the configuration and the history."""
        self.chain.write()
        if any(self._past):
            past = history.Past(*self._past, SEED, f"127.0.0.1:{self.port}", time.time())
            past.write(self.folder / "prometheus")

    def ask(self, path: str, method: str = "GET", **parameters: str | float) -> Any:
        """Return the data of a response of Prometheus' API."""
        url = f"{self.chain.urls['prometheus']}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        answer = json.loads(fetch(url, method=method, wait=60).body)
        assert answer["status"] == "success", f"{answer.get('error')}: {parameters}"
        return answer["data"]

    def query(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return the result of an instant query."""
        found: list[dict[str, Any]] = self.ask("query", query=expr, time=at or time.time())["result"]
        return found

    def number(self, expr: str, at: float | None = None) -> float:
        """Return the single value of a query, nan if it has no result."""
        found = self.query(expr, at)
        return float(found[0]["value"][1]) if found else float("nan")

    def own(self, metric: str) -> float:
        """Return the current value of one of Prometheus' own metrics."""
        return figure(self.chain.urls["prometheus"], metric)

    def received(self) -> float:
        """Return how many samples were sent to a store; there is none here."""
        return 0


def figure(url: str, metric: str) -> float:
    """Return the current value of one of a server's own metrics: the sum of all with this prefix, nan if none."""
    text = fetch(f"{url}/metrics", wait=60).text
    found = re.findall(rf"^{re.escape(metric)}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found)) if found else float("nan")
