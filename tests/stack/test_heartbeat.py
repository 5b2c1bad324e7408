"""HEARTBEAT_URL: a ping each round while an email could be sent, and none when nobody here could tell the owner."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import pytest

from tests.stack.support import ALERT, ROUND, firing, make_chain
from tests.support import eventually, fetch
from tests.tools.ports import free_port
from tests.tools.stack.mailbox import Mailbox
from tests.tools.stack.pings import PATH, Pings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tools.stack.chain import Chain

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def pings() -> Iterator[Pings]:
    with Pings() as service:
        yield service


def test_pings_come_each_round_and_stop_when_prometheus_dies(tmp_path: Path, pings: Pings) -> None:
    with make_chain(tmp_path / "chain", {"HEARTBEAT_URL": pings.url}) as chain:
        pings.wait()
        seen = pings.wait(5)
        assert [ping.method for ping in seen] == ["POST"] * 5
        # Neither more often, nor only every other round. The median, because a busy machine may delay one.
        assert ROUND * 0.7 < median(later.time - earlier.time for earlier, later in pairwise(seen)) < ROUND * 1.5

        # The first ping after a restart comes with the first alert, or one round later if the last one was just sent.
        chain.alertmanager.stop()
        chain.alertmanager.start()
        chain.alertmanager.wait()
        pings.wait(seconds=30)
        fetch(f"{chain.urls['alertmanager']}/-/reload", method="POST")
        pings.wait(seconds=30)
        assert chain.mailbox.mails == []

        chain.prometheus.stop(kill=True)
        pings.wait_for_silence(4 * ROUND)
        chain.prometheus.start()
        chain.prometheus.wait()
        pings.wait()


def test_pings_stop_while_no_email_can_be_sent(tmp_path: Path, pings: Pings) -> None:
    port = free_port()
    variables = ALERT | {"HEARTBEAT_URL": pings.url, "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port)}
    with make_chain(tmp_path / "chain", variables) as chain:
        pings.wait()
        assert "AlertmanagerNotificationsFailing" in eventually(lambda: firing(chain) - {"HostHighMemory"}, 90)
        pings.wait_for_silence(4 * ROUND)
        with Mailbox(port) as mailbox:
            mailbox.wait("Memory", 60)
            pings.wait(2, seconds=60)


def test_a_heartbeat_that_fails_is_mailed_and_holds_nothing_up(tmp_path: Path, pings: Pings) -> None:
    bad = f"{pings.url.removeprefix('http://')} "
    with make_chain(tmp_path / "chain", {"HEARTBEAT_URL": bad}) as chain:
        chain.mailbox.wait("The heartbeat cannot be sent", 90)
        assert "AlertmanagerNotificationsFailing" in firing(chain)
        lines = [line for line in chain.alertmanager.log.read_text().splitlines() if "err=" in line]
        assert any("heartbeat" in line and "first path segment" in line for line in lines), lines
        assert PATH not in "".join(lines), "the log has the secret"
        # What the alert reports does not stop it: each round tries again, and succeeds once the address is right.
        set_url(chain, pings.url)
        pings.wait(2)

        pings.status = 500
        pings.wait(2)
        pings.hangs.set()
        pings.wait()
        chain.exporter.stop(kill=True)
        chain.mailbox.wait("Not responding", 60)
        pings.status = 200
        pings.hangs.clear()
        pings.wait(2)


def set_url(chain: Chain, url: str) -> None:
    """Change the address as Compose does when it recreates the container; Alertmanager reads it for each ping."""
    (chain.folder / "heartbeat.url").write_text(url)
