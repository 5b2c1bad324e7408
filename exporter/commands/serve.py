"""What ``serve`` does once its options have been validated: it puts the server, the exports and the watch together."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.address import servers
from exporter.errors import UserError
from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.access import Access
    from exporter.access.guard import App
    from exporter.chain.watch import Watch
    from exporter.serving.server import Server
    from exporter.settings import Settings

log = logging.getLogger("exporter")

OPEN = "whoever can reach it can read everything on the page (--web-config asks for a password)"


def serve(
    settings: Settings, csv: str | None, jsonl: str | None, interval: float, alertmanagers: Sequence[str] = ()
) -> None:
    """Serve until Ctrl-C, SIGTERM or the like, and write the exports in the background.

    If the settings name a Prometheus, watch it too, and report to these Alertmanagers when it is down.
    """
    # Rates need a baseline that is half a second old: take it before the slow imports.
    from exporter.sampling.history import History  # noqa: PLC0415

    history = History()
    sampler = Sampler(open_machine(settings), on_sample=history.add)
    sampler.prime()

    from exporter.recording.recorder import Recorder, discard, open_exports  # noqa: PLC0415
    from exporter.serving.server import StopSignals, open_server, run  # noqa: PLC0415
    from exporter.web import create_app  # noqa: PLC0415

    chain = _chain(settings, alertmanagers)
    app: App = create_app(sampler, settings, history, chain)
    access = None
    if settings.web_config:
        from exporter.access import Access  # noqa: PLC0415 - imports PyYAML and bcrypt
        from exporter.access.guard import guarded  # noqa: PLC0415

        access = Access(settings.web_config, settings.host)
        app = guarded(app, access)

    # A wrong file is the user's to mend, whatever else uses the port.
    files = open_exports(csv, jsonl)
    # From here on there are threads, which Ctrl-C must not leave running.
    stop = StopSignals()
    try:
        server = open_server(app, settings.host, settings.port, access)
        recorder = Recorder(sampler, settings, files, interval)
        if chain:
            chain.start()
        recorder.start()  # last: an end that cuts a row must not follow
    except UserError:
        discard(files)
        raise
    # Modules and templates live as long as the process: exempt them from garbage collection.
    gc.collect()
    gc.freeze()
    server.in_container = bool(settings.rootfs)
    run(server, stop, lambda: _announce(server, settings.host, access), recorder.stop)


def _announce(server: Server, host: str, access: Access | None) -> None:
    """Log where the server can be reached, and by whom."""
    log.info("host-exporter %s: status page on %s, metrics on %s/metrics", __version__, server.url, server.url)
    if server.is_open:
        needed = access.rules().needed() if access else ""
        everyone = f"whoever can reach it needs {needed}" if needed else OPEN
        where = "its container's published ports" if server.in_container else "the network"
        log.info("open to %s: listening on %s; %s", where, host, everyone)


def _chain(settings: Settings, alertmanagers: Sequence[str]) -> Watch | None:
    """Return the watch over the Prometheus servers in the settings, not started yet; None if there are none."""
    if not (prometheus := servers(settings.alerts_url)):
        return None
    from exporter.chain import pace  # noqa: PLC0415 - only the exporter beside a Prometheus needs it
    from exporter.chain.watch import Watch  # noqa: PLC0415
    from exporter.collectors import system  # noqa: PLC0415

    hostname = system.read(open_machine(settings), None).hostname
    return Watch(prometheus, alertmanagers, hostname, pace.PACE)
