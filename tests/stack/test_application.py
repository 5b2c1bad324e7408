"""A monitored application: its alerts reach the same mailbox as those of the machine."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.digits.strokes import draw
from tests.digits.support import Gunicorn
from tests.stack.support import firing, make_chain, query
from tests.support import eventually
from tests.support_browser import chromium

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.stack.chain import Chain

pytestmark = pytest.mark.browser


def watched(chain: Chain, app: Gunicorn) -> None:
    """Add the application to Prometheus as the README says, and wait until it is scraped."""
    file = chain.targets / "apps/digits.yml"
    file.write_text(f'- targets: ["127.0.0.1:{app.port}"]\n  labels: {{instance: "digits:8000"}}\n')
    eventually(lambda: query(chain, 'prediction_duration_seconds_count{job="app", instance="digits:8000"}'))


def test_slow_predictions_and_errors_lead_to_mails_and_both_end(tmp_path: Path) -> None:
    with (
        make_chain(tmp_path / "chain") as chain,
        Gunicorn(tmp_path, DIGITS_SLOW="2.1", DIGITS_TRY_ERRORS="1") as app,
        chromium() as browser,
    ):
        watched(chain, app)
        # A freshly started application has stricter alerts, which this test is not about.
        eventually(lambda: query(chain, 'time() - process_start_time_seconds{job="app"} > 30'))
        assert "App" not in str(firing(chain))

        page = browser.new_page()
        page.goto(app.url)
        draw(page, "3-round")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator(".digit")).to_have_text("3", timeout=15_000)
        slow = chain.mailbox.wait("[WARNING] digits:8000", 60)
        assert slow.subject == "[WARNING] digits:8000: Predictions slower than 2 s: 1 in 2 minutes"
        assert re.search(r"Average of all predictions in that time: 2\.\d s\.", slow.body())
        assert "/d/application?var-instance=digits%3A8000&from=" in slow.body()
        assert "/runbooks#appslowprediction" in slow.body()
        over = chain.mailbox.wait("[RESOLVED] digits:8000", 60)
        assert over.subject.startswith("[RESOLVED] digits:8000: Predictions slower than 2 s")

        assert app.get("/try/error").status == 500
        wrong = chain.mailbox.wait("[CRITICAL] digits:8000", 60)
        # What was resolved a moment ago may be in the same email.
        assert wrong.subject.startswith("[CRITICAL] digits:8000: Unhandled errors: 1 in 2 minutes")
        assert "Requests that ended in an unhandled exception:\nGET /try/error: 1\n" in wrong.body()
        assert app.log.count("RuntimeError: a deliberate error") == 1
        assert "Traceback" in app.log
        count = len(chain.mailbox.mails)
        again = chain.mailbox.wait("[RESOLVED] digits:8000", 60, after=count)
        assert again.subject.startswith("[RESOLVED] digits:8000: Unhandled errors")


def test_an_application_that_is_gone_leads_to_a_mail_and_one_that_errs_at_once_too(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain") as chain:
        with Gunicorn(tmp_path, DIGITS_TRY_ERRORS="1") as app:
            assert app.get("/try/error").status == 500  # before Prometheus has scraped it for the first time
            watched(chain, app)
            chain.mailbox.wait("[CRITICAL] digits:8000: Unhandled errors: 1 in 2 minutes", 60)
        chain.mailbox.wait("[CRITICAL] digits:8000: Application is not responding", 60)
        (chain.targets / "apps/digits.yml").unlink()
        gone = chain.mailbox.wait("[INFO] digits:8000: Application no longer watched", 60)
        assert "It was not responding when its target was removed." in gone.body() or "AppDown" in gone.body()
        eventually(lambda: firing(chain) <= {"AppTargetGone"})
        time.sleep(10)  # some rounds of emails
        assert not [mail.subject for mail in chain.mailbox.mails if "RESOLVED  digits:8000: Application" in mail.body()]
