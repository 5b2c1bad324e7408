"""Valid web configurations that give a key without a value, or a value in an unusual form: each means what it means
to other exporters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.access.config import parse_web_config
from exporter.web.headers import SECURITY
from tests.support_access import PASSWORD, TLS, Authority, hashed, login, users
from tests.support_door import client, door

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.access.rate import Rate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forms")
    authority = Authority(folder)
    authority.issue("server")
    authority.issue("client")
    (folder / "strangers").mkdir()
    strangers = Authority(folder / "strangers")
    strangers.issue("server")
    strangers.issue("client")
    return folder


def inline(key: str, file: Path) -> str:
    return f"  {key}: |\n" + "".join(f"    {line}\n" for line in file.read_text().splitlines())


@pytest.mark.parametrize(
    "more",
    [
        *(f"  {key}:\n" for key in ("cert", "key", "client_ca", "client_ca_file", "client_auth_type", "min_version")),
        *(f"  {key}: ''\n" for key in ("cert", "key", "client_ca", "client_ca_file", "client_auth_type")),
        *(f"  {key}: ~\n" for key in ("cert", "client_ca_file", "client_auth_type", "min_version", "max_version")),
        *(f"  {key}: {none}\n" for key in ("cipher_suites", "curve_preferences") for none in ("", "[]", "null")),
        *(f"  client_allowed_sans: {none}\n" for none in ("", "[]", "~")),
        *("http_server_config:\n", "http_server_config: {}\n", "http_server_config: {headers: }\n", "rate_limit: ~\n"),
        "---\n",
        "...\n---\n# nothing more\n",
    ],
)
def test_a_key_without_a_value_leaves_the_default(folder: Path, more: str) -> None:
    with door(folder, TLS + more) as ours:
        assert not ours.lets_in()
        for version in ("TLSv1_2", "TLSv1_3"):
            assert ours.lets_in(client(folder, version=version))
        for group in ("X25519", "prime256v1", "secp384r1", "secp521r1"):
            assert ours.lets_in(client(folder, group=group, version="TLSv1_3"))
        assert ours.lets_in(client(folder, version="TLSv1_2", suites="ECDHE-ECDSA-CHACHA20-POLY1305"))


def test_without_a_value_an_authority_is_one_of_the_systems(folder: Path) -> None:
    with door(folder, f"{TLS}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ''\n") as ours:
        assert ours.lets_in(client(folder))
        assert not ours.lets_in(client(folder, name="client"))


def test_http_2_without_a_value_is_off_and_needs_no_suite(folder: Path) -> None:
    suite = "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\nhttp_server_config: {http2: }\n"
    with door(folder, TLS + suite) as ours:
        asking = client(folder, version="TLSv1_2")
        assert ours.agreed(asking) == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")


def test_a_file_comes_before_a_text(folder: Path) -> None:
    theirs = folder / "strangers"
    both = TLS + inline("cert", theirs / "server.crt") + inline("key", theirs / "server.key")
    asks = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
    with door(folder, both + asks + inline("client_ca", theirs / "ca.pem")) as ours:
        assert ours.lets_in(client(folder, name="client"))
        assert not ours.lets_in(client(folder))
        assert not ours.lets_in(client(folder, name="strangers/client"))
    with door(folder, TLS + "  cert: not a certificate\n  key: nor a key\n") as ours:
        assert ours.lets_in(client(folder))
    empty = "tls_server_config:\n  cert_file: ''\n  key_file:\n"
    with door(folder, empty + inline("cert", folder / "server.crt") + inline("key", folder / "server.key")) as ours:
        assert ours.lets_in(client(folder))


@pytest.mark.parametrize(
    "config",
    [
        "basic_auth_users: {{alice: &hash '{}', bob: *hash}}",
        "basic_auth_users:\n  <<: {{alice: '{0}'}}\n  bob: '{0}'",
        "basic_auth_users:\n  bob: '{0}'\n  << : [{{alice: '{0}'}}, {{carol: '{0}'}}]",
        "basic_auth_users:\n  <<: &x {{alice: '{0}'}}\n  <<: {{bob: '{0}'}}",
        "basic_auth_users: {{alice: &h '{0}', eve: &h '$2b$04${1}', dave: *h, bob: '{0}'}}",
        "<<: {{basic_auth_users: &u {{alice: '{0}', bob: '{0}'}}}}",
        "%YAML 1.1\n---\nbasic_auth_users: !!map\n  alice: !!str {0}\n  ? bob\n  : >-\n    {0}\n",
    ],
)
def test_anchors_and_merged_mappings_are_followed(folder: Path, config: str) -> None:
    with door(folder, config.format(hashed(), "." * 53)) as ours:
        for user in ("alice", "bob"):
            assert ours.ask(headers=login(user)).status == 200, user
        assert ours.ask(headers=login("dave")).status == 401
        assert ours.ask().status == 401


@pytest.mark.parametrize("letter", ["a", "b", "x", "y", "z", ""])
def test_the_letter_of_a_hash_makes_no_difference(folder: Path, letter: str) -> None:
    with door(folder, users().replace("$2b$", f"$2{letter}$")) as ours:
        assert ours.ask(headers=login()).status == 200
        assert ours.ask(headers=login(password=PASSWORD + "x")).status == 401


NUMBERS = {
    "20": 20, "0": 0, "+5": 5, "-5": 0, "0x10": 16, "0XfF": 255, "-0x10": 0, "010": 8, "0o10": 8, "08": 8, "0b11": 3,
    "1_000": 1000, "5_": 5, "5.0": 5, "5.9": 5, ".5": 0, "5.": 5, "1e3": 1000, "1e-1": 0, "!!int '7'": 7,
    "9223372036854775807": 2**63 - 1, "": 0, "~": 0, "null": 0,
}  # fmt: skip


@pytest.mark.parametrize(("text", "burst"), NUMBERS.items())
def test_numbers_are_read_as_elsewhere(text: str, burst: int) -> None:
    assert rate(f"interval: 1s\n  burst: {text}").burst == burst


@pytest.mark.parametrize(
    ("text", "seconds"),
    {"48h": 48 * 3600, "2562047h": 2562047 * 3600, "+1s": 1, "'1s'": 1, "1h1h": 7200, "1.s": 1, ".5m": 30}.items(),
)
def test_durations_are_read_as_elsewhere(text: str, seconds: float) -> None:
    assert rate(f"interval: {text}").interval == seconds


def rate(section: str) -> Rate:
    found = parse_web_config(f"rate_limit:\n  {section}\n".encode(), "x.yml").rate
    assert found is not None
    return found


def test_a_blank_header_leaves_the_exporters_own(folder: Path) -> None:
    headers = "{Content-Security-Policy: '', Strict-Transport-Security: , X-XSS-Protection: 1}"
    with door(folder, f"{users()}http_server_config:\n  headers: {headers}\n") as ours:
        answer = ours.ask()
        assert answer.headers["Content-Security-Policy"] == dict(SECURITY)["Content-Security-Policy"]
        assert answer.headers["X-XSS-Protection"] == "1"
        assert "Strict-Transport-Security" not in answer.headers
