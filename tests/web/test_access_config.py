"""A wrong web configuration prevents the start, with one line: file, key, value, what is accepted."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from exporter.access.config import HEADERS, parse_web_config
from exporter.errors import AccessError
from tests.support import run
from tests.support_access import TLS, Authority, hashed, users
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

HASH = hashed()
CLIENTS = TLS + "  client_ca_file: ca.pem\n"
IF_GIVEN = CLIENTS + "  client_auth_type: VerifyClientCertIfGiven\n"
ASKS = CLIENTS + "  client_auth_type: RequireAndVerifyClientCert\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access")
    authority = Authority(folder)
    authority.issue("server")
    authority.issue("other")
    (folder / "text.pem").write_text("a certificate, honestly")
    (folder / "half.crt").write_text((folder / "server.crt").read_text()[:300])
    key = ["openssl", "pkey", "-in", "server.key", "-aes256", "-passout", "pass:x", "-out", "locked.key"]
    subprocess.run(key, cwd=folder, check=True, capture_output=True)
    small = ["openssl", "req", "-x509", "-newkey", "rsa:512", "-nodes", "-subj", "/CN=x"]
    subprocess.run([*small, "-keyout", "small.key", "-out", "small.crt"], cwd=folder, check=False, capture_output=True)
    return folder


WRONG = {
    "text": "must be a mapping of keys to values",
    "[]": "must be a mapping of keys to values",
    "''": "must be a mapping of keys to values",
    "[1, 2]": "must be a mapping of keys to values",
    "a: [": "line 1: ",
    "\ttabs: 1": "line 1: ",
    "a: *secret": "line 1: an alias (*) without its anchor (&)",
    "? [a]\n: b": "line 1: a key that is not a text",
    "%YAML 1.2\n---\n" + users(): "line 2: a version that is not 1.1; give valid YAML",
    "~: b": "has a key that is not a text; put it in quotes",
    users() + "---\nrate_limit: {}\n": "has a second document (after --- or ...), which other exporters ignore; give",
    "---\n---\n" + users(): "has a second document",
    users() + "...\n---\ngeheim": "has a second document",
    users() + "---\n[": "line 4: ",
    f"basic_auth_users: {{<<: {{a: '{HASH}'}}, a: '{HASH}'}}": "line 1: duplicate key 'a'",
    TLS + "  <<: {key_file: other.key}\n": "line 4: duplicate key 'key_file'",
    f"basic_auth_users: {{<<: {{<<: {{a: '{HASH}'}}}}}}": "line 1: << takes a mapping, or a list of them, without anot",
    f"basic_auth_users: {{<<: geheim, a: '{HASH}'}}": "line 1: << takes a mapping",
    "basic_auth_users: &a {<<: *a}": "line 1: << takes a mapping",
    "tls_server: {}": "tls_server: is not a known key; accepted are tls_server_config, basic_auth_users, http_server",
    "rate_limit: {limit: 1}": "rate_limit.limit: is not a known key; accepted are interval, burst",
    "rate_limit: {interval: 1}": "rate_limit.interval: '1' is not accepted; give 0, or a duration such as 100ms, 1s",
    "rate_limit: {interval: -1s}": "rate_limit.interval: '-1s' is not accepted",
    "rate_limit: {interval: 1x}": "rate_limit.interval: '1x' is not accepted",
    "rate_limit: {interval: 2562048h}": "rate_limit.interval: '2562048h' is not accepted; give 0, or a duration",
    "rate_limit: {interval: -1ns}": "rate_limit.interval: '-1ns' is not accepted; give 0, or a duration",
    "rate_limit: {interval: 1000000000}": "rate_limit.interval: '1000000000' is not accepted; give 0, or a duration",
    "rate_limit: {interval: 0.5}": "rate_limit.interval: '0.5' is not accepted; give 0, or a duration",
    "rate_limit: {interval: 1d}": "rate_limit.interval: '1d' is not accepted; give 0, or a duration",
    "rate_limit: {interval: '00'}": "rate_limit.interval: '00' is not accepted; give 0, or a duration",
    "rate_limit: {interval: ''}": "rate_limit.interval: '' is not accepted; give 0, or a duration",
    "rate_limit: {interval: false}": "rate_limit.interval: 'false' is not accepted; give 0, or a duration",
    "rate_limit: {interval: +-1s}": "rate_limit.interval: '+-1s' is not accepted; give 0, or a duration",
    "rate_limit: {interval: ' 1s'}": "rate_limit.interval: ' 1s' is not accepted; give 0, or a duration",
    "rate_limit: {interval: [1s]}": "rate_limit.interval: give a duration such as 1s",
    "rate_limit: {interval: 1s, burst: '5'}": "rate_limit.burst: '5' is not accepted; give a number of requests such a",
    "rate_limit: {interval: 1s, burst: ''}": "rate_limit.burst: '' is not accepted",
    "rate_limit: {interval: 1s, burst: !!str 5}": "rate_limit.burst: '5' is not accepted",
    "rate_limit: {interval: 1s, burst: _5}": "rate_limit.burst: '_5' is not accepted",
    "rate_limit: {interval: 1s, burst: ._5}": "rate_limit.burst: '._5' is not accepted",
    "rate_limit: {interval: 1s, burst: 0x}": "rate_limit.burst: '0x' is not accepted",
    "rate_limit: {interval: 1s, burst: 0b2}": "rate_limit.burst: '0b2' is not accepted",
    "rate_limit: {interval: 1s, burst: true}": "rate_limit.burst: 'true' is not accepted",
    "rate_limit: {interval: 1s, burst: .inf}": "rate_limit.burst: '.inf' is not accepted",
    "rate_limit: {interval: 1s, burst: 9223372036854775808}": "rate_limit.burst: '9223372036854775808' is not accepted",
    "rate_limit: {interval: 1s, burst: 1e999}": "rate_limit.burst: '1e999' is not accepted",
    "rate_limit: {interval: 1s, burst: [5]}": "rate_limit.burst: give a number of requests",
    "rate_limit: 1s": "rate_limit: must be a mapping",
    "tls_server_config:": "tls_server_config: is empty, so that there would be no TLS; give cert_file and key_file, or",
    "tls_server_config: {}": "tls_server_config: is empty",
    "tls_server_config: []": "tls_server_config: must be a mapping",
    "tls_server_config: ''": "tls_server_config: must be a mapping",
    users() + "tls_server_config: ~\n": "tls_server_config: is empty",
    "tls_server_config: {min_version: TLS13}": "tls_server_config.cert_file: is missing or empty; give a file in PEM f",
    "tls_server_config: {cert_file: '', key_file: ''}": "tls_server_config.cert_file: is missing or empty",
    "tls_server_config: {cert_file: , key_file: }": "tls_server_config.cert_file: is missing or empty",
    "tls_server_config: {client_auth_type: }": "tls_server_config.cert_file: is missing or empty",
    "tls_server_config: {client_allowed_sans: [a]}": "tls_server_config.cert_file: is missing or empty",
    "tls_server_config: {cert_file: server.crt}": "tls_server_config.key_file: is missing",
    "tls_server_config: {cert_file: [a], key_file: server.key}": "tls_server_config.cert_file: give a file",
    TLS.replace("server.crt", "gone.crt"): "tls_server_config.cert_file: '{folder}/gone.crt' cannot be read",
    TLS.replace("server.crt", "text.pem"): "'{folder}/text.pem' contains no PEM certificate; give a certificate in PEM",
    TLS.replace("server.crt", "half.crt"): "'{folder}/half.crt' is rejected by OpenSSL",
    TLS.replace("server.crt", "."): "tls_server_config.cert_file: '{folder}/.' cannot be read",
    TLS.replace("server.key", "gone.key"): "tls_server_config.key_file: '{folder}/gone.key' cannot be read: No",
    TLS.replace("server.key", "server.crt"): "'{folder}/server.crt' contains no PEM private key; give the",
    TLS.replace("server.key", "other.key"): "{folder}/other.key' does not match the certificate in {folder}/server",
    TLS.replace("server.key", "locked.key"): "is protected by a passphrase; give a key without one",
    TLS.replace("server.", "small."): "'{folder}/small.crt' is rejected by OpenSSL (ee key too small)",
    "tls_server_config: {cert: '', key_file: server.key}": "tls_server_config.cert_file: is missing or empty",
    "tls_server_config: {cert_file: server.crt, key: ''}": "tls_server_config.key_file: is missing or empty",
    TLS.replace("server.crt", "gone.crt") + "  cert: geheim\n": "cert_file: '{folder}/gone.crt' cannot be read",
    TLS.replace("server.crt", '"a\\0b"'): "tls_server_config.cert_file: 'a\\x00b' is not accepted; give a file",
    "tls_server_config: {cert_file: server.crt, key: geheim}": "key: the value (not shown) contains no PEM private key",
    "tls_server_config: {cert: geheim, key_file: server.key}": "cert: the value (not shown) contains no PEM certific",
    "tls_server_config: {cert: [geheim], key_file: server.key}": "tls_server_config.cert: give a text in PEM format",
    "tls_server_config: {cert_file: '', key_file: server.key}": "tls_server_config.cert_file: is missing or empty",
    "tls_server_config: {client_auth_type: NoClientCert}": "tls_server_config.cert_file: is missing",
    TLS + "  client_ca: x\n  client_auth_type: VerifyClientCertIfGiven\n": "client_ca: the value (not shown)",
    TLS + "  client_ca: x\n": "tls_server_config.client_ca: has no effect on its own",
    TLS + "  client_allowed_sans: [a]\n": "client_allowed_sans: has no effect; give client_auth_type RequireAndVerify",
    ASKS + "  client_allowed_sans: []\n": "client_allowed_sans: names nobody to admit; give at least one name, or rem",
    ASKS + "  client_allowed_sans:\n": "client_allowed_sans: names nobody to admit",
    ASKS + "  client_allowed_sans: ['']\n": "client_allowed_sans: names nobody to admit",
    ASKS + "  client_allowed_sans: [~]\n": "client_allowed_sans: give a list of the names",
    IF_GIVEN + "  client_allowed_sans: [a]\n": "client_allowed_sans: cannot be checked with VerifyClientCertIfGiven: n",
    IF_GIVEN + "  client_allowed_sans: []\n": "client_allowed_sans: names nobody to admit",
    ASKS + "  client_allowed_sans: a\n": "client_allowed_sans: give a list of the names in client certificates",
    ASKS + "  client_allowed_sans: [[a]]\n": "client_allowed_sans: give a list of",
    TLS + "  cipher_suites: [a]\n": "cipher_suites: 'a' is not accepted; give a list of names, of TLS_ECDHE",
    TLS + "  cipher_suites: TLS_AES_128_GCM_SHA256\n": "cipher_suites: give a list of names, of TLS_ECDHE_ECDSA",
    TLS + "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n": "'TLS_RSA_WITH_AES_128_CBC_SHA' is not accepted",
    TLS + "  cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]\n": "'ECDHE-RSA-AES128-GCM-SHA256' is not accepted",
    TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n": "cipher_suites: has none for TLS 1.2; add one, or give min_v",
    TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n  max_version: TLS12\n": "has none for TLS 1.2, the only version",
    TLS + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n": "or give http_server_config.http2: false",
    TLS + "  curve_preferences: [a]\n": "'a' is not accepted; give a list of names, of X25519, CurveP256, CurveP384, C",
    TLS + "  curve_preferences: [CurveP257]\n": "curve_preferences: 'CurveP257' is not accepted",
    TLS + "  curve_preferences: [ffdhe2048]\n": "curve_preferences: 'ffdhe2048' is not accepted",
    TLS + "  prefer_server_cipher_suites: maybe\n": "prefer_server_cipher_suites: 'maybe' is not accepted; give true",
    TLS + "  prefer_server_cipher_suites: 'true'\n": "'true' is not accepted; give true or false, without quotes",
    TLS + "  cipher_suites: [~]\n": "cipher_suites: give a list of names",
    TLS + "  cipher_suites: ''\n": "cipher_suites: give a list of names",
    TLS + "  curve_preferences: [~]\n": "curve_preferences: give a list of names",
    TLS + "  curve_preferences: X25519\n": "curve_preferences: give a list of names",
    TLS + "  min_version: ''\n": "min_version: '' is not accepted; give TLS12 or TLS13",
    ASKS.replace("ca.pem", "''"): "client_ca_file: is missing; RequireAndVerifyClientCert",
    CLIENTS + "  client_auth_type: ''\n": "client_ca_file: has no effect on its own",
    CLIENTS + "  client_auth_type:\n": "client_ca_file: has no effect on its own",
    TLS + "  prefer_server_cipher_suites: [true]\n": "prefer_server_cipher_suites: give true or false",
    TLS + "  certfile: x\n": "tls_server_config.certfile: is not a known key; accepted are cert, key, client_ca,",
    TLS + "  cert_file: other.crt\n": "line 4: duplicate key 'cert_file'",
    TLS + "  min_version: TLS11\n": "min_version: 'TLS11' is not accepted; give TLS12 or TLS13; OpenSSL no longer",
    TLS + "  min_version: 1.2\n": "min_version: '1.2' is not accepted; give TLS12 or TLS13",
    TLS + "  min_version: TLS13\n  max_version: TLS12\n": "max_version: 'TLS12' is not accepted; give min_version (TLS",
    CLIENTS: "client_ca_file: has no effect on its own; give client_auth_type RequireAndVerifyClientCert too",
    TLS + "  client_auth_type: RequireAndVerifyClientCert\n": "client_ca_file: is missing; RequireAndVerifyClientCert",
    CLIENTS + "  client_auth_type: Any\n": "client_auth_type: 'Any' is not accepted; give NoClientCert, VerifyClientC",
    CLIENTS + "  client_auth_type: RequestClientCert\n": "client_auth_type: 'RequestClientCert' is not supported: Pyth",
    TLS + "  client_auth_type: RequireClientCert\n": "client_auth_type: 'RequireClientCert' is not supported",
    TLS + "  client_auth_type: RequireAnyClientCert\n": "rejects a certificate that it cannot verify, and anybody can",
    CLIENTS.replace("ca.pem", "text.pem") + "  client_auth_type: VerifyClientCertIfGiven\n": "_ca_file: '{folder}/",
    CLIENTS.replace("ca.pem", "half.crt") + "  client_auth_type: VerifyClientCertIfGiven\n": "_ca_file: '{folder}/",
    "basic_auth_users:": "basic_auth_users: names no users, so that no password would be needed; give at least one, or",
    "basic_auth_users: {}": "basic_auth_users: names no users",
    TLS + "basic_auth_users: ~\n": "basic_auth_users: names no users",
    "basic_auth_users: []": "basic_auth_users: must be a mapping",
    "basic_auth_users: {alice: }": "basic_auth_users.alice: the value is not a bcrypt hash",
    "basic_auth_users: {alice: geheim}": "basic_auth_users.alice: the value is not a bcrypt hash",
    "basic_auth_users: {alice: [geheim]}": "basic_auth_users.alice: the value is not a bcrypt hash",
    "basic_auth_users: {alice: ''}": "basic_auth_users.alice: the value is not a bcrypt hash",
    f"basic_auth_users: {{alice: '{HASH[:-1]}'}}": "basic_auth_users.alice: the value is not a bcrypt hash",
    f"basic_auth_users: {{alice: '{HASH.replace('$2b$', '$3b$')}'}}": "basic_auth_users.alice: the value is not a bc",
    f"basic_auth_users: {{alice: '{HASH}x'}}": "basic_auth_users.alice: the value is not a bcrypt hash; give $2y",
    f"basic_auth_users: {{alice: '{HASH[:7]}!{HASH[8:]}'}}": "basic_auth_users.alice: the value is not a bcrypt hash",
    f"basic_auth_users:\n  alice: |\n    {HASH}\n": "basic_auth_users.alice: the value is not a bcrypt hash",
    f"basic_auth_users: {{alice: '{HASH.replace('$04$', '$31$')}'}}": "basic_auth_users.alice: the hash has cost 31; g",
    f"basic_auth_users: {{'a:b': '{HASH}'}}": "is not a valid user name",
    f"basic_auth_users: {{a: '{HASH}', a: '{HASH}'}}": "duplicate key 'a'",
    users() + "http_server_config: {http2: maybe}": "http_server_config.http2: 'maybe' is not accepted; give true or f",
    **{
        f"http_server_config: {{http2: {word}}}": "is not accepted; give true or false, without quotes"
        for word in ("'true'", '"on"', "!!str true", "1", "''", "tRue")
    },
    users() + "http_server_config: {headers: {X-Frame-Options: allow}}": "X-Frame-Options: 'allow' is not accepted; gi",
    users() + "http_server_config: {headers: {X-Frame-Options: ''}}": "X-Frame-Options: '' is not accepted; give deny",
    users() + "http_server_config: {headers: {X-Frame-Options: }}": "X-Frame-Options: '' is not accepted; give deny or",
    users() + "http_server_config: {headers: {Content-Security-Policy: ü}}": "'ü' is not accepted; give one line of AS",
    users() + "http_server_config: {headers: []}": "http_server_config.headers: must be a mapping",
    users() + "http_server_config: {headers: {Server: x}}": "http_server_config.headers.Server: is not a known key",
    users() + 'http_server_config: {headers: {Content-Security-Policy: "a\\nSet-Cookie: b"}}': "is not accepted; give",
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=[f"{n}" for n in range(len(WRONG))])
def test_an_error_is_described_in_one_line(folder: Path, text: str, said: str) -> None:
    from exporter.access import make_rules

    path = folder / "wrong.yml"
    with pytest.raises(AccessError) as refused:
        make_rules(parse_web_config(text.encode(), str(path)))
    line = str(refused.value)
    assert line.startswith(f"--web-config {path}: ")
    assert said.format(folder=folder) in line
    assert "\n" not in line
    assert not any(secret in line for secret in ("geheim", "secret", "$2b$04"))


@pytest.mark.parametrize("text", ["[]", TLS.replace("server.key", "other.key"), "basic_auth_users: {alice: geheim}"])
def test_the_command_ends_with_that_line_and_code_2(folder: Path, text: str) -> None:
    path = folder / "command.yml"
    path.write_text(text)
    done = run("serve", "--port", str(free_port()), env={"HOST_EXPORTER_WEB_CONFIG": str(path)})
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert done.stderr.startswith(f"host-exporter: --web-config {path}: ")
    assert "(set by HOST_EXPORTER_WEB_CONFIG)" in done.stderr


def test_a_pipe_is_refused_since_it_cannot_be_read_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = run("serve", "--port", str(free_port()), "--web-config", str(tmp_path / "pipe"))
    assert (done.returncode, "not a regular file" in done.stderr) == (2, True), done.stderr


def test_the_forms_that_other_programs_write_are_accepted(folder: Path) -> None:
    text = (
        f"tls_server_config:\n  cert_file: {folder}/server.crt\n  key_file: 'sub/../server.key'\n"
        f"  min_version: 'TLS12'\n  client_auth_type: \"NoClientCert\"\n"
        f"basic_auth_users:\n  1234: {HASH.replace('$2b$', '$2y$')}\n  yes: '{HASH.replace('$2b$', '$2a$')}'\n"
        f"  zoë: {HASH}\n"
    )
    config = parse_web_config(text.encode(), str(folder / "web.yml"))
    assert config.files() == (f"{folder}/server.crt", f"{folder}/sub/../server.key")
    assert set(config.users) == {b"1234", b"yes", "zoë".encode()}
    assert parse_web_config(text.encode("utf-16"), "x/web.yml").users == config.users
    assert set(HEADERS) >= {"Strict-Transport-Security"}


def test_none_of_its_modules_is_loaded_without_the_flag() -> None:
    """PyYAML and bcrypt cost memory and start-up time."""
    code = (
        "import sys\n"
        "from exporter.commands import cli, run; from exporter.serving import server; from exporter import web\n"
        "print([name for name in ('yaml', 'bcrypt', 'exporter.access') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
