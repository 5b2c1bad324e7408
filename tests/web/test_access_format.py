"""The web configuration that exporters share, form by form: each is obeyed, as real TLS clients see it."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from exporter.access import Access
from exporter.access.tls_section import SUITES, TLS13_SUITES
from exporter.errors import AccessError
from exporter.serving.opening import LONGEST
from tests.support import wait_for
from tests.support_access import TLS, Authority, hashed, hello, login
from tests.support_door import Door, client, door
from tests.tools.bench_machine import cpu_seconds

if TYPE_CHECKING:
    from pathlib import Path

EC = ("X25519", "prime256v1", "secp384r1", "secp521r1")
FINITE = ("ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192")
GCM = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
LATEST = 20.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("format")
    authority = Authority(folder)
    authority.issue("server")
    authority.issue("client")
    (folder / "strangers").mkdir()
    Authority(folder / "strangers").issue("client")
    for kind in ("crt", "key"):
        (folder / "strangers" / f"client.{kind}").rename(folder / f"stranger.{kind}")
    rsa = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=rsa", "-addext"]
    names = "subjectAltName=IP:127.0.0.1,DNS:scraper.example.org,email:owner@example.org,URI:spiffe://example.org/prom"
    subprocess.run(
        [*rsa, f"{names},IP:2001:db8::7", "-keyout", "rsa.key", "-out", "rsa.crt"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    both = (folder / "ca.pem").read_text() + (folder / "rsa.crt").read_text()
    (folder / "ca.pem").write_text(both)
    return folder


RSA = TLS.replace("server.", "rsa.")
ASKS = TLS + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"


def inline(folder: Path, **names: str) -> str:
    """Return keys with the texts of files as their values."""
    return "".join(
        f"  {key}: |\n" + "".join(f"    {line}\n" for line in (folder / name).read_text().splitlines())
        for key, name in names.items()
    )


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("served", [TLS, RSA], ids=["ECDSA", "RSA"])
def test_the_key_exchange_uses_elliptic_curves_only(folder: Path, served: str, version: str) -> None:
    """A finite field costs the server up to 100 ms for a hello that costs the client nothing."""
    with door(folder, served) as ours:
        # A certificate of P-256 cannot be used in TLS 1.2 by a client that does not offer P-256.
        usable = EC if served == RSA or version == "TLSv1_3" else ("prime256v1",)
        for group in usable:
            assert ours.lets_in(client(folder, group=group, version=version)), group
        for group in (*FINITE, "X448"):
            assert not ours.lets_in(client(folder, group=group, version=version)), group
        assert ours.lets_in(client(folder, version=version))
        if version == "TLSv1_2":
            assert not ours.lets_in(client(folder, version=version, suites="DHE:kRSA"))


def test_a_hello_that_asks_for_a_finite_field_costs_next_to_nothing(folder: Path) -> None:
    asking = hello("ffdhe8192")
    with door(folder, TLS) as ours:
        before = cpu_seconds(os.getpid())
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", ours.port), timeout=20) as plain:
                plain.sendall(asking)
                assert plain.recv(100)[:1] == b"\x15", "not an alert"
        each = (cpu_seconds(os.getpid()) - before) / 20
    print(f"{each * 1000:.1f} ms of CPU for each hello")
    assert each < 0.03


def test_a_hello_that_arrives_in_pieces_or_ends_half_way_is_judged_as_a_whole(folder: Path) -> None:
    asking = hello("secp384r1")
    with door(folder, TLS) as ours:
        for cuts in ([1], [5], [6], [len(asking) - 1], [1, 3, 5, 60, 200]):
            with socket.create_connection(("127.0.0.1", ours.port), timeout=20) as plain:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for start, end in zip([0, *cuts], [*cuts, len(asking)], strict=True):
                    plain.sendall(asking[start:end])
                    time.sleep(0.05)
                answer = plain.recv(65536)
                assert answer[:1] == b"\x16", f"cut at {cuts}: {answer!r}"
                assert b"\x00\x18\x00\x61" in answer, "no key share of P-384"
        for end in (1, 4, 5, 6, 100):
            with socket.create_connection(("127.0.0.1", ours.port), timeout=20) as plain:
                plain.sendall(asking[:end])
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(65536):
                    pass


def chain(folder: Path, size: int) -> None:
    """Write the client's certificate and so many bytes (DER) of others after it."""
    other = (folder / "rsa.crt").read_text()
    count = size // len(ssl.PEM_cert_to_DER_cert(other))
    (folder / "long.crt").write_text((folder / "client.crt").read_text() + other * count)
    (folder / "long.key").write_text((folder / "client.key").read_text())


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_client_sends_only_so_many_certificates(folder: Path, version: str) -> None:
    """OpenSSL would take 100 KB of them, and parse all of them before it refuses any."""
    with door(folder, ASKS) as ours:
        chain(folder, 24_000)
        assert ours.lets_in(client(folder, name="long", version=version))
        chain(folder, 90_000)
        asking = client(folder, name="long", version=version)
        arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        half = asking.wrap_bio(arriving, leaving, server_hostname="127.0.0.1")
        with socket.create_connection(("127.0.0.1", ours.port), timeout=20) as plain:
            while leaving.pending < 80_000:
                with contextlib.suppress(ssl.SSLWantReadError):
                    half.do_handshake()
                if leaving.pending < 80_000:
                    plain.sendall(leaving.read())
                    arriving.write(plain.recv(65536))
            sent = cut_off_after(plain, leaving.read())
        assert LONGEST - 8192 < sent < 80_000
        assert ours.lets_in(client(folder, name="client", version=version))


def cut_off_after(plain: socket.socket, data: bytes) -> int:
    """Send it piece by piece, and return how many bytes that were before the server closed the connection."""
    plain.settimeout(0.1)
    for sent in range(0, len(data), 4096):
        try:
            plain.sendall(data[sent : sent + 4096])
            assert plain.recv(65536) == b"", "answered"
        except TimeoutError:
            continue
        except ConnectionError:
            pass
        return sent
    return len(data)


@pytest.mark.parametrize(
    ("named", "accepted"),
    [
        ("CurveP521", ["secp521r1"]),
        ("X25519", ["X25519"]),
        ("CurveP384, CurveP256, CurveP384", ["secp384r1", "prime256v1"]),
        ("CurveP256, CurveP384, CurveP521, X25519", list(EC)),
        ("", list(EC)),
    ],
)
def test_only_the_curves_given_are_used(folder: Path, named: str, accepted: list[str]) -> None:
    with door(folder, f"{TLS}  min_version: TLS13\n  curve_preferences: [{named}]\n") as ours:
        assert [group for group in (*EC, *FINITE) if ours.lets_in(client(folder, group=group))] == [
            group for group in EC if group in accepted
        ]
        assert ours.lets_in(client(folder))


@pytest.mark.parametrize("served", [TLS, RSA], ids=["ECDSA", "RSA"])
def test_only_the_cipher_suites_given_are_used_in_tls_1_2(folder: Path, served: str) -> None:
    sign = "RSA" if served == RSA else "ECDSA"
    for suite, name in SUITES.items():
        if f"_{sign}_" not in suite:
            continue
        only = f"{served}  cipher_suites: [{suite}]\nhttp_server_config:\n  http2: false\n"
        with door(folder, only) as ours:
            assert ours.agreed(client(folder, version="TLSv1_2", suites="ALL")) == ("TLSv1.2", name)
            assert not ours.lets_in(client(folder, version="TLSv1_2", suites=f"ALL:!{name}"))
            assert ours.agreed(client(folder))[0] == "TLSv1.3"


def test_all_cipher_suites_can_be_given(folder: Path) -> None:
    config = f"{RSA}  cipher_suites: [{', '.join([*SUITES, *TLS13_SUITES])}]\n"
    with door(folder, config) as ours:
        for name in SUITES.values():
            if "-RSA-" in name:
                assert ours.agreed(client(folder, version="TLSv1_2", suites=name))[1] == name


@pytest.mark.parametrize(
    ("word", "servers"), [("true", True), ("yes", True), ("false", False), ("off", False), ("~", False), (None, True)]
)
def test_server_or_client_decides_among_the_cipher_suites(folder: Path, word: str | None, servers: bool) -> None:
    suites = "[TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"
    decides = f"  prefer_server_cipher_suites: {word}\n" if word else ""
    asking = client(folder, version="TLSv1_2", suites="ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384")
    with door(folder, f"{RSA}  max_version: TLS12\n  cipher_suites: {suites}\n{decides}") as ours:
        assert ours.agreed(asking) == ("TLSv1.2", f"ECDHE-RSA-AES{'256-GCM-SHA384' if servers else '128-GCM-SHA256'}")
        assert not ours.lets_in(client(folder, version="TLSv1_3"))


@pytest.mark.parametrize(
    "names",
    [{"cert": "server.crt", "key": "server.key"}, {"key": "server.key"}, {"cert": "server.crt"}],
    ids=["both", "key", "certificate"],
)
def test_certificate_and_key_can_be_given_inline(
    folder: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for on_disk in (False, True):
        if on_disk:  # as on systems without memfd_create
            monkeypatch.delattr("os.memfd_create", raising=False)
            monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        files = "".join(
            f"  {key}_file: server.{end}\n" for key, end in (("cert", "crt"), ("key", "key")) if key not in names
        )
        with door(folder, f"tls_server_config:\n{files}{inline(folder, **names)}") as ours:
            assert ours.lets_in(client(folder))
            assert "PRIVATE" not in repr(ours.access._config)
            assert list(tmp_path.iterdir()) == []


def test_an_inline_key_that_does_not_match_is_named_and_not_shown(folder: Path) -> None:
    file = folder / "mismatch.yml"
    file.write_text(f"tls_server_config:\n{inline(folder, cert='server.crt', key='client.key')}")
    with pytest.raises(AccessError, match=r"key: the value \(not shown\) does not match the certificate under cert;"):
        Access(str(file))
    assert (folder / "client.key").read_text().splitlines()[1] not in str(file)


def test_authorities_can_be_given_inline(folder: Path) -> None:
    asks = f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n{inline(folder, client_ca='ca.pem')}"
    with door(folder, asks) as ours:
        assert ours.lets_in(client(folder, name="client"))
        assert not ours.lets_in(client(folder))
        assert not ours.lets_in(client(folder, name="stranger"))


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_certificates_verified_only_if_given_need_no_authority_of_ours(folder: Path, version: str) -> None:
    """Then only one of an authority that this machine trusts is good."""
    with door(folder, f"{TLS}  client_auth_type: VerifyClientCertIfGiven\n") as ours:
        assert ours.lets_in(client(folder, version=version))
        assert not ours.lets_in(client(folder, version=version, name="client"))
        assert not ours.lets_in(client(folder, version=version, name="stranger"))


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize(
    ("allowed", "admitted"),
    [
        ("scraper.example.org", True),
        ("another, owner@example.org", True),
        ("spiffe://example.org/prom", True),
        ("127.0.0.1", True),
        ("'2001:db8::7'", True),
        ("'2001:0DB8:0::7'", True),
        ("example.org, '*.example.org', Scraper.example.org, rsa, spiffe://example.org/", False),
    ],
)
def test_only_clients_with_one_of_the_names_are_admitted(
    folder: Path, allowed: str, admitted: bool, version: str
) -> None:
    with door(folder, f"{ASKS}  client_allowed_sans: [{allowed}]\n") as ours:
        asking = client(folder, name="rsa", version=version)
        assert ours.lets_in(asking) == admitted
        assert ours.lets_in(asking) == admitted, "with a session to resume"
        assert ours.lets_in(client(folder, name="client", version=version)) == (allowed == "127.0.0.1")
        assert not ours.lets_in(client(folder, version=version))


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_clients_with_keys_of_any_curve_are_admitted(folder: Path, version: str) -> None:
    """In TLS 1.2, OpenSSL wants an ECDSA key to be of a curve that the server uses."""
    for curve in ("secp384r1", "secp521r1"):
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-nodes"]
        made += ["-subj", "/CN=client", "-keyout", f"{curve}.key", "-out", f"{curve}.crt"]
        subprocess.run(made, cwd=folder, check=True, capture_output=True)
    names = ("client", "rsa", "secp384r1", "secp521r1")
    (folder / "clients.pem").write_text("".join((folder / f"{name}.crt").read_text() for name in names[1:]))
    (folder / "clients.pem").write_text((folder / "clients.pem").read_text() + (folder / "ca.pem").read_text())
    asks = ASKS.replace("ca.pem", "clients.pem")
    with door(folder, asks) as ours:
        for name in names:
            assert ours.lets_in(client(folder, name=name, version=version)), name
        for group in FINITE:
            assert not ours.lets_in(client(folder, name="rsa", group=group, version=version)), group
        dhe = client(folder, name="rsa", version="TLSv1_2", suites="DHE:kRSA")
        assert not ours.lets_in(dhe)
    with door(folder, f"{asks}  curve_preferences: [X25519, CurveP256]\n") as ours:
        assert ours.lets_in(client(folder, name="client", version=version))
        assert not ours.lets_in(client(folder, name="client", group="secp384r1", version=version))


@pytest.mark.parametrize(
    ("given", "statuses"),
    [
        ("interval: 0\n  burst: 0", {200}),
        ("burst: 0", {200}),
        ("interval: 1h\n  burst: 2", {200, 429}),
        ("interval: 1s\n  burst: 0", {429}),
        ("interval: 1s", {429}),
        ('interval: "1h30m"\n  burst: 0', {429}),
        ("interval: 1ns\n  burst: 1", {200}),
        ("interval: 48h\n  burst: 0x2", {200, 429}),
        ("interval: 2562047h\n  burst: 0b10", {200, 429}),
        ("interval: +1h\n  burst: -1", {429}),
        ("interval: 1h\n  burst:", {429}),
        ("interval: -0s\n  burst: 0", {200}),
        ("interval: 0x0\n  burst: 0", {200}),
        ("interval:\n  burst: 0", {200}),
    ],
)
def test_requests_are_limited_by_rate(folder: Path, given: str, statuses: set[int]) -> None:
    with door(folder, f"rate_limit:\n  {given}\n") as ours:
        answers = [ours.ask() for _ in range(5)]
        assert {each.status for each in answers} == statuses
        assert [each.status for each in answers].count(200) in {0, 2, 5}
        for each in answers:
            assert each.status == 200 or int(each.headers["Retry-After"]) >= 1


def test_the_rate_counts_before_passwords(folder: Path) -> None:
    """Or somebody who guesses would cost more than the owner allows."""
    config = f"basic_auth_users: {{u: '{hashed()}'}}\nrate_limit: {{interval: 1h, burst: 3}}\n"
    with door(folder, config) as ours:
        assert [ours.ask().status for _ in range(5)] == [401, 401, 401, 429, 429]


def test_a_request_is_answered_again_after_an_interval(folder: Path) -> None:
    with door(folder, "rate_limit: {interval: 500ms, burst: 1}\n") as ours:
        wait_for(lambda: ours.ask().status == 429, LATEST)
        wait_for(lambda: ours.ask().status == 200, LATEST)


HEADERS = """\
http_server_config:
  http2: no
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=31536000; includeSubDomains
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1
    Content-Security-Policy: "default-src 'self' *.test.example.net"
"""


@pytest.mark.parametrize("config", ["", "# nothing\n", "http_server_config: {http2: true}\n", HEADERS])
def test_a_file_that_restricts_nothing_leaves_the_server_open_and_says_so(
    folder: Path, config: str, caplog: pytest.LogCaptureFixture
) -> None:
    with door(folder, config, host="0.0.0.0") as ours:
        answer = ours.ask()
        assert answer.status == 200
        assert (answer.headers["X-XSS-Protection"] == "1") == (config == HEADERS)
    assert caplog.text.count("has no access control") == 1


@pytest.mark.parametrize("kind", ["a", "b", "x", "y", "z", ""])
def test_users_with_hashes_of_many_costs_can_log_in(folder: Path, kind: str) -> None:
    """A cost of 18 takes twenty seconds for those who have it; the others do not wait for that."""
    cheap, dear = (each.replace("$2b$", f"$2{kind}$") for each in (hashed(), hashed().replace("$04$", "$18$")))
    with door(folder, f"basic_auth_users:\n  alice: {cheap}\n  bob: {dear}\n") as ours:
        connection = http.client.HTTPConnection("127.0.0.1", ours.port, timeout=60)
        began = time.monotonic()
        connection.request("GET", "/", headers=login("alice"))
        assert connection.getresponse().status == 200
        assert time.monotonic() - began < 10
        connection.close()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the files ten times a second."""
    monkeypatch.setattr("exporter.access.CHECKED", 0.1)
    monkeypatch.setattr("exporter.access.SETTLED", 0.1)


def change(ours: Door, config: str) -> None:
    new = ours.file.with_suffix(".new")
    new.write_text(config, encoding="utf-8")
    new.replace(ours.file)


@pytest.mark.usefixtures("at_once")
def test_a_reload_obeys_each_key(folder: Path) -> None:
    def soon(config: str, asking: ssl.SSLContext, *, admitted: bool) -> None:
        change(ours, config)
        wait_for(lambda: ours.lets_in(asking) == admitted, LATEST)

    with door(folder, TLS) as ours:
        p384 = client(folder, group="secp384r1")
        assert ours.lets_in(p384)
        soon(TLS + "  curve_preferences: [X25519]\n", p384, admitted=False)
        soon(f"tls_server_config:\n{inline(folder, cert='server.crt', key='server.key')}", p384, admitted=True)
        chacha = client(folder, version="TLSv1_2", suites="ECDHE-ECDSA-CHACHA20-POLY1305")
        assert ours.lets_in(chacha)
        soon(f"{TLS}  cipher_suites: [{GCM}]\n", chacha, admitted=False)
        soon(f"{ASKS}  client_allowed_sans: [127.0.0.1]\n", p384, admitted=False)
        known = client(folder, name="client")
        assert ours.lets_in(known)
        soon(f"{ASKS}  client_allowed_sans: [elsewhere.example.org]\n", known, admitted=False)
        soon(TLS + "rate_limit: {interval: 1ms, burst: 1000}\n", known, admitted=True)
        soon(TLS + "rate_limit: {interval: 1h, burst: 1}\n", known, admitted=False)
        soon(TLS, known, admitted=True)


@pytest.mark.usefixtures("at_once")
def test_a_rate_that_stays_the_same_is_not_reset_by_a_reload(folder: Path) -> None:
    rate = "rate_limit: {interval: 1h, burst: 2}\n"
    with door(folder, rate) as ours:
        assert [ours.ask().status for _ in range(3)] == [200, 200, 429]
        change(ours, rate + HEADERS)
        wait_for(lambda: ours.ask().headers["X-XSS-Protection"] == "1", LATEST)
        assert ours.ask().status == 429


@pytest.mark.usefixtures("at_once")
def test_a_reload_does_not_open_what_was_closed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is still being written is empty for a moment."""
    for text in ("", HEADERS):
        caplog.clear()
        with door(folder, TLS) as ours:
            change(ours, text)
            wait_for(lambda: ours.lets_in(client(folder)) and "no access control" in caplog.text, LATEST)
            assert not ours.lets_in()
    with door(folder, "") as ours:
        change(ours, TLS)
        wait_for(lambda: ours.lets_in(client(folder)), LATEST)
        assert not ours.lets_in()
