"""What the chain does when part of it breaks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.stack.support import ALERT, firing, make_chain, query
from tests.support import Exporter, eventually
from tests.support_browser import chromium
from tests.tools.ports import free_port
from tests.tools.stack.mailbox import Mailbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.stack.chain import Chain

pytestmark = pytest.mark.timeout(300)


def test_an_exporter_that_goes_down_gives_one_alert(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain", ALERT) as chain:
        chain.mailbox.wait("Memory", 60)
        chain.exporter.stop(kill=True)
        down = chain.mailbox.wait("Not responding", 60)
        # Longer than keep_firing_for: alerts about the machine must not be reported as resolved in the meantime.
        time.sleep(26)
        assert len(chain.mailbox.mails) == 2
        assert down.subject == "[CRITICAL] web-01: Not responding"
        chain.exporter.start()
        # Memory still fires: if its next mail has not gone yet, both are in one, and the subject is the worse of them.
        over = "RESOLVED  web-01: Responding again"
        eventually(lambda: any(over in mail.body() for mail in chain.mailbox.mails[2:]), 60)


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("trouble", ["wrong password", "unreachable"])
def test_mail_that_cannot_be_sent_is_seen_at_the_top_of_the_status_page(tmp_path: Path, trouble: str) -> None:
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
        said = page.get_by_role("link", name="Emails cannot be sent")
        said.wait_for(timeout=60_000)
        expect(said).to_be_in_viewport()
        expect(page.locator("#badge")).to_have_class("critical")
        assert (
            page.get_by_role("link", name="Prometheus queries").get_attribute("href")
            == f"{chain.urls['prometheus']}/alerts"
        )
        said.click()
        expect(page.locator(":target")).to_have_id("AlertmanagerNotificationsFailing")
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
