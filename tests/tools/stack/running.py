"""Runs the stack until it is told to stop, and prints what happens."""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tools.stack.chain import Chain, MissingError, find
from tests.tools.stack.process import NotReadyError, StoppedError, answers
from tests.tools.stack.shipped import ROOT, Shipped

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from tests.tools.stack.mailbox import Mail

FOLDER = ROOT / ".stack"


def main(stopped: threading.Event, folder: Path = FOLDER) -> int:
    """Start all servers, print their addresses and every mail, and stop them once told so. Returns the exit code.

    Settings are those of docker-compose.yml, from .env; the environment takes precedence, as with Compose.
    """
    try:
        shipped = Shipped.read(os.environ)
        pageless = without_pages()
        with (
            alone(folder),
            Chain(
                shipped,
                folder,
                targets=ROOT / "targets",
                on_mail=show,
                stopped=stopped,
                tell=say,
                edit=linking(grafana=has_grafana(), silence="alertmanager" not in pageless),
                exporter=[word for name in pageless for word in (f"--{name}-url", "none")],
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
    import fcntl  # of Unix only, where make stack runs

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


def without_pages() -> list[str]:
    """Return which servers have no web pages: Debian leaves them out, unless its owner has added them."""
    found = []
    if _lacks(find("prometheus"), "prometheus/web", "static/react"):
        found.append("prometheus")
    if _lacks(find("prometheus-alertmanager", "alertmanager"), "prometheus/alertmanager", "ui/script.js"):
        found.append("alertmanager")
    return found


def _lacks(program: str, place: str, pages: str) -> bool:
    """Return whether a program is Debian's, with the page that says that there are none, and without any other."""
    shared = Path(program).resolve().parents[1] / "share" / place
    return (shared / "no-ui").is_dir() and not (shared / pages).exists()


def linking(*, grafana: bool, silence: bool) -> Callable[[str, str], str]:
    """Return an edit of the configuration after which emails link only to what there is.

    ``grafana`` keeps the links to dashboards, ``silence`` those to Alertmanager's page.
    """

    def edit(name: str, text: str) -> str:
        if name != "mail.tmpl":
            return text
        if not grafana:
            text = re.sub("({{- [$]grafana := )`.*?`", r"\1``", text)
        if not silence:
            text = text.replace("{{- if .data.Alerts.Firing }}", "{{- if false }}")
            text = text.replace(" more: {{ .data.ExternalURL }}/#/alerts", " more")
        return text

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
        f"test alert    {test_alert(chain)}",
        f"mail          {'shown here' if chain.catches_mail else 'sent as set in .env'}",
        f"data, logs    {chain.folder}",
        "Press Ctrl-C to stop. In another terminal, make load triggers a first alert in about two minutes.",
    ]
    return "\n".join(lines)


def test_alert(chain: Chain) -> str:
    """Return the command that sends a test alert as this exporter would: it reads neither .env nor our environment."""
    name = chain.exporter.environment["HOST_EXPORTER_HOSTNAME"]
    program = Path(sys.executable).with_name("host-exporter")
    short = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
    named = ["--hostname", name] if name else []
    return shlex.join([str(short), "test-alert", *named, chain.urls["alertmanager"]])


def show(mail: Mail) -> None:
    """Print a mail."""
    say(f"\n--- mail to {', '.join(mail.recipients)}\nSubject: {mail.subject}\n\n{mail.body()}---")


def say(text: str, *, error: bool = False) -> None:
    """Print a text. Ignore a closed pipe: the servers must be stopped all the same."""
    with suppress(OSError):
        print(text, file=sys.stderr if error else sys.stdout, flush=True)
