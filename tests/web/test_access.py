"""What --web-config promises: nobody reads anything without the TLS and password it requires."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from exporter.serving.server import Server
from exporter.web import PATHS
from exporter.web.headers import SECURITY
from tests.support import Exporter, fetch, run
from tests.support_access import PASSWORD, TLS, USER, Authority, GuardedExporter, login, trusting, users

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERYTHING = [*PATHS.split(", "), "/static/page.css", "/static/page.js", "/no/such/path", "/metrics?collect[]=cpu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access")
    authority = Authority(folder)
    for name in ("server", "client"):
        authority.issue(name)
    return folder


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[GuardedExporter]:
    with GuardedExporter(folder, TLS + users()) as running:
        yield running


@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_every_request_needs_the_password(guarded: GuardedExporter, path: str, method: str) -> None:
    for headers in ({}, login(password="wrong"), login(user="nobody"), {"Authorization": "Bearer x"}):
        answer = guarded.get(path, headers, method)
        assert answer.status == 401
        assert answer.body == b"" or len(answer.body) < 80
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="Host Exporter"')


def test_with_the_password_everything_works_as_without_a_web_configuration(
    guarded: GuardedExporter, exporter: Exporter
) -> None:
    for path in EVERYTHING:
        with_password, open_to_all = guarded.get(path), exporter.get(path)
        assert with_password.status == open_to_all.status
        assert with_password.headers.keys() == open_to_all.headers.keys()


@pytest.mark.parametrize(
    "header",
    [
        "", "Basic", "Basic ", "Basic !!!!", "Basic " + "A" * 4000, "basic cHJvbWV0aGV1cw==", "Basic Og==",
        "Basic \xff\xfe", "Digest cHJvbWV0aGV1czp4", "Basic cHJvbWV0aGV1czp4=", "Basic cHJvbWV0aGV1czpj\tb3Jy",
    ],
)  # fmt: skip
def test_a_malformed_login_is_refused(guarded: GuardedExporter, header: str) -> None:
    assert guarded.get("/", {"Authorization": header}).status == 401


def test_a_password_of_any_length_and_any_characters_works(folder: Path) -> None:
    long, odd = "x" * 100, 'ä: "\u20ac$2y$ '
    with GuardedExporter(folder, TLS + users(prometheus=PASSWORD, long=long, odd=odd)) as exporter:
        assert exporter.get("/", login("long", long)).status == 200
        assert exporter.get("/", login("odd", odd)).status == 200
        assert exporter.get("/", login("odd", odd + "x")).status == 401


def test_an_address_that_is_refused_is_logged_once_until_it_is_let_in(folder: Path) -> None:
    with GuardedExporter(folder, TLS + users()) as exporter:
        for password in ("no", "no", "no2"):
            assert exporter.get("/", login(password=password)).status == 401
        assert exporter.get("/", {"Authorization": "none"}).status == 401
        assert exporter.get("/", login()).status == 200
        assert exporter.get("/", {"Authorization": "none"}).status == 401
    refusals = [line.split("WARNING ")[1] for line in exporter.log.splitlines() if "is refused" in line]
    assert refusals == [
        "127.0.0.1 is refused: wrong user name or password",
        "127.0.0.1 is refused: no user name and password",
    ]


def test_passwords_are_never_logged(folder: Path) -> None:
    with GuardedExporter(folder, TLS + users(), "--verbose") as exporter:
        exporter.get("/", login(password="tr0ub4dor"))
        exporter.get("/", {"Authorization": "Basic tr0ub4dor"})
    for secret in (PASSWORD, "tr0ub4dor", login()["Authorization"].split()[1], "$2b$"):
        assert secret not in exporter.log


def test_the_password_is_required_without_tls_as_well(folder: Path) -> None:
    with GuardedExporter(folder, users()) as exporter:
        assert exporter.get("/metrics").status == 200
        assert exporter.get("/metrics", {}).status == 401
        assert run("health", "--port", str(exporter.port)).returncode == 0


@pytest.mark.parametrize(
    ("config", "host", "warns"),
    [
        (users(), "0.0.0.0", True),
        (users(), "::", True),
        (users(), "localhost", False),
        (TLS + users(), "0.0.0.0", False),
    ],
    ids=["everywhere", "IPv6", "localhost", "TLS"],
)
def test_passwords_sent_in_plain_text_cause_a_warning(folder: Path, config: str, host: str, warns: bool) -> None:
    with GuardedExporter(folder, config, "--host", host) as exporter:
        assert exporter.stop() == 0
    assert ("passwords are sent in clear text" in exporter.log) == warns


def test_plain_http_to_the_tls_port_is_told_so(guarded: GuardedExporter) -> None:
    answer = fetch(f"http://127.0.0.1:{guarded.port}/metrics", login())
    assert (answer.status, b"HTTPS" in answer.body) == (400, True)


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16", b"\x16\x03\x01\x00\x05hello", b"\0" * 5000, b"\x15\x03"]
)
def test_a_connection_that_is_not_tls_is_closed_without_a_traceback(folder: Path, sent: bytes) -> None:
    with GuardedExporter(folder, TLS + users(), "--verbose") as exporter:
        with socket.create_connection(("127.0.0.1", exporter.port), timeout=20) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        assert exporter.get("/-/healthy").status == 200
    assert "Traceback" not in exporter.log


def test_a_missing_client_certificate_or_one_of_another_authority_is_refused(folder: Path) -> None:
    asks = TLS + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
    strangers = folder / "strangers"
    strangers.mkdir()
    Authority(strangers).issue("client")
    with GuardedExporter(folder, asks, client="client") as exporter:
        assert exporter.get("/metrics").status == 200
        without, stranger = trusting(folder), trusting(folder)
        stranger.load_cert_chain(strangers / "client.crt", strangers / "client.key")
        for context in (without, stranger):
            with pytest.raises(OSError, match=r"(?i)certificate required|unknown ca"):
                fetch(f"{exporter.url}/metrics", context=context)
        health = run("health", "--port", str(exporter.port))
        assert (health.returncode, "requires a client certificate" in health.stdout) == (0, True), health
    assert "Traceback" not in exporter.log


def test_a_client_certificate_verified_only_if_given_may_be_missing(folder: Path) -> None:
    asks = TLS + "  client_ca_file: ca.pem\n  client_auth_type: VerifyClientCertIfGiven\n"
    with GuardedExporter(folder, asks, client="client") as exporter:
        assert exporter.get("/metrics").status == 200
        assert fetch(f"{exporter.url}/metrics", context=trusting(folder)).status == 200


@pytest.mark.parametrize(("low", "high", "spoken"), [("TLS13", "TLS13", "TLSv1.3"), ("TLS12", "TLS12", "TLSv1.2")])
def test_only_the_configured_tls_versions_are_spoken(folder: Path, low: str, high: str, spoken: str) -> None:
    with GuardedExporter(folder, f"{TLS}  min_version: {low}\n  max_version: {high}\n") as exporter:
        versions = {}
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting(folder)
            context.minimum_version = context.maximum_version = version
            with socket.create_connection(("127.0.0.1", exporter.port), timeout=20) as plain:
                try:
                    with context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
                        versions[version] = client.version()
                except ssl.SSLError:
                    continue
        assert list(versions.values()) == [spoken]


def test_health_needs_no_password_and_trusts_the_certificate_of_its_own_machine(
    guarded: GuardedExporter, folder: Path
) -> None:
    done = run("health", "--port", str(guarded.port))
    assert (done.returncode, "requires a password" in done.stdout) == (0, True), done
    assert run("health", env={"HOST_EXPORTER_PORT": str(guarded.port)}).returncode == 0
    # Any other address is subject to the usual rules.
    assert run("health", guarded.url).returncode == 1
    trusted = run("health", guarded.url, env={"SSL_CERT_FILE": str(folder / "ca.pem")})
    assert (trusted.returncode, "401" in trusted.stderr) == (1, True)


def test_every_response_has_the_security_headers(guarded: GuardedExporter, exporter: Exporter) -> None:
    for asked in (exporter, guarded):
        for path in EVERYTHING:
            headers = asked.get(path).headers
            assert {name: headers.get(name) for name in SECURITY} == SECURITY
    assert "unsafe" not in SECURITY["Content-Security-Policy"]
    refused = guarded.get("/", {})
    assert {name: refused.headers.get(name) for name in SECURITY} == SECURITY


def test_headers_can_be_set_as_in_other_exporters(folder: Path) -> None:
    headers = {"Strict-Transport-Security": "max-age=600", "X-Frame-Options": "sameorigin"}
    lines = "".join(f"    {name}: {value}\n" for name, value in headers.items())
    with GuardedExporter(folder, f"{TLS}{users()}http_server_config:\n  http2: false\n  headers:\n{lines}") as exporter:
        for asked in ({}, login()):
            answer = exporter.get("/", asked)
            assert headers.items() <= dict(answer.headers).items()
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_log_gives_an_address_that_works_without_a_hostname(folder: Path) -> None:
    with GuardedExporter(folder, TLS + users()) as exporter:
        assert exporter.get("/").status == 200
    assert f"status page on https://127.0.0.1:{exporter.port}" in exporter.log
    assert Server.access is None
    assert USER not in exporter.log
