"""What the commands do once their options have been validated."""

from __future__ import annotations

import gc
import io
import logging
import sys
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.address import servers
from exporter.errors import UserError
from exporter.machine import open_machine
from exporter.sampling.pace import beats
from exporter.sampling.sampler import Sampler
from exporter.signals import on_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.access import Access
    from exporter.access.guard import App
    from exporter.chain.watch import Watch
    from exporter.recording.file import ExportFile
    from exporter.render.terminal import Screen
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


def watch(settings: Settings, csv: str | None, jsonl: str | None, interval: float, *, once: bool) -> None:
    """Show samples in the terminal until q, Ctrl-C, SIGTERM or the like, or only one if ``once``."""
    from exporter.commands.keys import quit_key  # noqa: PLC0415
    from exporter.commands.output import discard_output  # noqa: PLC0415
    from exporter.recording.recorder import open_exports, report_lost  # noqa: PLC0415
    from exporter.render.terminal import Screen  # noqa: PLC0415

    files = open_exports(csv, jsonl)
    sampler = Sampler(open_machine(settings))
    sampler.prime()
    stopped = threading.Event()
    on_end(lambda *_: stopped.set())
    screen = Screen(settings.thresholds(), once=once)
    try:
        with quit_key(stopped) if screen.is_live else nullcontext(), screen:
            _show(screen, sampler, files, interval, stopped, once=once)
    except OSError:
        # A terminal that is closed sends a signal, and nothing can be shown any more. Anything else is an error.
        if not (stopped.is_set() and screen.is_live):
            report_lost(files)
            raise
        discard_output()
    # Only now that the terminal is restored: the live screen would have painted over it.
    if report_lost(files):
        sys.exit(1)


def _show(
    screen: Screen, sampler: Sampler, files: list[ExportFile], interval: float, stopped: threading.Event, *, once: bool
) -> None:
    from exporter.recording.recorder import record  # noqa: PLC0415

    last = None
    for _ in beats(interval, stopped):
        # Half the interval, not --max-age: a longer one would show the same sample twice.
        snapshot = sampler.sample(max_age=interval / 2)
        if snapshot is not last:
            record(files, snapshot)
        last = snapshot
        screen.show(snapshot)
        if once:
            break


def desktop(settings: Settings, interval: float, theme: str) -> None:
    """Show the window until it is closed; exit with code 1 if rows of its recording were lost."""
    from exporter.desktop import run  # noqa: PLC0415 - needs Tk, which is not installed everywhere

    if run(settings, interval, theme):
        sys.exit(1)


def test_alert(settings: Settings, url: str, page: str) -> None:
    """Post a test alert for this machine to the Alertmanager at ``url``, and print what to expect.

    ``page`` is the address at which a browser reaches that Alertmanager.
    """
    from exporter.collectors import system  # noqa: PLC0415
    from exporter.commands.alerting import post_test_alert  # noqa: PLC0415

    hostname = system.read(open_machine(settings), None).hostname
    sys.stdout.write(post_test_alert(url, hostname, page) + "\n")


def stats(settings: Settings) -> None:
    """Print one sample as JSON."""
    from exporter.render.json import dumps  # noqa: PLC0415

    # JSON is UTF-8, even if the terminal or a Windows pipe uses another encoding.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    sampler = Sampler(open_machine(settings))
    sampler.prime()
    sys.stdout.write(dumps(sampler.sample(), settings.thresholds()) + "\n")
