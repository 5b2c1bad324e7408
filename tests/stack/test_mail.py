"""Real exporter -> real Prometheus -> real Alertmanager -> real SMTP, with the shipped configuration."""

from __future__ import annotations

import os
import re
import ssl
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.stack.support import firing, make_chain, query
from tests.support import Load, eventually
from tests.tools.ports import free_port
from tests.tools.stack.mailbox import Mailbox

if TYPE_CHECKING:
    from tests.tools.stack.chain import Chain

CORES = os.cpu_count() or 1

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def culprit(tmp_path: Path) -> list[str]:
    """The command of a program that keeps a core busy, under a distinctive name."""
    script = tmp_path / "train.py"
    script.write_text(
        "import sys, time\n"
        "end, duty = time.monotonic() + 240, float(sys.argv[1])\n"
        "while time.monotonic() < end:\n"
        "    start = time.monotonic()\n"
        "    while time.monotonic() - start < 0.02 * duty: pass\n"
        "    time.sleep(0.02 * (1 - duty))\n"
    )
    return [sys.executable, str(script), "1"]


def beside(culprit: list[str], name: str) -> list[str]:
    """Return the command of a second program that does a little; an email names three."""
    program, script, _ = culprit
    other = Path(script).with_name(name)
    other.write_bytes(Path(script).read_bytes())
    return [program, str(other), "0.3"]


@pytest.mark.load
def test_a_busy_machine_leads_to_a_mail_that_names_the_program_and_to_one_that_it_is_over(
    tmp_path: Path, culprit: list[str]
) -> None:
    with make_chain(tmp_path / "chain", cpu=True) as chain:
        # Wait until the servers have started: their own load would bring the warning closer.
        eventually(lambda: query(chain, "instance:host_cpu_usage:ratio < 0.5"))
        with (
            Load(CORES, command=culprit),
            Load(command=beside(culprit, "backup.py")),
            Load(command=beside(culprit, "index.py")),
        ):
            critical = chain.mailbox.wait("[CRITICAL]", 90)
            # The warning waits longer than the critical alert, and is inhibited by then.
            eventually(lambda: both_fire(chain))
            time.sleep(4)  # time for an email about it, which must not be sent
        ended = time.time()
        resolved = chain.mailbox.wait("[RESOLVED]", 150)  # other programs may keep the machine busy for a while
        # The critical alert has inhibited the warning from start to end.
        assert [s.split("]")[0] for s in chain.mailbox.subjects()] == ["[CRITICAL", "[RESOLVED"]

    assert re.fullmatch(r"\[CRITICAL\] web-01: CPU (9\d|100) % \(limit 90 %\)", critical.subject)
    assert str(critical.message["From"]) == "Host Exporter <host-exporter@localhost>"
    for body in (critical.body(), critical.body("html")):
        assert re.search(r"CPU usage is (9\d|100)\s% \(critical limit: 90\s%\)\.", body)
        assert re.search(r"python[\d.]* train\.py(: |</td>.*>)\d\.\d\d\scores", body)
        assert re.search(r"Next step:(</b>)? Check the program at the top of the list\.", body)
        assert re.search(r"Since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", body)
        assert "/d/host?var-instance=127.0.0.1%3A" in body
        assert f"http://localhost:{chain.ports['exporter']}/runbooks#hosthighcpu" in body
    lines = critical.body().split("Busiest programs:\n")[1].split("\n\n")[0].splitlines()
    assert "train.py: " in lines[0]
    assert len(lines) == 3
    # The warning that was never mailed is not called over either.
    assert re.fullmatch(r"\[RESOLVED\] web-01: CPU peaked at (9\d|100) % \(limit 90 %\)", resolved.subject)
    for body in (resolved.body(), resolved.body("html")):
        assert len(re.findall(r"RESOLVED", body)) == 1
        assert "warning limit" not in body
        assert re.search(r"Resolved\. CPU usage peaked at (9\d|100)\s% \(critical limit: 90\s%\)\.", body)
        # The load ended before keep_firing_for began, whoever kept the machine busy for a moment since.
        most = body.split("Busiest programs while it was at the limit, on average")[1].splitlines()[1]
        assert re.search(r"python[\d.]* train\.py(: |</td>.*>)\d\.\d\d\scores", most)
        assert "Next step" not in body
        assert "Silence" not in body
    since, until = (
        datetime.strptime(text, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
        for text in re.findall(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", resolved.body())
    )
    assert since <= until
    assert until.timestamp() - ended < 12, "keep_firing_for of 20 s is not part of it"


@pytest.mark.load
def test_another_threshold_of_the_exporter_alone_changes_when_it_fires(tmp_path: Path, culprit: list[str]) -> None:
    culprit[-1] = "0.5"
    with make_chain(tmp_path / "chain", cpu=True) as chain, Load(CORES, command=culprit):
        eventually(lambda: query(chain, "instance:host_cpu_usage:ratio > 0.4"))
        time.sleep(12)
        assert "HostHighCpu" not in firing(chain)
        assert chain.mailbox.subjects() == []
        chain.exporter.stop()
        chain.exporter.environment = {
            **chain.exporter.environment,
            "HOST_EXPORTER_CPU_WARNING": "35",
            "HOST_EXPORTER_CPU_CRITICAL": "99",
        }
        chain.exporter.start()
        mail = chain.mailbox.wait("CPU", 60)
    assert re.fullmatch(r"\[WARNING\] web-01: CPU \d\d % \(limit 35 %\)", mail.subject)


@pytest.mark.load
def test_what_happens_on_one_machine_comes_in_one_mail(tmp_path: Path, culprit: list[str]) -> None:
    low = {"MEMORY_WARNING": "1", "MEMORY_CRITICAL": "99.9", "CPU_WARNING": "30", "CPU_CRITICAL": "50"}
    with Load(CORES, command=culprit), make_chain(tmp_path / "chain", low, cpu=True) as chain:
        mail = chain.mailbox.wait("and 1 more", 90)
    assert mail.subject.startswith("[CRITICAL] web-01: CPU")  # the worst comes first, although memory is firing as well
    assert mail.body().startswith("CRITICAL  web-01: CPU ")
    assert re.search(r"Memory usage is [\d.]+ % \(warning limit: 1 %\)\.", mail.body())
    assert re.search(r"Programs using the most memory:\n.*: [\d.]+ [MG]iB\n", mail.body())


def test_mail_through_a_server_with_tls_and_login(tmp_path: Path) -> None:
    """With a password that needs escaping in .env; Alertmanager drops the spaces at its ends."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    user, password = "jörg o'neil", """ p'a"s$s #wörd: {{ .x }} \\n"""
    mailbox = Mailbox(free_port(), login=(user, password.strip()), tls=context)
    variables = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mailbox.port),
        "SMTP_USER": user,
        "SMTP_PASSWORD": password,
        "SMTP_REQUIRE_TLS": "true",
        "ALERT_EMAIL_TO": "Jörg <j@example.org>, ops@example.org",
        "MEMORY_WARNING": "1",
    }
    chain = make_chain(tmp_path / "chain", variables, mailbox=mailbox)
    chain.alertmanager.environment = {"SSL_CERT_FILE": str(bundle)}
    with chain:
        mail = mailbox.wait("Memory", 60)
        assert (chain.folder / "smtp-password").stat().st_mode & 0o777 == 0o600
    assert mail.recipients == ("j@example.org", "ops@example.org")
    assert set(mailbox.logins) == {(user, password.strip())}


def both_fire(chain: Chain) -> bool:
    """Whether the critical alert and its warning are firing in Prometheus."""
    found = query(chain, 'ALERTS{alertname="HostHighCpu", alertstate="firing"}')
    return {series["metric"]["severity"] for series in found} == {"critical", "warning"}
