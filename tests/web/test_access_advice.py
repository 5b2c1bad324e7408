"""What is valid and still worth a warning: one line each, at start and after each reload, and never a refusal."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from exporter.access import DAY, Access
from exporter.access.advice import PUBLISHED, advise
from exporter.access.config import read_web_config
from tests.support import wait_for
from tests.support_access import TLS, USER, Authority, GuardedExporter, hashed, login, users

GOOD = f"basic_auth_users:\n  {USER}: {hashed(cost=10)}\n"
ROOT = Path(__file__).parent.parent.parent
NOW = datetime.now(UTC)
LATEST = 20.0


@pytest.fixture
def folder(authority: Authority) -> Path:
    (authority.folder / "server.key").chmod(0o640)
    return authority.folder


def lines(folder: Path, config: str, host: str = "192.0.2.1") -> list[str]:
    """Return the warnings about a configuration, without what each begins with."""
    file = folder / "web.yml"
    file.write_text(config, encoding="utf-8")
    file.chmod(0o600)
    Access(str(file), host)  # it is accepted
    found = advise(read_web_config(str(file)), host)
    assert all(line.isprintable() and line.startswith(f"--web-config {file}: ") for line in found)
    assert not any("$2b$" in line or "prometheus:" in line for line in found)
    return [line.removeprefix(f"--web-config {file}: ") for line in found]


def test_a_configuration_as_it_should_be_causes_none(folder: Path) -> None:
    assert lines(folder, TLS + GOOD) == []
    assert lines(folder, TLS) == []
    assert lines(folder, GOOD, "127.0.0.1") == []


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "has no access control (neither tls_server_config nor basic_auth_users); whoever can reach 192.0.2.1"),
        (GOOD, "has no tls_server_config: on 192.0.2.1 passwords are sent in clear text"),
        (TLS + users(), "basic_auth_users: the hash has a cost below 10"),
        (
            f"{TLS}{GOOD}  b: {hashed(cost=4)}\n  c: {hashed(cost=9)}\n",
            "basic_auth_users: 2 of 3 hashes have a cost",
        ),
        (
            f"{TLS}{GOOD}  b: {hashed().replace('$04$', '$18$')}\n",
            "basic_auth_users: a hash has cost 18, so that",
        ),
        (TLS + "rate_limit: {interval: 1s}\n", "rate_limit: a burst of 0 answers no request at all"),
    ],
    ids=["nothing", "no TLS", "cheap hash", "cheap hashes", "dear hash", "no burst"],
)
def test_settings_that_are_odd_cause_one(folder: Path, config: str, said: str) -> None:
    [line] = lines(folder, config)
    assert line.startswith(said)


def test_the_password_of_the_example_causes_one_except_on_loopback(folder: Path) -> None:
    example = yaml.safe_load((ROOT / "examples/tls/web-config.yml").read_text(encoding="utf-8"))
    assert list(example["basic_auth_users"].values()) == [PUBLISHED.decode()]
    config = f"{TLS}basic_auth_users: {{someone: '{PUBLISHED.decode()}'}}\n"
    assert lines(folder, config) == [
        "basic_auth_users: a password is the one of the published example; choose another one"
    ]
    assert lines(folder, config, "127.0.0.1") == []


def test_a_key_that_everybody_can_read_causes_one(folder: Path) -> None:
    key = folder / "server.key"
    key.chmod(0o644)
    [line] = lines(folder, TLS)
    assert (
        line == f"tls_server_config.key_file: every user of this machine can read '{folder}/server.key'; chmod o-r it"
    )
    text = "".join(f"    {line}\n" for line in key.read_text().splitlines())
    config = f"tls_server_config:\n  cert_file: server.crt\n  key: |\n{text}"
    assert lines(folder, config) == []
    (folder / "web.yml").chmod(0o644)
    [line] = advise(read_web_config(str(folder / "web.yml")), "192.0.2.1")
    assert f"tls_server_config.key: every user of this machine can read '{folder}/web.yml'" in line


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        (-9, -1.5, "server.crt' expired on {ends:%Y-%m-%d}; whoever verifies it refuses it; renew it"),
        (1.5, 90, "server.crt' is not valid before {begins:%Y-%m-%d %H:%M} UTC; it is refused until then"),
        (-9, 29.5, "server.crt' expires on {ends:%Y-%m-%d}, in 29 days; renew it"),
        (-9, 0.5, "server.crt' expires on {ends:%Y-%m-%d}, in 0 days; renew it"),
        (-9, 30.5, ""),
        (-9, 365 * 40, ""),
    ],
)
def test_a_certificate_that_is_not_valid_now_or_soon_causes_one(
    authority: Authority, begins: float, ends: float, said: str
) -> None:
    moments = {"begins": NOW + timedelta(days=begins), "ends": NOW + timedelta(days=ends)}
    authority.issue("server", not_before=moments["begins"], not_after=moments["ends"])
    (authority.folder / "server.key").chmod(0o600)
    found = lines(authority.folder, TLS)
    assert len(found) == bool(said)
    assert all(line.endswith(said.format(**moments)) for line in found), found
    # The same of those that clients are verified against; one of them is enough.
    asks = TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: server.crt\n"
    named = [line for line in lines(authority.folder, asks) if "client_ca_file" in line]
    assert len(named) == bool(said)
    both = (authority.folder / "server.crt").read_text() + (authority.folder / "ca.pem").read_text()
    (authority.folder / "both.pem").write_text(both)
    asks = asks.replace("client_ca_file: server.crt", "client_ca_file: both.pem")
    assert not any("client_ca_file" in line for line in lines(authority.folder, asks))


def test_a_certificate_that_names_no_host_or_has_a_giant_key_causes_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN=web-02"]
    subprocess.run([*made, "-keyout", "rsa.key", "-out", "rsa.crt"], cwd=folder, check=True, capture_output=True)
    config = TLS.replace("server.", "rsa.")
    [line] = lines(folder, config)
    assert line.endswith("rsa.crt' names no host (subjectAltName); Prometheus and browsers refuse it")
    monkeypatch.setattr("exporter.access.advice.LARGEST_RSA", 2047)
    assert "has an RSA key of 2048 bits, which makes each TLS handshake slow" in lines(folder, config)[1]
    monkeypatch.setattr("exporter.access.advice.LARGEST_RSA", 2048)
    assert len(lines(folder, config)) == 1


def test_they_are_logged_at_start_and_after_a_reload(folder: Path) -> None:
    with GuardedExporter(folder, TLS + GOOD, "--host", "0.0.0.0") as exporter:
        exporter.file.write_text(TLS + users(another="third"))
        wait_for(lambda: exporter.get("/", login("another", "third")).status == 200, LATEST)
    assert exporter.log.count(" WARNING --web-config ") == exporter.log.count("a cost below 10") == 1
    with GuardedExporter(folder, users(), "--host", "0.0.0.0") as exporter:
        pass
    assert exporter.log.count("passwords are sent in clear text") == 1
    assert exporter.log.count("a cost below 10") == 1


def test_they_are_repeated_each_day(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A certificate comes to its end without a change of any file."""
    file = folder / "web.yml"
    file.write_text(TLS + users())
    access = Access(str(file))
    said = []
    for _ in range(4):
        access._looking.acquire()
        access._look()
        said.append(caplog.text.count("a cost below 10"))
        access._advised -= DAY / 3
    assert said == [1, 1, 1, 2]
