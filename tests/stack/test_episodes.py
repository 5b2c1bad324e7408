"""What emails say of an episode from start to end: real Prometheus, Alertmanager and SMTP, a machine of our making."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Self

import pytest

from tests.stack.support import make_chain, query
from tests.support import eventually
from tests.tools.web import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.stack.chain import Chain

pytestmark = pytest.mark.timeout(300)

GIB = 1 << 30


class Machine:
    """A machine to scrape whose figures a test sets while it is watched."""

    def __init__(self, chain: Chain) -> None:
        self.hostname = "db-01"
        self.memory = 0.5
        self.programs: dict[str, float] = {}
        self.filesystems: dict[tuple[str, str], float] = {}
        machine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = machine.exposition().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._chain = chain
        self._server = serving(Handler)

    def __enter__(self) -> Self:
        self.address = self._server.__enter__()
        (self._chain.targets / "machine.yml").write_text(f'- targets: ["{self.address}"]\n')
        eventually(lambda: query(self._chain, f'host_memory_usage_ratio{{instance="{self.address}"}}'))
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__(None, None, None)

    def exposition(self) -> str:
        lines = [
            f'host_info{{hostname="{self.hostname}"}} 1',
            f"host_memory_usage_ratio {self.memory}",
            f"host_memory_available_bytes {(1 - self.memory) * 16 * GIB}",
        ]
        for resource in ("memory", "filesystem"):
            lines += [
                f'host_alert_threshold_ratio{{resource="{resource}",severity="{level}"}} {limit}'
                for level, limit in (("warning", 0.8), ("critical", 0.9))
            ]
        lines += [f'host_top_process_memory_bytes{{name="{name}"}} {used}' for name, used in self.programs.items()]
        for (device, mountpoint), ratio in self.filesystems.items():
            labels = f'device="{device}",mountpoint="{mountpoint}",fstype="ext4"'
            lines.append(f"host_filesystem_usage_ratio{{{labels}}} {ratio}")
        return "\n".join(lines) + "\n"

    def state(self, alertname: str) -> set[str]:
        """Return the severities of its alerts of this name that fire in Prometheus."""
        found = query(self._chain, f'ALERTS{{alertname="{alertname}", alertstate="firing", instance="{self.address}"}}')
        return {series["metric"]["severity"] for series in found}


def test_a_resolved_mail_is_about_its_own_time_and_comes_once(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain") as chain, Machine(chain) as machine:
        # Something else is wrong all the time, so that there are emails for what is resolved to appear in.
        machine.filesystems["/dev/sda1", "/"] = 0.85
        chain.mailbox.wait("[WARNING] db-01: Filesystem / 85 % full (limit 80 %)", 60)
        machine.memory, machine.programs = 0.954, {"java app.jar": 12 * GIB, "sshd": GIB / 8}
        critical = chain.mailbox.wait("[CRITICAL] db-01: Memory 95 % (limit 90 %) and 1 more", 60)
        assert re.findall("^(?:CRITICAL|WARNING) ", critical.body(), re.MULTILINE) == ["CRITICAL ", "WARNING "]
        time.sleep(8)
        machine.memory, machine.programs = 0.5, {"idler": 5 * GIB, "sshd": GIB / 8}
        time.sleep(6)
        # While it still keeps firing, another program has a moment of its own.
        machine.memory, machine.programs = 0.97, {"spike": 13 * GIB, "sshd": GIB / 8}
        time.sleep(2)
        ended = time.time()
        machine.memory, machine.programs = 0.5, {"idler": 5 * GIB, "sshd": GIB / 8}
        eventually(lambda: not machine.state("HostHighMemory"), 90)
        time.sleep(20)  # some rounds of emails: Prometheus goes on sending what is resolved
        mails = [mail for mail in chain.mailbox.mails if "db-01" in mail.subject]
    resolved = mails[-1]
    assert [mail.subject for mail in mails] == [
        "[WARNING] db-01: Filesystem / 85 % full (limit 80 %)",
        critical.subject,
        "[WARNING] db-01: Filesystem / 85 % full (limit 80 %) and 1 more",
    ]
    body = resolved.body()
    assert re.findall("^(?:RESOLVED|WARNING) ", body, re.MULTILINE) == ["WARNING ", "RESOLVED "]
    over = body.partition("RESOLVED ")[2]
    assert "Resolved. Memory usage peaked at 97 % (critical limit: 90 %).\n" in over
    most = over.split("on average:\n")[1].split("\n\n")[0].splitlines()
    assert re.fullmatch(r"java app\.jar: [\d.]+ GiB", most[0])
    assert "idler" not in over, "it ran when memory was not short"
    until = datetime.strptime(re.findall(r" to (.* UTC)", over)[0], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    assert abs(until.timestamp() - ended) < 6, "keep_firing_for of 20 s is not part of it"


def test_a_machine_renamed_while_its_disk_is_full_gives_one_clean_resolved(tmp_path: Path) -> None:
    with make_chain(tmp_path / "chain") as chain, Machine(chain) as machine:
        machine.filesystems["/dev/sda1", "/"] = 0.95
        first = chain.mailbox.wait("[CRITICAL] db-01: Filesystem / 95 % full (limit 90 %)", 60)
        machine.hostname = "db-02"
        time.sleep(35)  # longer than keep_firing_for
        about = [mail.subject for mail in chain.mailbox.mails if "db-0" in mail.subject]
        assert about == [first.subject]
        machine.filesystems["/dev/sda1", "/"] = 0.5
        resolved = chain.mailbox.wait("[RESOLVED]", 60)
        assert resolved.subject == "[RESOLVED] db-01: Filesystem / was up to 95 % full (limit 90 %)"
        assert re.findall("^(?:RESOLVED|CRITICAL|WARNING) ", resolved.body(), re.MULTILINE) == ["RESOLVED "]
