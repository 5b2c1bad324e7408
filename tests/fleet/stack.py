"""A fleet, and the shipped Prometheus and Alertmanager that watch it: real servers, only addresses replaced."""

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
    """``machines`` of a fleet, watched. The first stands in place of the exporter, the others in a target file.

    Grafana is a target that does not answer. Prometheus finds the hours that its rules look back at for ``room``
    machines, and those that the dashboard Fleet looks back at for ``shares``. Raises MissingError where the servers
    are not to be had.
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
        """In the order in which they start."""
        return [self.simulator, self.chain.alertmanager, self.chain.prometheus]

    def write(self) -> None:
        """Write the configuration, and the past."""
        self.chain.write()
        if any(self._past):
            past = history.Past(*self._past, SEED, f"127.0.0.1:{self.port}", time.time())
            past.write(self.folder / "prometheus")

    def ask(self, path: str, method: str = "GET", **parameters: str | float) -> Any:
        """Return what Prometheus' API answers."""
        url = f"{self.chain.urls['prometheus']}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        answer = json.loads(fetch(url, method=method, wait=60).body)
        assert answer["status"] == "success", f"{answer.get('error')}: {parameters}"
        return answer["data"]

    def query(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        found: list[dict[str, Any]] = self.ask("query", query=expr, time=at or time.time())["result"]
        return found

    def number(self, expr: str, at: float | None = None) -> float:
        """Return the one figure that a query gives, nan for none."""
        found = self.query(expr, at)
        return float(found[0]["value"][1]) if found else float("nan")

    def own(self, metric: str) -> float:
        """Return one of Prometheus' own figures as it is now."""
        return figure(self.chain.urls["prometheus"], metric)

    def received(self) -> float:
        """Return how many samples a store was sent; here is none."""
        return 0


def figure(url: str, metric: str) -> float:
    """Return one of a server's own figures as it is now: the sum of all that begin so, nan for none."""
    text = fetch(f"{url}/metrics", wait=60).text
    found = re.findall(rf"^{re.escape(metric)}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found)) if found else float("nan")
