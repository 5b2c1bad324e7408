"""Mail servers that take no mail, or take it late: what is said of them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.stack.support import ALERT, firing, make_chain, query
from tests.support import eventually
from tests.tools.ports import free_port
from tests.tools.stack.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope, Session
pytestmark = pytest.mark.timeout(300)

HANGING = "AlertmanagerNotificationsHanging"
FAILING = "AlertmanagerNotificationsFailing"


@contextmanager
def hanging(last: bytes) -> Iterator[int]:
    """Run a mail server that never answers the command ``last``, or with b"" does not even greet; give its port."""
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(client: socket.socket) -> None:
        with client, suppress(OSError), client.makefile("rwb", buffering=0) as file:
            if last:
                file.write(b"220 mail\r\n")
            while last and (line := file.readline()) and not line.startswith(last):
                file.write(b"250 ok\r\n")
            ended.wait()

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        listener.close()


class Reluctant(Mailbox):
    """A mail server that refuses the first ``refuse`` mails, as greylisting does, and takes its time for others."""

    def __init__(self, port: int, *, refuse: int, seconds: float) -> None:
        super().__init__(port)
        self.refuse = refuse
        self._seconds = seconds

    async def handle_RCPT(  # noqa: N802 - its name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Refuse a recipient, or accept it after a while."""
        if self.refuse:
            self.refuse -= 1
            return "451 come back later"
        await asyncio.sleep(self._seconds)
        envelope.rcpt_tos.append(address)
        return "250 ok"


def through(port: int) -> dict[str, str]:
    return ALERT | {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port)}


@pytest.mark.parametrize("last", [b"DATA", b""], ids=["no answer to DATA", "no greeting"])
def test_a_mail_server_that_takes_the_connection_and_hangs_is_noticed(tmp_path: Path, last: bytes) -> None:
    with hanging(last) as port, make_chain(tmp_path / "chain", through(port)) as chain:
        eventually(lambda: HANGING in firing(chain), 90)
        assert FAILING not in firing(chain)
        if not last:
            return
        # The test's mailbox takes the place of the mail server, as a corrected .env does.
        text = (tmp_path / "chain/alertmanager.yml").read_text()
        chain.alertmanager.stop()
        (tmp_path / "chain/alertmanager.yml").write_text(text.replace(f":{port}", f":{chain.mailbox.port}"))
        chain.alertmanager.start()
        chain.mailbox.wait("Memory", 60)
        eventually(lambda: HANGING not in firing(chain), 90)


def test_a_mail_server_that_hangs_at_the_only_mail_is_noticed_even_if_that_is_sent_once(tmp_path: Path) -> None:
    """Of such a receiver, Alertmanager does not say which notifications have ended."""
    quiet = {"MEMORY_WARNING": "none", "MEMORY_CRITICAL": "none"}
    with hanging(b"DATA") as port, make_chain(tmp_path / "chain", through(port) | quiet) as chain:
        second = f"localhost:{chain.ports['exporter']}"
        target = chain.targets / "second.yml"
        target.write_text(f'- targets: ["{second}"]\n')
        eventually(lambda: query(chain, f'instance:host_target:timestamp_seconds{{instance="{second}"}} offset 5s'), 60)
        target.write_text("")
        eventually(lambda: {"HostTargetGone", HANGING} <= firing(chain), 90)
        assert FAILING not in firing(chain)


def test_a_slow_mail_server_that_refuses_twice_is_no_failure(tmp_path: Path) -> None:
    """Alertmanager's pauses between attempts are as long as shipped, what is a failure is much shorter."""
    box = Reluctant(free_port(), refuse=2, seconds=1)
    with make_chain(tmp_path / "chain", ALERT, mailbox=box) as chain:
        chain.mailbox.wait("Memory", 90)
        seen: set[str] = set()
        until = time.monotonic() + 15
        while time.monotonic() < until:
            seen |= firing(chain)
            time.sleep(0.3)
        assert not box.refuse
    assert not seen & {HANGING, FAILING}


def test_mail_that_fails_is_said_until_a_mail_has_been_sent(tmp_path: Path) -> None:
    """Also when nothing tries any more: the alert that could not be sent may be over."""
    box = Reluctant(free_port(), refuse=1000, seconds=0)
    with make_chain(tmp_path / "chain", ALERT, mailbox=box) as chain:
        eventually(lambda: FAILING in firing(chain), 90)
        box.refuse = 0
        chain.mailbox.wait("", 60)
        eventually(lambda: FAILING not in firing(chain), 60)
