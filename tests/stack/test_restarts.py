"""What Prometheus and Alertmanager remember across a restart."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.stack.support import ALERT, failing, firing, make_chain, query, subjects
from tests.support import eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("slow", [False, True], ids=["for 1m", "for 5m"])
def test_a_restart_of_prometheus_neither_resolves_nor_repeats_an_alert(tmp_path: Path, slow: bool, kill: bool) -> None:
    # An alert that starts over would be resolved after 12 s (really 4 minutes), before its "for" of 15 s (5 m) is over.
    with make_chain(tmp_path / "chain", {} if slow else ALERT, resend=3) as chain, ExitStack() as stack:
        if slow:
            stack.enter_context(failing(chain, "memory"))
        first = chain.mailbox.wait("No data for memory" if slow else "Memory", 60)
        chain.prometheus.stop(kill=kill)
        chain.prometheus.start()
        chain.prometheus.wait()
        eventually(lambda: ("HostCollectorFailing" if slow else "HostHighMemory") in firing(chain))
        time.sleep(18)  # long enough for an alert that starts over to wait, be resolved and fire again
        assert subjects(chain, "web-01") == [first.subject]


def test_alertmanager_remembers_what_it_mailed_over_a_restart(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain", ALERT) as chain:
        first = chain.mailbox.wait("Memory", 60)
        time.sleep(2)  # an email counts as sent only after the SMTP session has ended
        chain.alertmanager.stop()
        time.sleep(4)
        chain.alertmanager.start()
        chain.alertmanager.wait()
        time.sleep(10)
        assert subjects(chain, "Memory") == [first.subject]


def test_an_alertmanager_that_was_killed_mails_once_more_and_forgets_what_ended_meanwhile(tmp_path: Path) -> None:
    """It saves its notification log every 15 minutes and on exit, not with each email."""
    with make_chain(tmp_path / "chain") as chain, failing(chain, "memory"), failing(chain, "cpu") as cpu:
        first = chain.mailbox.wait("web-01: No data for memory", 60)
        chain.mailbox.wait("web-01: No data for cpu", 60)
        time.sleep(2)  # as above
        count = len(chain.mailbox.mails)
        chain.alertmanager.stop(kill=True)
        cpu.broken = False
        eventually(lambda: not query(chain, 'ALERTS{alertname="HostCollectorFailing", collector="cpu"}'), 60)
        chain.alertmanager.start()
        chain.mailbox.wait("No data for memory", 60, after=count)
        time.sleep(10)
        assert subjects(chain, "for memory") == [first.subject, "[WARNING] web-01: No data for memory"]
        assert subjects(chain, "for cpu") == ["[WARNING] web-01: No data for cpu"]  # no email says that it is resolved


def test_an_alert_of_a_time_without_alertmanager_is_mailed_when_it_is_back(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain", ALERT) as chain:
        chain.alertmanager.stop(kill=True)
        eventually(lambda: {"HostHighMemory", "PrometheusAlertmanagerMissing"} <= firing(chain), 90)
        assert chain.mailbox.mails == []
        chain.alertmanager.start()
        mail = chain.mailbox.wait("Memory", 60)
        assert mail.subject.startswith("[WARNING] web-01: Memory")
