"""Fixtures for all tests."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.guard import Guard
from tests.quiet import Quiet
from tests.support import Exporter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser

QUIET = pytest.StashKey[Quiet]()

UNAVAILABLE = ("this machine has no IPv6", "this kernel counts no pressure")
"""What continuous integration cannot install. Any other skip fails there, because nobody would notice it."""

LONG = (
    "tests/fleet/", "tests/stack/", "tests/rules/", "tests/web/test_access_reload.py", "tests/web/test_crowds.py",
    "tests/web/test_access_crowds.py",
)  # fmt: skip
"""Tests that take a minute or more, nearly all of it waiting, so they can share the CPUs."""


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    """The real exporter on this machine, with its defaults."""
    with Exporter() as running:
        yield running


@pytest.fixture(scope="module")
def sturdy() -> Iterator[Exporter]:
    """An exporter that must still respond at the end of this module, and have logged only its start and its stop."""
    with Exporter() as running:
        yield running
        assert running.get("/-/healthy").status == 200
        assert running.samples().value("host_memory_total_bytes")
        assert running.stop() == 0
        assert len(running.log.splitlines()) == 2, running.log


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, headless."""
    from tests.support_browser import chromium

    with chromium() as running:
        yield running


@pytest.fixture(autouse=True)
def own_proc() -> Iterator[None]:
    """Point psutil at /proc again: opening a machine with a rootfs redirects it for the whole process."""
    yield
    if hasattr(psutil, "PROCFS_PATH"):
        psutil.PROCFS_PATH = "/proc"


def pytest_configure(config: pytest.Config) -> None:
    # The environment of whoever runs the tests must not influence them.
    for name in [name for name in os.environ if name.startswith("HOST_EXPORTER_")]:
        del os.environ[name]
    # A script's background job ignores SIGINT, a job under nohup SIGHUP. Child processes inherit ignored signals, so
    # the tests' servers would ignore them, too. A handler is not inherited: here it does nothing either.
    for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has only the first
        if number and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    config.add_cleanup(Guard().close)
    config.stash[QUIET] = Quiet()


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[QUIET].close()


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the test's timeout starts
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    quiet = item.config.stash[QUIET]
    if item.get_closest_marker("load"):
        with quiet.alone():
            return (yield)
    quiet.together()
    return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Long tests start first; otherwise one worker would still have the longest file to run when all others are done.
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("CI", "").lower() == "true" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(known in reason for known in UNAVAILABLE):
            report.outcome = "failed"
            report.longrepr = f"skipped in continuous integration: {item.nodeid}: {reason}"
    return report
