"""``make stack``: runs the whole stack on this machine without Docker until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

from tests.tools.stack.chain import Chain, MissingError
from tests.tools.stack.process import NotReadyError
from tests.tools.stack.shipped import ROOT, Shipped

if TYPE_CHECKING:
    from tests.tools.stack.mailbox import Mail

FOLDER = ROOT / ".cache/stack"


def main() -> int:
    """Start all servers, show where they are and each mail, end them on Ctrl-C. Returns the exit code."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with Chain(Shipped.read(), FOLDER, on_mail=show) as chain:
            print(addresses(chain), flush=True)
            while not stopped.wait(1):
                for server in chain.servers:
                    if server.process is not None and server.process.poll() is not None:
                        print(f"{server.name} ended: {server.last_line()}", file=sys.stderr)
                        return 1
    except (MissingError, NotReadyError, ValueError) as reason:
        print(f"make stack: {reason}", file=sys.stderr)
        return 1
    print("ended")
    return 0


def addresses(chain: Chain) -> str:
    """Return where everything is."""
    lines = [
        f"status page   {chain.urls['exporter']}",
        f"Prometheus    {chain.urls['prometheus']}/alerts",
        f"Alertmanager  {chain.urls['alertmanager']}",
        f"Grafana       {chain.urls['grafana']}" if chain.grafana else "Grafana       not installed here",
        f"mail          {'shown here' if chain.catches_mail else 'sent as .env says'}",
        f"data, logs    {chain.folder}",
        "Ctrl-C ends all of it. In another terminal, make load leads to the first alert in about two minutes.",
    ]
    return "\n".join(lines)


def show(mail: Mail) -> None:
    """Print a mail."""
    print(f"\n--- mail to {', '.join(mail.recipients)}\nSubject: {mail.subject}\n\n{mail.body()}---", flush=True)


if __name__ == "__main__":
    sys.exit(main())
