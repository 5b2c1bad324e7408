"""What a stranger in the exporter's container reads of the other services, and of their secrets: nothing."""

from __future__ import annotations

import json
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
import yaml

from tests.compose.conftest import OVERRIDE, SERVICES, Stack
from tests.tools.ports import free_port
from tests.tools.stack.mailbox import Mailbox
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)

USER, PASSWORD, NEW = "owner", """pa$$w"o'r d#{{ .x }} \\n ü""", "an$other"
# Reads what only a process of the same user may, and says what came of it. Arguments: a process, and files in its root.
STRANGER = """
import sys
place, *files = (f"/host/proc/{sys.argv[1]}/{name}" for name in ("", "environ", "maps", "mem", *sys.argv[2:]))
for path in files:
    try:
        with open(path, "rb") as file:
            seen = "read" if path.endswith("/mem") else file.read().decode()
    except OSError as reason:
        seen = type(reason).__name__
    print(path.removeprefix(place), repr(seen))
with open(f"{place}stat") as file:
    print("stat", len(file.read()) > 0)
"""
# Every environment that it can read, of whatever process of the machine.
ALL = """
import glob
for path in glob.glob("/host/proc/[0-9]*/environ"):
    try:
        with open(path, "rb") as file:
            print(path, file.read())
    except OSError:
        pass
"""


@dataclass(frozen=True)
class Mail:
    """The stack, sending through a mail server with TLS and a login."""

    stack: Stack
    mailbox: Mailbox


@pytest.fixture(scope="module")
def mail(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mail]:
    folder = tmp_path_factory.mktemp("mail")
    (network,) = json.loads(stack.engine.docker("network", "inspect", "host-exporter_default").stdout)
    host = network["IPAM"]["Config"][0]["Gateway"]
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    settings, override = stack.folder / ".env", stack.folder / "docker-compose.override.yml"
    before = settings.read_text()
    trusting = {
        **OVERRIDE["services"]["alertmanager"],
        "environment": {"SSL_CERT_FILE": "/ca.pem"},
        "volumes": [f"{folder}/ca.pem:/ca.pem:ro"],
    }
    with Mailbox(free_port(), login=(USER, PASSWORD), tls=context, host=host) as mailbox:
        try:
            override.write_text(yaml.safe_dump({"services": {**OVERRIDE["services"], "alertmanager": trusting}}))
            quoted = PASSWORD.replace("'", "\\'")
            settings.write_text(
                f"{before}SMTP_HOST={host}\nSMTP_PORT={mailbox.port}\nSMTP_USER={USER}\n"
                f"SMTP_REQUIRE_TLS=true\nSMTP_PASSWORD='{quoted}'\n"
            )
            stack.compose("up", "-d", "--wait")
            yield Mail(stack, mailbox)
        finally:
            settings.write_text(before)
            override.write_text(yaml.safe_dump(OVERRIDE))
            stack.compose("up", "-d", "--wait")


def test_mail_goes_through_with_the_password(mail: Mail) -> None:
    mail.stack.compose("exec", "-T", "exporter", "host-exporter", "test-alert")
    mail.mailbox.wait("Test alert, nothing is wrong", 60)
    assert set(mail.mailbox.logins) == {(USER, PASSWORD)}


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "exporter"])
def test_the_exporter_reads_nothing_of_another_service(mail: Mail, service: str) -> None:
    pid = mail.stack.inspect(service)["State"]["Pid"]
    names = ("smtp-password", "heartbeat.url", "alertmanager.yml")
    files = (*(f"root/etc/alertmanager/{name}" for name in names), "root/etc/passwd")
    seen = stranger(mail.stack, pid, *files)
    assert seen.pop("stat") == "True"
    assert seen == dict.fromkeys(("environ", "maps", "mem", *files), "'PermissionError'")


def test_as_the_same_user_it_would_read_the_password(mail: Mail) -> None:
    """So the test above tests something, and the exporter needs a user of its own."""
    pid = mail.stack.inspect("alertmanager")["State"]["Pid"]
    user = mail.stack.inspect("alertmanager")["Config"]["User"]
    seen = stranger(mail.stack, pid, "root/etc/alertmanager/smtp-password", user=user)
    assert seen["root/etc/alertmanager/smtp-password"] == repr(PASSWORD + "\n")
    assert "PATH=" in seen["environ"]
    assert "pa$$w" not in seen["environ"]


def test_of_all_processes_of_the_machine_it_reads_only_its_own(mail: Mail) -> None:
    uid = mail.stack.inspect("exporter")["Config"]["User"].split(":")[0]
    done = mail.stack.engine.docker("exec", mail.stack.container("exporter"), "python", "-c", ALL)
    pids = re.findall(r"^/host/proc/(\d+)/environ b'(?!')", done.stdout, re.MULTILINE)
    assert pids
    for pid in pids:
        status = Path(f"/proc/{pid}/status")
        if status.exists():  # not the process that asked: it has ended
            assert re.search(rf"^Uid:\s+{uid}\s", status.read_text(), re.MULTILINE), status.read_text()


def test_docker_inspect_and_the_logs_show_no_password(mail: Mail) -> None:
    for service in SERVICES:
        container = mail.stack.container(service)
        shown = (
            mail.stack.engine.docker("inspect", container).stdout + mail.stack.engine.docker("logs", container).stdout
        )
        for part in ("pa$$w", "pa$w", "r d#"):
            assert part not in shown, service
    assert "SMTP_USER" in mail.stack.engine.docker("inspect", mail.stack.container("alertmanager")).stdout


def test_the_engines_files_are_closed_to_everyone_else(mail: Mail) -> None:
    """What Compose writes into a container lies there."""
    assert (mail.stack.engine.folder / "data").stat().st_mode & 0o006 == 0


def test_a_new_password_is_in_force_after_up(mail: Mail) -> None:
    """Although the environment of no container changes; and up without a change recreates nothing."""
    settings = mail.stack.folder / ".env"
    before, first = settings.read_text(), mail.stack.container("alertmanager")
    mail.stack.compose("up", "-d", "--wait")
    assert mail.stack.container("alertmanager") == first
    try:
        settings.write_text(re.sub(r"^SMTP_PASSWORD=.+$", f"SMTP_PASSWORD='{NEW}'", before, flags=re.MULTILINE))
        mail.stack.compose("up", "-d", "--wait")
        assert mail.stack.container("alertmanager") != first
        assert password(mail.stack) == f"{NEW}\n"
        settings.write_text(re.sub(r"^SMTP_PASSWORD=.+\n", "", before, flags=re.MULTILINE))
        mail.stack.compose("up", "-d", "--wait")
        assert password(mail.stack) == "\n"
    finally:
        settings.write_text(before)


def test_nobody_but_the_owner_reads_env_as_the_readme_makes_it(tmp_path: Path, stack: Stack) -> None:
    (copy,) = re.findall(
        r"^(cp \.env\.example \.env\n.+?)```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    stack.engine.run(["bash", "-euc", f"umask 022\n{copy}"], folder=tmp_path)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def stranger(stack: Stack, pid: int, *files: str, user: str = "") -> dict[str, str]:
    """Return what a program in the exporter's container makes of a process: by file, what it has read or why not."""
    as_user = [f"--user={user}"] if user else []
    container = stack.container("exporter")
    done = stack.engine.docker("exec", *as_user, container, "python", "-c", STRANGER, str(pid), *files)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def password(stack: Stack) -> str:
    return stack.engine.docker("exec", stack.container("alertmanager"), "cat", "/etc/alertmanager/smtp-password").stdout
