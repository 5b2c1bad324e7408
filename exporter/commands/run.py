"""What the commands but serve do once their options have been validated."""

from __future__ import annotations

import io
import sys
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

from exporter.machine import open_machine
from exporter.sampling.pace import beats
from exporter.sampling.sampler import Sampler
from exporter.signals import on_end

if TYPE_CHECKING:
    from exporter.recording.file import ExportFile
    from exporter.render.terminal import Screen
    from exporter.settings import Settings


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
