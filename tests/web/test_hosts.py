"""A request for a name that is not the machine's is refused, so that no page can read the exporter by DNS rebinding."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from exporter.address import host_in
from exporter.commands import health
from exporter.settings import Settings
from exporter.sources.host import LINUX
from exporter.web import hosts
from exporter.web.hosts import MOST_LOGGED, OwnHosts
from tests.machines import copy_fixture
from tests.support import Exporter, fetch, run
from tests.support_access import TLS, Authority, GuardedExporter, login, trusting, users
from tests.support_browser import chromium

if TYPE_CHECKING:
    from pathlib import Path

PATHS = ["/", "/metrics", "/api/stats", "/runbooks", "/-/healthy", "/-/ready", "/static/page.css", "/nothing"]

STRANGERS = [
    "evil.example",
    "evil.example:5000",
    "EVIL.Example.",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io:5000",
    "xn--mller-kva.example",
    "evil.notlocal",
    "evil.local.example",
    "0x7f000001.example",
    "1.2.3.4.5.example",
]

OURS = [
    "localhost",
    "LOCALHOST:5000",
    "localhost.",
    "a.localhost",
    "127.0.0.1",
    "127.0.0.1:5000",
    "127.1",
    "192.0.2.7:5000",
    "[::1]",
    "[::1]:5000",
    "[2001:db8::7]:5000",
    "[fe80::1%25eth0]:5000",
    "::1",
    "exporter:5000",
    "nas",
    "my_nas:",
    "nas.local:5000",
    "nas.lan:5000",
    "nas.home.arpa",
    "host.docker.internal:5000",
    "exporter.monitoring.svc.cluster.local",
    socket.gethostname(),
    "",
]

MALFORMED = [
    "a b",
    "user@localhost",
    "localhost:5000@evil.example",
    "localhost/",
    "localhost:x",
    "localhost:65536",
    "[::1",
    "[bad.cafe]",
    "[localhost]",
    "evil..example",
    ".localhost",
    ".",
    ":5000",
    "localhost,evil.example",
    "<script>",
    "m\xfcller.example",
    "l\u212acal".encode().decode("latin-1"),
    "a" * 254,
]


def ask(exporter: Exporter, host: str, path: str = "/metrics") -> tuple[int, str]:
    """Return the answer to a request with exactly this Host header."""
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host.encode("latin-1"))
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def raw(exporter: Exporter, *lines: str) -> str:
    """Return the answer to a request of these lines."""
    got = b""
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=20) as client:
        client.sendall("".join(f"{line}\r\n" for line in (*lines, "Connection: close", "")).encode())
        while piece := client.recv(65536):
            got += piece
    return got.decode()


@pytest.mark.parametrize("path", PATHS)
def test_a_strangers_name_gets_nothing_on_any_path(exporter: Exporter, path: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        answer = exporter.get(path, {"Host": "evil.example"}, method)
        assert answer.status == 421
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("host", STRANGERS)
def test_a_strangers_name_is_refused_in_one_line_with_the_setting(exporter: Exporter, host: str) -> None:
    status, text = ask(exporter, host)
    name = host.partition(":")[0].rstrip(".").lower()
    assert (status, text.count("\n")) == (421, 1)
    assert text.startswith(f"421 Misdirected Request; {name} is not a name of this machine; --allowed-host {name} ")
    assert "HOST_EXPORTER_ALLOWED_HOST" in text


@pytest.mark.parametrize("host", OURS)
def test_addresses_and_names_that_no_stranger_can_have_are_answered(exporter: Exporter, host: str) -> None:
    assert ask(exporter, host)[0] == 200


@pytest.mark.parametrize("host", MALFORMED, ids=lambda host: repr(host[:40]))
def test_what_is_neither_a_name_nor_an_address_is_a_bad_request(exporter: Exporter, host: str) -> None:
    status, text = ask(exporter, host)
    assert (status, text.count("\n")) == (400, 1)
    assert host_in(host) is None


def test_a_client_without_a_host_header_is_answered(exporter: Exporter) -> None:
    """HTTP/1.0 has none, and some health checks speak it. No browser does."""
    assert raw(exporter, "GET /-/healthy HTTP/1.0").startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "lines",
    [
        ["GET /metrics HTTP/1.1", "Host: localhost", "Host: evil.example"],
        ["GET /metrics HTTP/1.1", "Host: evil.example", "Host: localhost"],
        ["GET /metrics HTTP/1.1", "Host: localhost", "host: localhost"],
        ["GET /metrics HTTP/1.1", "Host: evil.example", " localhost"],
        ["GET http://evil.example/metrics HTTP/1.1", "Host: localhost"],
        ["GET http://localhost/metrics HTTP/1.1", "Host: evil.example"],
    ],
    ids=repr,
)
def test_two_hosts_are_a_bad_request(exporter: Exporter, lines: list[str]) -> None:
    answer = raw(exporter, *lines)
    assert answer.startswith("HTTP/1.1 400 ")
    assert "host_" not in answer


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "Forwarded", "X-Original-Host", "Origin", "Referer"])
def test_no_other_header_counts(exporter: Exporter, header: str) -> None:
    for sent in ("localhost", "host=localhost", "http://localhost"):
        assert exporter.get("/metrics", {"Host": "evil.example", header: sent}).status == 421
    assert exporter.get("/metrics", {"Host": "localhost", header: "evil.example"}).status == 200


def test_a_flag_or_variable_allows_more_names() -> None:
    flags = ("--allowed-host", "nas.example.org", "--allowed-host", "*.example.net, Müller.example ,")
    with Exporter(*flags) as exporter:
        for host in ("nas.example.org:80", "NAS.example.org.", "a.b.example.net", "xn--mller-kva.example"):
            assert ask(exporter, host)[0] == 200, host
        for host in ("nas.example.org.evil.example", "xnas.example.org", "example.net", "nas-example.org"):
            assert ask(exporter, host)[0] == 421, host
    with Exporter(env={"HOST_EXPORTER_ALLOWED_HOST": "exporter,nas.example.org,"}) as exporter:
        assert [ask(exporter, host)[0] for host in ("nas.example.org", "evil.example")] == [200, 421]


def test_an_asterisk_turns_the_check_off() -> None:
    with Exporter("--allowed-host", "*") as exporter:
        assert [ask(exporter, host)[0] for host in ("evil.example", "a b")] == [200, 200]


def test_the_hostname_and_the_address_that_were_set_are_names_of_the_machine() -> None:
    own = OwnHosts(Settings(hostname="Web-01.example.org", host="web.example.net"))
    assert own.refusal("web-01.example.org:5000", None) is None
    assert own.refusal("web.example.net", None) is None
    assert own.refusal("web-02.example.org", None)


@pytest.mark.skipif(not LINUX, reason="--rootfs is for Linux containers")
def test_in_a_container_the_hosts_own_names_count(tmp_path: Path) -> None:
    root = copy_fixture("server", tmp_path)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/hostname").write_text("web-01\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 web-01.example.org web-01\n0.0.0.0 ads.example\n")
    (root / "etc/resolv.conf").write_text("search example.net\n")
    with Exporter("--rootfs", str(root)) as exporter:
        for host in ("web-01", "web-01.example.org", "web-01.example.net:5000"):
            assert ask(exporter, host)[0] == 200, host
        for host in ("ads.example", "web-02.example.net"):
            assert ask(exporter, host)[0] == 421, host


@pytest.mark.skipif(not LINUX, reason="--rootfs is for Linux containers")
def test_a_name_that_the_machine_gets_later_is_known_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At boot an exporter may start before the network has told the machine its domain."""
    root = copy_fixture("server", tmp_path)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/hostname").write_text("web-01\n")
    own = OwnHosts(Settings(rootfs=str(root)))
    (root / "etc/resolv.conf").write_text("search example.net\n")
    assert own.refusal("web-01.example.net", None)
    now = time.monotonic() + hosts.KEPT
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert own.refusal("web-01.example.net", None) is None


def test_the_names_are_not_read_for_each_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    own = OwnHosts(Settings())

    def again(*_: object) -> Any:
        raise AssertionError("read again")

    monkeypatch.setattr(hosts, "machine_names", again)
    for number in range(100):
        assert own.refusal(f"{number}.example", None)


def test_the_log_names_each_stranger_once_and_a_flood_does_not_fill_it() -> None:
    with Exporter() as exporter:
        for number in range(40):
            assert ask(exporter, f"a{number}.example:5000")[0] == 421
            assert ask(exporter, "a0.example")[0] == 421
        assert ask(exporter, "a b")[0] == 400
    refused = [line for line in exporter.log.splitlines() if "refused a request" in line]
    assert len(refused) == MOST_LOGGED
    assert sum("for a0.example:" in line for line in refused) == 1
    assert "from 127.0.0.1 for a0.example: not a name of this machine" in refused[0]
    assert "--allowed-host" in refused[0]


def test_a_password_makes_the_check_unnecessary(tmp_path: Path) -> None:
    with GuardedExporter(tmp_path, users()) as exporter:
        host = {"Host": "web-01.example.org"}
        assert exporter.get("/metrics", {**login(), **host}).status == 200
        assert exporter.get("/metrics", host).status == 401
        assert exporter.get("/metrics", {**login(password="wrong"), **host}).status == 401


def test_tls_makes_the_check_unnecessary(tmp_path: Path) -> None:
    Authority(tmp_path).issue("server")
    with GuardedExporter(tmp_path, TLS) as exporter:
        answer = fetch(f"{exporter.url}/metrics", {"Host": "web-01.example.org"}, context=trusting(tmp_path))
        assert answer.status == 200


def test_a_header_cannot_pretend_a_login(exporter: Exporter) -> None:
    for name, value in {**login(), "Remote-User": "x", "REMOTE_USER": "x", "X-Forwarded-Proto": "https"}.items():
        assert exporter.get("/metrics", {"Host": "evil.example", name: value}).status == 421


def test_health_says_why_an_exporter_does_not_answer_to_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_ask", lambda *_: (421, "421 Misdirected Request"))
    alive, line = health.check("http://nas.example.org:5000")
    assert not alive
    assert "--allowed-host nas.example.org" in line


def test_health_works_whatever_names_are_allowed() -> None:
    with Exporter("--allowed-host", "nas.example.org") as exporter:
        assert run("health", "--port", str(exporter.port)).returncode == 0
        assert run("health", "--host", "localhost", "--port", str(exporter.port)).returncode == 0


class Attacker(BaseHTTPRequestHandler):
    """Serves a stranger's page."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>Win a prize</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.browser
@pytest.mark.parametrize(("allowed", "status"), [((), 421), (("--allowed-host", "*"), 200)], ids=["checked", "not"])
def test_a_page_that_rebinds_its_name_reads_nothing(allowed: tuple[str, ...], status: int) -> None:
    """In a real browser: a stranger's page is loaded, then its name leads to the exporter. Unchecked, it reads all."""
    exporter = Exporter(*allowed)
    attacker = ThreadingHTTPServer(("127.0.0.1", exporter.port), Attacker)
    serving = threading.Thread(target=attacker.serve_forever, args=(0.05,))
    serving.start()
    try:
        with chromium("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
            tab = browser.new_page()
            tab.goto(f"http://evil.example:{exporter.port}/")
            assert tab.title() == "Win a prize"
            attacker.shutdown()
            serving.join()
            attacker.server_close()
            with exporter:
                ask = "fetch('/api/stats').then(async answer => [answer.status, await answer.text()])"
                got, text = tab.evaluate(ask)
    finally:
        attacker.shutdown()
        serving.join()
        attacker.server_close()
    assert got == status
    assert ("memory" in text) == (status == 200)
