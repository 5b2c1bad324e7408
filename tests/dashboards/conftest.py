"""A real Prometheus with the shipped rules that has scraped the real exporter and fifty simulated machines."""

from __future__ import annotations

import json
import time
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.digits.support import Gunicorn, data_url, png, seven
from tests.stack.support import make_chain
from tests.support import eventually, fetch
from tests.tools.replay import Machine, Replay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WELL = Machine("well")
WARM = Machine("warm", cpu=0.85, memory=0.85, filesystem=0.85)
# Nothing left within a second: a trend would need two hours.
HOT = Machine("hot", cpu=0.97, memory=0.95, filesystem=0.95, filling=1e12)
SILENT = Machine("silent", silent=True)
OTHERS = [Machine(f"machine-{n:02d}", cpu=n / 100, memory=0.3 + n / 200, filesystem=0.2 + n / 100) for n in range(39)]
# Two share a name, and one has special characters in its address.
TWINS = [Machine("twin", address="twin-a:5000"), Machine("twin", address="twin-b:5000")]
SIX = Machine("six", address="[2001:db8::1]:5000")
# One with an exporter that says neither how it is doing nor what memory is free, and one that says nothing else.
OLD = Machine("old", lacks="host_level$|host_memory_free_bytes$")
BARE = Machine("bare", lacks="host_(cpu|memory|filesystem)_")
# Their owners want one level only, or none.
NO_WARNING = Machine("no-warning", cpu=0.95, memory=0.95, filesystem=0.95, warning=None)
UNDER = Machine("under", cpu=0.85, memory=0.85, filesystem=0.85, warning=None)
NO_CRITICAL = Machine("no-critical", cpu=0.97, memory=0.95, filesystem=0.95, critical=None)
NO_LIMITS = Machine("no-limits", cpu=0.97, memory=0.95, filesystem=0.95, warning=None, critical=None)
REPLAYED = (WELL, WARM, HOT, SILENT, OLD, BARE, NO_WARNING, UNDER, NO_CRITICAL, NO_LIMITS, *TWINS, SIX, *OTHERS)
MACHINES = len(REPLAYED) + 1
"""Including the real one."""


@dataclass(frozen=True)
class History:
    """A Prometheus with data, and the addresses of its targets."""

    url: str
    exporter: str
    application: str

    def ask(self, path: str, **parameters: str | float) -> Any:
        """Return the API's response."""
        body = fetch(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}").text
        answer = json.loads(body)
        assert answer["status"] == "success", f"{answer.get('error')}: {parameters}"
        return answer["data"]

    def instant(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        found: list[dict[str, Any]] = self.ask("query", query=expr, time=at or time.time())["result"]
        return found

    def range(self, expr: str, begin: float, end: float, step: float = 1) -> list[dict[str, Any]]:
        """Return the series of a range query."""
        found: list[dict[str, Any]] = self.ask("query_range", query=expr, start=begin, end=end, step=step)["result"]
        return found


def use(app: Gunicorn) -> None:
    """Send an application every kind of request that its dashboard distinguishes."""
    answers = {app.get("/").status, app.get("/nothing").status, app.get("/try/error").status}
    style = app.get("/static/page.css")
    answers |= {app.get("/static/page.css", {"If-None-Match": style.headers["ETag"]}).status}
    answers |= {app.predict(data_url(picture))[0] for picture in (png(seven()), png(seven(255)), b"")}
    assert {status // 100 for status in answers} == {2, 3, 4, 5}


# Not for the session: with its fifty targets it would take a share of the CPU from all tests that follow.
@pytest.fixture(scope="package")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder: Path = tmp_path_factory.mktemp("chain")
    with Replay(REPLAYED) as replay, make_chain(folder) as chain, Gunicorn(folder, DIGITS_TRY_ERRORS="1") as app:
        (chain.targets / "machines.yml").write_text(replay.targets())
        (chain.targets / "apps/digits.yml").write_text(f'- targets: ["127.0.0.1:{app.port}"]\n')
        exporter = chain.urls["exporter"].removeprefix("http://")
        found = History(chain.urls["prometheus"], exporter, f"127.0.0.1:{app.port}")
        eventually(lambda: len(found.instant("up == 1")) >= MACHINES, 60)
        begin = time.monotonic()
        use(app)
        time.sleep(3)  # some scrapes
        eventually(lambda: found.instant('ALERTS{alertname="HostFilesystemFull", alertstate="firing"}'), 60)
        use(app)  # once more: Prometheus first saw each counter at 1 and missed the step from 0
        time.sleep(max(3.0, 45 - (time.monotonic() - begin)))  # a minute of history in total
        yield found
