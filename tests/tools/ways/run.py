"""One run: all machines, both chains, the fault of each, and what was said of it until the end."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.tools.ports import free_port
from tests.tools.stack.chain import SERVICES, Chain
from tests.tools.stack.shipped import Shipped
from tests.tools.ways.machine import Machine
from tests.tools.ways.peers import Observer
from tests.tools.ways.ways import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.tools.stack.mailbox import Mail
    from tests.tools.ways.peers import Peer

HEALTHY = Way("healthy", "none", "", lambda _: None)
"""What is said of this one is said of every machine, and no answer to a fault."""
AWAY = ("--cpu-warning", "none", "--cpu-critical", "none", "--memory-warning", "none", "--memory-critical", "none")
"""Flags of the exporter beside the stack: this machine's own load is no part of the run."""


@dataclass
class Result:
    """What happened to a machine; times are Unix times, None for never."""

    way: Way
    struck: float = 0
    mail: Mail | None = None
    others: list[Mail] = field(default_factory=list)
    """Emails about the machine that do not tell of the fault."""
    theirs: list[tuple[str, float]] = field(default_factory=list)
    """node-mixin's alerts, and when they fired."""


class Run:
    """Starts everything when the block begins; ``play`` makes the faults and waits."""

    def __init__(self, ways: Sequence[Way], folder: Path, peer: Peer | None, say: Callable[[str], None]) -> None:
        self.results = {way.name: Result(way) for way in (HEALTHY, *ways)}
        self._machines: dict[str, Machine] = {}
        self._failed: set[str] = set()
        self._folder = folder
        self._peer = peer
        self._say = say
        self._stack = ExitStack()
        ports = {f"{service.upper()}_PORT": str(free_port()) for service in SERVICES}
        quiet = {
            "FILESYSTEM_WARNING": "99.98",
            "FILESYSTEM_CRITICAL": "99.99",
            "RETENTION_SIZE": "64MB",
            "MACHINE_NAME": "monitor",
        }
        shipped = Shipped.read({**ports, **quiet}, dotenv=False)
        self.chain = Chain(shipped, folder / "stack", exporter=AWAY, on_mail=self._sort)
        self.chain.grafana = None
        self._observer = Observer(peer, folder / "observer") if peer else None

    def __enter__(self) -> Self:
        with self._stack as stack:
            stack.enter_context(self.chain)
            if self._observer:
                self._observer.server.start()
                stack.callback(self._observer.server.stop)
                self._observer.server.wait()
            for name, result in self.results.items():
                way = result.way
                machine = Machine(name, self._folder, real=way.processes, flags=way.flags, peer=self._peer)
                self._machines[name] = stack.enter_context(machine)
                self._try(way, way.prepare)
                machine.life.second()
                if not way.from_the_start:
                    self._watch(name)
            ended = threading.Event()
            thread = threading.Thread(target=self._live, args=(ended,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(ended.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, settle: float, seconds: float) -> None:
        """Cause the faults once everything has been watched for a while, and wait for what is said."""
        time.sleep(settle)
        begin = time.time()
        self._check()
        for result in self.results.values():
            self._strike(result.way)
        while time.time() < begin + seconds:
            self._look()
            time.sleep(2)
        self._check(gone="HostExporterDown")
        self._judge()

    def _check(self, gone: str = "") -> None:
        """Raise RuntimeError if the other side has not watched a machine: its silence would say nothing."""
        watched = self._observer.scraped() if self._observer else set(self.results)
        ways = [result.way for result in self.results.values()]
        expected = {way.name for way in ways if (gone or not way.from_the_start) and way.alert != gone}
        if missing := expected - watched - self._failed:
            raise RuntimeError(f"node_exporter does not answer on {', '.join(sorted(missing))}")

    def _strike(self, way: Way) -> None:
        self._say(f"{way.name}: {way.fault}")
        self.results[way.name].struck = time.time()
        self._try(way, way.strike)
        if way.from_the_start:
            self._watch(way.name)

    def _try(self, way: Way, step: Callable[[Machine], None]) -> None:
        """Take a step; what this machine cannot do costs that way only."""
        if way.name in self._failed:
            return
        try:
            step(self._machines[way.name])
        except Exception as reason:  # noqa: BLE001 - it is reported, and the others go on
            self._failed.add(way.name)
            self._say(f"{way.name}: failed: {reason!r}")

    def _watch(self, name: str) -> None:
        """Start a machine's exporters, and let both sides scrape them."""
        machine = self._machines[name]
        machine.start()
        (self.chain.targets / f"{name}.yml").write_text(f'- targets: ["127.0.0.1:{machine.port}"]\n')
        if self._observer:
            self._observer.add(name, machine.peer_port)

    def _live(self, ended: threading.Event) -> None:
        """Let time pass on all machines."""
        due = time.monotonic()
        while not ended.wait(max(0.0, due - time.monotonic())):
            due += 1
            for name, machine in self._machines.items():
                way = self.results[name].way
                self._try(way, way.tick)
                machine.life.second()

    def _sort(self, mail: Mail) -> None:
        """Put a mail to the machine that it is about."""
        level, _, rest = mail.subject.partition("] ")
        name = rest.partition(":")[0]
        self._say(f"MAIL {mail.subject}")
        result = self.results.get(name)
        if not result or "RESOLVED" in level:
            return
        alerts = [alert for alert in (result.way.alert, result.way.also) if alert]
        if result.struck and not result.mail and any(f"#{alert.lower()}\n" in mail.body() for alert in alerts):
            result.mail = mail
        else:
            result.others.append(mail)

    def _look(self) -> None:
        for name, alert in self._observer.look(time.time()) if self._observer else ():
            self._say(f"node-mixin: {name}: {alert}")

    def _judge(self) -> None:
        """Give each machine what the other side said of it and not of a healthy one."""
        first = self._observer.first if self._observer else {}
        for name, result in self.results.items():
            usual = {alert for machine, alert in first if machine == HEALTHY.name and alert not in result.way.theirs}
            result.theirs = [
                (alert, when)
                for (machine, alert), when in first.items()
                if machine == name and (alert not in usual or name == HEALTHY.name)
            ]
