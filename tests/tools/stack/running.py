"""Runs the stack until it is told to stop, and prints what happens."""

from __future__ import annotations

import fcntl
import os
import re
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.tools.stack.chain import Chain, MissingError, find
from tests.tools.stack.process import NotReadyError, StoppedError, answers
from tests.tools.stack.shipped import ROOT, Shipped

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.tools.stack.mailbox import Mail

FOLDER = ROOT / ".stack"


def main(stopped: threading.Event, folder: Path = FOLDER) -> int:
    """Start all servers, print their addresses and every mail, and stop them once told so. Returns the exit code.

    Settings are those of docker-compose.yml, from .env; the environment takes precedence, as with Compose.
    """
    try:
        shipped = Shipped.read(os.environ)
        with (
            alone(folder),
            Chain(
                shipped,
                folder,
                targets=ROOT / "targets",
                on_mail=show,
                stopped=stopped,
                tell=say,
                edit=linking(has_grafana()),
            ) as chain,
        ):
            say(addresses(chain))
            while not stopped.wait(1):
                for server in chain.servers:
                    if server.process is not None and server.process.poll() is not None:
                        say(f"make stack: {server.name} {server.end()}", error=True)
                        return 1
    except StoppedError:
        pass
    except (MissingError, NotReadyError, OSError, ValueError) as reason:
        say(f"make stack: {reason}", error=True)
        return 1
    say("ended")
    return 0


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lock a folder, so that a second stack does not overwrite the first one's configuration. Raises MissingError."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MissingError(f"{folder} is in use by another make stack") from None
        yield


def has_grafana() -> bool:
    """Return whether Grafana is installed on this machine."""
    try:
        find("grafana")
    except MissingError:
        return False
    return True


def linking(grafana: bool) -> Callable[[str, str], str]:
    """Return an edit of the configuration after which emails link to dashboards only if there is a Grafana."""

    def edit(name: str, text: str) -> str:
        if grafana or name != "mail.tmpl":
            return text
        return re.sub("({{- [$]grafana := )`.*?`", r"\1``", text)

    return edit


def addresses(chain: Chain) -> str:
    """Return the addresses of everything."""
    # Debian's Prometheus has no web pages.
    alerts = next((p for p in ("/alerts", "/api/v1/alerts") if answers(chain.urls["prometheus"] + p)), "")
    lines = [
        f"status page   {chain.urls['exporter']}",
        f"Prometheus    {chain.urls['prometheus']}{alerts}",
        f"Alertmanager  {chain.urls['alertmanager']}",
        f"Grafana       {chain.urls['grafana']}" if chain.grafana else "Grafana       not installed here",
        f"mail          {'shown here' if chain.catches_mail else 'sent as set in .env'}",
        f"data, logs    {chain.folder}",
        "Press Ctrl-C to stop. In another terminal, make load triggers a first alert in about two minutes.",
    ]
    return "\n".join(lines)


def show(mail: Mail) -> None:
    """Print a mail."""
    say(f"\n--- mail to {', '.join(mail.recipients)}\nSubject: {mail.subject}\n\n{mail.body()}---")


def say(text: str, *, error: bool = False) -> None:
    """Print a text. Ignore a closed pipe: the servers must be stopped all the same."""
    with suppress(OSError):
        print(text, file=sys.stderr if error else sys.stdout, flush=True)
