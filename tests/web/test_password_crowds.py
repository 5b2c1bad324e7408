"""Wrong passwords from many addresses at full speed: a scraper that is not remembered yet gets in all the same."""

from __future__ import annotations

import base64
import http.client
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support import wait_for
from tests.support_access import PASSWORD, USER, GuardedExporter, hashed

if TYPE_CHECKING:
    from pathlib import Path

ATTACKERS = 60
SCRAPERS = {f"scraper{number}": f"secret {number}" for number in range(5)}


class Client:
    """Sends requests from an address of its own."""

    def __init__(self, exporter: GuardedExporter, address: str) -> None:
        self._where = ("127.0.0.1", exporter.port)
        self._from = (address, 0)

    def ask(self, user: str, password: str) -> int:
        """Return the status of a request for the health check."""
        connection = http.client.HTTPConnection(*self._where, timeout=30, source_address=self._from)
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        try:
            connection.request("GET", "/-/healthy", headers={"Authorization": f"Basic {word}"})
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there is all of 127.0.0.0/8 this machine")
def test_a_new_scraper_gets_in_at_each_scrape(tmp_path: Path) -> None:
    logins = SCRAPERS | {USER: PASSWORD}
    config = "basic_auth_users:\n" + "".join(f"  {user}: {hashed(word, 7)}\n" for user, word in logins.items())
    stop = threading.Event()
    seen: list[set[int]] = [set() for _ in range(ATTACKERS)]

    def attack(number: int, exporter: GuardedExporter) -> None:
        client, tried = Client(exporter, f"127.1.{number}.1"), 0
        while not stop.is_set():
            tried += 1
            seen[number].add(client.ask("scraper0", f"guess {number} {tried}"))

    with GuardedExporter(tmp_path, config) as exporter:
        threads = [threading.Thread(target=attack, args=[number, exporter]) for number in range(ATTACKERS)]
        for thread in threads:
            thread.start()
        try:
            wait_for(
                lambda: all(401 in each for each in seen), 120, "not every attacker has been told that it is wrong"
            )
            got = [Client(exporter, f"127.2.0.{number}").ask(*each) for number, each in enumerate(SCRAPERS.items(), 1)]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert got == [200] * len(SCRAPERS)
    assert set.union(*seen) <= {401, 429}
