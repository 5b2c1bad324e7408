"""A web configuration of any bytes: it restricts access as its keys say, or is refused in a line without a secret."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.access import make_rules
from exporter.access.certificate import read_certificates
from exporter.access.config import HEADERS, WebConfig, parse_web_config, read_web_config
from exporter.access.passwords import Passwords, Verdict
from exporter.access.tls_section import CLIENT_AUTH, CURVES, KEYS, SUITES, VERSIONS
from exporter.errors import AccessError
from exporter.serving.hello import LARGEST, read, size
from tests.fuzz.texts import contents, odd_words
from tests.support_access import PASSWORD, USER, Authority, hashed, hello

if TYPE_CHECKING:
    from pathlib import Path

GOOD = f"""\
# What a machine's owner writes.
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  min_version: TLS13
basic_auth_users:
  {USER}: {hashed()}
  grafana: "{hashed("another one")}"
http_server_config:
  http2: false
  headers: {{X-Frame-Options: deny, Strict-Transport-Security: max-age=60}}
""".encode()
HELLO = hello()
SECRETS = [line.split(":")[1].strip(' "')[8:] for line in GOOD.decode().splitlines() if "$2b$" in line]


def documents() -> st.SearchStrategy[bytes]:
    """Well-formed YAML with any values under known and unknown keys."""
    word = odd_words().map(lambda raw: raw.decode(errors="replace")) | st.sampled_from([*CLIENT_AUTH, *VERSIONS])
    key = st.sampled_from([*KEYS, "headers", "http2", "interval", "burst", *HEADERS]) | word
    known = st.sampled_from([*SUITES, *CURVES, "true", "off", "1s", "0", "5"])
    leaf = word | known | st.just(hashed()) | st.lists(word | known, max_size=2)
    tree = st.recursive(leaf, lambda below: st.dictionaries(key, below, max_size=4), max_leaves=8)
    top = st.sampled_from(["tls_server_config", "basic_auth_users", "http_server_config", "rate_limit"]) | word
    return st.dictionaries(top, tree, max_size=4).map(lambda found: yaml.safe_dump(found).encode())


def _check_line(reason: AccessError) -> None:
    line = str(reason)
    assert line.startswith("--web-config")
    assert line.isprintable(), line
    assert not any(secret in line for secret in SECRETS), "a hash is revealed"


@given(contents(GOOD) | documents())
def test_any_bytes_are_a_configuration_that_closes_what_it_names_or_one_line(data: bytes) -> None:
    try:
        config = parse_web_config(data, "web-config.yml")
    except AccessError as reason:
        _check_line(reason)
        return
    names = yaml.load(data, yaml.BaseLoader) or {}
    assert (config.tls is None, not config.users) == ("tls_server_config" not in names, "basic_auth_users" not in names)
    assert config.rate is None or (config.rate.interval > 0 and config.rate.burst >= 0)
    assert not any(secret in repr(config.tls) for secret in SECRETS)
    assert all("\n" not in value and value.isascii() for value in config.headers.values())
    passwords = Passwords()
    for name in config.users:
        assert passwords.check(name, b"no password of theirs", config.users, "192.0.2.1") is not Verdict.RIGHT


@given(st.data())
def test_a_certificate_of_any_bytes_is_described_or_left_out(folder: Path, data: st.DataObject) -> None:
    """For the warnings; whether it is valid is for OpenSSL to say."""
    good = (folder / "server.crt").read_bytes()
    der = ssl.PEM_cert_to_DER_cert(
        good.decode().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----"
    )
    for pem in (data.draw(contents(good)), ssl.DER_cert_to_PEM_cert(data.draw(contents(der))).encode()):
        assert all(each.rsa_bits >= 0 for each in read_certificates(pem))
    [described, *_] = read_certificates(good)
    assert described.has_names
    assert described.begins < datetime.now(UTC) < described.ends


@given(st.binary(max_size=700) | contents(HELLO))
def test_a_hello_of_any_bytes_offers_groups_or_none(data: bytes) -> None:
    assert 5 <= size(data) <= 5 + LARGEST
    assert all(0 <= number < 1 << 16 for number in read(data).groups)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web-config")
    Authority(folder).issue("server")
    return folder


@given(st.data())
def test_certificates_and_keys_of_any_bytes_are_taken_by_openssl_or_refused_in_one_line(
    folder: Path, data: st.DataObject
) -> None:
    """Also a truncated certificate, a key with a stray word in it, and one in place of the other."""
    good = {name: (folder / name).read_bytes() for name in ("server.crt", "server.key", "ca.pem")}
    for name, content in good.items():
        odd = data.draw(contents(content) | st.sampled_from(list(good.values())), name)
        (folder / f"odd-{name}").write_bytes(odd if data.draw(st.booleans(), f"{name} is odd") else content)
    odd_config = folder / "web-config.yml"
    odd_config.write_bytes(GOOD.replace(b"server.", b"odd-server.").replace(b"ca.pem", b"odd-ca.pem"))
    config = read_web_config(str(odd_config))
    try:
        assert make_rules(config).context is not None
    except AccessError as reason:
        _check_line(reason)


def test_what_the_examples_are_made_from_is_good() -> None:
    config = parse_web_config(GOOD, "web-config.yml")
    assert isinstance(config, WebConfig)
    check = Passwords().check(USER.encode(), PASSWORD.encode(), config.users, "192.0.2.1")
    assert check is Verdict.RIGHT
    assert len(SECRETS) == 2
