"""What the chain does when a part of it breaks."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.stack.support import Relay, eventually, firing, make_chain, query
from tests.support import Exporter
from tests.support_browser import chromium
from tests.tools.stack.chain import Chain, free_port
from tests.tools.stack.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Every machine uses more memory than this: an alert without any load.
ALERT = {"MEMORY_WARNING": "0.1"}

pytestmark = pytest.mark.timeout(300)


def test_an_exporter_that_goes_down_gives_one_alert(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain", ALERT) as chain:
        chain.mailbox.wait("Memory", 60)
        chain.exporter.stop(kill=True)
        down = chain.mailbox.wait("does not answer", 60)
        # Longer than any alert keeps firing: what was about the machine must not be called resolved meanwhile.
        time.sleep(26)
        assert len(chain.mailbox.mails) == 2
        assert down.subject == "[CRITICAL] web-01: Machine or exporter does not answer"
        chain.exporter.start()
        chain.mailbox.wait("[RESOLVED] web-01: Machine or exporter does not answer", 60)


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("slow", [False, True], ids=["for 1m", "for 5m"])
def test_a_restart_of_prometheus_neither_resolves_nor_repeats_an_alert(tmp_path: Path, slow: bool, kill: bool) -> None:
    with make_chain(tmp_path / "chain", {} if slow else ALERT) as chain, ExitStack() as stack:
        if slow:
            stack.enter_context(failing(chain, "memory"))
        first = chain.mailbox.wait("No figures for memory" if slow else "Memory", 60)
        chain.prometheus.stop(kill=kill)
        chain.prometheus.start()
        chain.prometheus.wait()
        eventually(lambda: ("HostCollectorFailing" if slow else "HostHighMemory") in firing(chain))
        time.sleep(18)  # longer than an alert that began anew would wait, be called resolved and fire again
        assert subjects(chain, "web-01") == [first.subject]


def test_alertmanager_remembers_what_it_mailed_over_a_restart(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain", ALERT) as chain:
        first = chain.mailbox.wait("Memory", 60)
        time.sleep(2)  # a mail counts as sent only when its server has taken leave
        chain.alertmanager.stop()
        time.sleep(4)
        chain.alertmanager.start()
        chain.alertmanager.wait()
        time.sleep(10)
        assert subjects(chain, "Memory") == [first.subject]


def test_an_alertmanager_that_was_killed_mails_once_more_and_forgets_what_ended_meanwhile(tmp_path: Path) -> None:
    """It writes down what it mailed every 15 minutes and when it ends, not with each mail."""
    with make_chain(tmp_path / "chain") as chain, failing(chain, "memory"), failing(chain, "cpu") as cpu:
        first = chain.mailbox.wait("web-01: No figures for memory", 60)
        chain.mailbox.wait("web-01: No figures for cpu", 60)
        time.sleep(2)  # as above
        count = len(chain.mailbox.mails)
        chain.alertmanager.stop(kill=True)
        cpu.broken = False
        eventually(lambda: not query(chain, 'ALERTS{alertname="HostCollectorFailing", collector="cpu"}'), 60)
        chain.alertmanager.start()
        chain.mailbox.wait("No figures for memory", 60, after=count)
        time.sleep(10)
        assert subjects(chain, "for memory") == [first.subject, "[WARNING] web-01: No figures for memory"]
        assert subjects(chain, "for cpu") == ["[WARNING] web-01: No figures for cpu"]  # nobody says that it ended


def test_an_alert_of_a_time_without_alertmanager_is_mailed_when_it_is_back(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain", ALERT) as chain:
        chain.alertmanager.stop(kill=True)
        eventually(lambda: {"HostHighMemory", "PrometheusAlertmanagerMissing"} <= firing(chain), 90)
        assert chain.mailbox.mails == []
        chain.alertmanager.start()
        mail = chain.mailbox.wait("Memory", 60)
        assert mail.subject.startswith("[WARNING] web-01: Memory")


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("trouble", ["wrong password", "unreachable"])
def test_mail_that_cannot_be_sent_is_seen_at_the_status_pages_links(tmp_path: Path, trouble: str) -> None:
    mailbox = Mailbox(free_port(), login=("owner", "right"))
    port = mailbox.port if trouble == "wrong password" else free_port()
    variables = ALERT | {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_USER": "owner",
        "SMTP_PASSWORD": "wrong",
    }
    with make_chain(tmp_path / "chain", variables, mailbox=mailbox) as chain, chromium() as browser:
        eventually(lambda: "AlertmanagerNotificationsFailing" in firing(chain), 90)
        page = browser.new_page()
        page.goto(chain.urls["exporter"])
        page.locator("footer").get_by_text("AlertmanagerNotificationsFailing").wait_for(timeout=20_000)
        link = page.get_by_role("link", name="Prometheus").get_attribute("href")
        assert link == f"{chain.urls['prometheus']}/alerts"
        page.close()
        assert mailbox.mails == []
        assert set(mailbox.logins) == ({("owner", "wrong")} if trouble == "wrong password" else set())


def test_machines_in_targets_come_and_stay_without_a_restart(tmp_path: Path) -> None:
    with Exporter() as more, make_chain(tmp_path / "chain") as chain:
        eventually(lambda: up(chain) == {f"127.0.0.1:{chain.ports['exporter']}"})
        second = f"127.0.0.1:{more.port}"
        (chain.targets / "second.yml").write_text(f'- targets: ["{second}"]\n')
        eventually(lambda: second in up(chain), what="the new machine is not scraped")

        (chain.targets / "broken.yml").write_text("- targets: [oops\n")
        mail = chain.mailbox.wait("A file in targets/ cannot be read", 60)
        assert mail.subject.startswith("[WARNING]")
        assert "broken.yml" in chain.prometheus.log.read_text()
        assert second in up(chain)

        (chain.targets / "broken.yml").unlink()
        (chain.targets / "second.yml").unlink()
        eventually(lambda: second not in up(chain))


def up(chain: Chain) -> set[str]:
    return {series["metric"]["instance"] for series in query(chain, 'up{job="host"} == 1')}


def subjects(chain: Chain, text: str) -> list[str]:
    """Return the subjects that hold a text; mails about the trouble that a test makes are others."""
    return [subject for subject in chain.mailbox.subjects() if text in subject]


@contextmanager
def failing(chain: Chain, collector: str) -> Iterator[Relay]:
    """Add a machine where a collector fails."""
    line = f'host_exporter_collector_success{{collector="{collector}"}}'
    with Relay(chain.urls["exporter"], f"{line} 1.0", f"{line} 0.0") as relay:
        (chain.targets / f"{collector}.yml").write_text(f'- targets: ["{relay.address}"]\n')
        yield relay
