"""The deaths, each in a stack of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.tools.deaths.faults import answering, faulty_smtp, small_disk
from tests.tools.ports import free_port
from tests.tools.stack.chain import SERVICES, Chain
from tests.tools.stack.pings import Pings
from tests.tools.stack.shipped import Shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RESOURCES = ("cpu", "memory", "filesystem")
QUIET = tuple(word for name in RESOURCES for level in ("warning", "critical") for word in (f"--{name}-{level}", "none"))
"""Flags with which an exporter has no limits."""
FULL = (*QUIET, "--filesystem-warning", "5", "--filesystem-critical", "10", "--hostname", "web-01")
"""Flags with which one alert stays: every machine's disk is fuller than this."""
PATIENCE = 900
"""Seconds after which a failure counts as silent."""


@dataclass
class Scene:
    """A stack, what happens to it, and the rows of the table that come of it."""

    folder: Path
    say: Callable[[str], None]
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    heartbeat: Pings = field(default_factory=Pings)

    @contextmanager
    def stack(self, **variables: str) -> Iterator[Chain]:
        """Run the shipped stack until the block ends."""
        ports = {f"{service.upper()}_PORT": str(free_port()) for service in SERVICES}
        with self.heartbeat:
            shipped = Shipped.read({**ports, "HEARTBEAT_URL": self.heartbeat.url, **variables}, dotenv=False)
            chain = Chain(shipped, self.folder, exporter=FULL, on_mail=lambda mail: self.say(f"MAIL {mail.subject}"))
            chain.grafana = None
            with chain:
                yield chain

    @contextmanager
    def machine(self, chain: Chain, name: str, *, file: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """Run a second exporter, as a target in a file of its own, until the block ends."""
        port = free_port()
        machine = exporter(port, name)
        (chain.targets / f"{file or name}.yml").write_text(f'- targets: ["127.0.0.1:{port}"]\n')
        try:
            yield machine
        finally:
            with suppress(ProcessLookupError):
                os.kill(machine.pid, signal.SIGCONT)
            machine.kill()
            machine.wait()

    def row(self, failure: str, teller: str, begin: float | None, end: float | None) -> None:
        """Add a row: who tells of a failure that began, and when."""
        seconds = "**nobody**" if begin is None or end is None else f"{max(0, end - begin):.0f} s"
        self.rows.append((failure, teller, seconds))
        self.say(f"ROW {failure} | {teller} | {seconds}")

    def mailed(self, chain: Chain, text: str, since: float, seconds: float = PATIENCE) -> float | None:
        """Return when the first mail since ``since`` (Unix) arrived whose subject or text contains ``text``."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            for mail in chain.mailbox.mails:
                if mail.time >= since and (text in mail.subject or text in mail.prose()):
                    return mail.time
            time.sleep(0.5)
        return None

    def shown(self, chain: Chain, text: str, seconds: float = PATIENCE) -> float | None:
        """Return when the status page first showed ``text``."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            with suppress(OSError), urllib.request.urlopen(chain.urls["exporter"], timeout=10) as answer:
                if text in answer.read().decode():
                    return time.time()
            time.sleep(1)
        return None

    def last_ping(self) -> float | None:
        """Return when (Unix) the outside service was pinged last, once it has missed three pings."""
        begin = time.time()
        while time.time() < begin + PATIENCE:
            pings = self.heartbeat.all
            if not pings and time.time() > begin + 240:
                return None
            if pings and time.time() - pings[-1].time > 240:
                return pings[-1].time
            time.sleep(1)
        return None

    def false_ends(self, chain: Chain, name: str, since: float, until: float) -> int:
        """Return how many mails in this time said that something about a machine is over."""
        return sum(
            since <= mail.time <= until
            and any("RESOLVED" in line and name in line for line in mail.body().splitlines())
            for mail in chain.mailbox.mails
        )


def exporter(port: int, name: str) -> subprocess.Popen[bytes]:
    """Start an exporter."""
    command = [sys.executable, "-m", "exporter", "serve", "--port", str(port), "--hostname", name, *QUIET]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def machines(scene: Scene) -> None:
    """Machines that die, flap, leave their target file, or are no exporter at all."""
    with ExitStack() as stack:
        chain = stack.enter_context(scene.stack())
        odd = {
            "an empty body": answering(b""),
            "another exporter": answering(b"node_load1 1\n"),
            "garbage": answering(b"\x00\xff garbage {{{\n"),
            "an HTML page": answering(b"<html>login</html>", "text/html"),
        }
        addresses = {name: stack.enter_context(one) for name, one in odd.items()}
        names = ("dead", "flapping", "emptied", "deleted", "apart")
        running = {name: stack.enter_context(scene.machine(chain, name)) for name in names}
        time.sleep(90)
        begin = time.time()
        text = "".join(f'- targets: ["{address}"]\n' for address in addresses.values())
        (chain.targets / "odd.yml").write_text(text)
        for name in ("dead", "emptied", "deleted"):
            running[name].kill()
        ended = threading.Event()
        stack.callback(ended.set)
        threading.Thread(target=flap, args=(running["flapping"].pid, ended), daemon=True).start()
        scene.row("exporter or machine dead", "mail", begin, scene.mailed(chain, "dead: Machine", begin))
        for name in ("emptied", "deleted"):
            scene.mailed(chain, f"{name}: Machine", begin)
        (chain.targets / "emptied.yml").write_text("")
        (chain.targets / "deleted.yml").unlink()
        (chain.targets / "apart.yml").write_text("")
        time.sleep(3)
        running["apart"].kill()
        gone = time.time()
        for name, how in (
            ("emptied", "its target file emptied while it is dead"),
            ("deleted", "its target file deleted while it is dead"),
            ("apart", "its target file emptied, and then it dies"),
        ):
            scene.row(how, "mail", gone, scene.mailed(chain, f"{name}: No longer watched", gone))
        for name, address in addresses.items():
            scene.row(f"{name} on its port", "mail", begin, scene.mailed(chain, address, begin))
        scene.row(
            "exporter flapping: silent for 85 of 107 s", "mail", begin, scene.mailed(chain, "flapping: Responds", begin)
        )
        time.sleep(max(0, gone + 600 - time.time()))
        for name in ("dead", "emptied", "deleted", "apart"):
            scene.say(f"false ends of {name}: {scene.false_ends(chain, name, begin, time.time())}")


def flap(pid: int, ended: threading.Event) -> None:
    """Stop a process for 85 of each 107 s."""
    while not ended.is_set():
        os.kill(pid, signal.SIGSTOP)
        ended.wait(85)
        os.kill(pid, signal.SIGCONT)
        ended.wait(22)


def prometheus(scene: Scene) -> None:
    """Prometheus dies while one alert fires that stays true, and one that ends meanwhile."""
    with scene.stack() as chain, scene.machine(chain, "second") as second:
        chain.mailbox.wait("Filesystem", 300)
        time.sleep(60)
        second.kill()
        chain.mailbox.wait("second", 300)
        time.sleep(90)
        begin = time.time()
        chain.prometheus.stop(kill=True)
        port = int((chain.targets / "second.yml").read_text().split(":")[-1].strip('"]\n'))
        again = exporter(port, "second")
        try:
            scene.row("Prometheus dead", "mail", begin, scene.mailed(chain, "Prometheus is not responding", begin))
            scene.row("the same", "last ping", begin, scene.last_ping())
            time.sleep(max(0, begin + 600 - time.time()))
            back = time.time()
            scene.say(f"false ends: {scene.false_ends(chain, '', begin, back)}")
            chain.prometheus.start()
            chain.prometheus.wait()
            scene.row(
                "Prometheus back, a machine that came back meanwhile",
                "RESOLVED",
                back,
                scene.mailed(chain, "second: Machine", back),
            )
            time.sleep(420)
            scene.say(f"all mails: {chain.mailbox.subjects()}")
        finally:
            again.kill()
            again.wait()


def disk(scene: Scene) -> None:
    """Prometheus' disk fills up, and then a machine dies."""
    with (
        small_disk(scene.folder / "prometheus", "96m") as fill,
        scene.stack(RETENTION_SIZE="20MB") as chain,
        scene.machine(chain, "second") as second,
    ):
        chain.mailbox.wait("Filesystem", 300)
        time.sleep(90)
        begin = time.time()
        fill()
        scene.row("Prometheus' disk full", "mail", begin, scene.mailed(chain, "stores no samples", begin))
        second.kill()
        scene.row("the same", "last ping", begin, scene.last_ping())
        time.sleep(max(0, begin + 600 - time.time()))
        scene.say(f"false ends: {scene.false_ends(chain, '', begin, time.time())}")
        (scene.folder / "prometheus/filler").unlink()
        free = time.time()
        scene.row(
            "the disk has room again, the machine is still dead",
            "mail",
            free,
            scene.mailed(chain, "second: Machine", free),
        )
        time.sleep(300)
        scene.say(f"all mails: {chain.mailbox.subjects()}")


def mail(fault: str, words: str) -> Callable[[Scene], None]:
    """Return the scene of a mail server that takes no mail."""

    def play(scene: Scene) -> None:
        tls = str(fault == "no TLS").lower()
        with (
            faulty_smtp(fault) as (port, calls),
            scene.stack(SMTP_HOST="127.0.0.1", SMTP_PORT=str(port), SMTP_REQUIRE_TLS=tls) as chain,
        ):
            shown = scene.shown(chain, "Emails cannot be sent")
            scene.row(words, "page", calls[0], shown)
            scene.row("the same", "last ping", calls[0], scene.last_ping())

    return play


def alertmanager(scene: Scene) -> None:
    """Alertmanager dies, and then a machine."""
    with scene.stack() as chain, scene.machine(chain, "second") as second:
        chain.mailbox.wait("Filesystem", 300)
        time.sleep(60)
        begin = time.time()
        chain.alertmanager.stop(kill=True)
        second.kill()
        scene.row("Alertmanager dead", "page", begin, scene.shown(chain, "Alertmanager does not answer"))
        scene.row("the same", "last ping", begin, scene.last_ping())
        back = time.time()
        chain.alertmanager.start()
        chain.alertmanager.wait()
        scene.row(
            "Alertmanager back, the machine still dead", "mail", back, scene.mailed(chain, "second: Machine", back)
        )


def everything(scene: Scene) -> None:
    """All of it dies: the machine, or its engine."""
    with scene.stack() as chain:
        chain.mailbox.wait("Filesystem", 300)
        time.sleep(120)
        begin = time.time()
        for server in (chain.exporter, chain.prometheus, chain.alertmanager):
            server.stop(kill=True)
        scene.row("the whole machine, or its engine", "last ping", begin, scene.last_ping())


SCENES: dict[str, Callable[[Scene], None]] = {
    "machines": machines,
    "prometheus": prometheus,
    "disk": disk,
    "mail-refused": mail("refuses", "mail server: 550"),
    "mail-no-tls": mail("no TLS", "mail server: STARTTLS refused"),
    "mail-silent": mail("silent", "mail server: never greets"),
    "mail-hangs": mail("hangs", "mail server: never answers DATA"),
    "alertmanager": alertmanager,
    "everything": everything,
}
