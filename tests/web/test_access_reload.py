"""A changed web configuration or renewed certificate takes effect without a restart; a broken one never does."""

from __future__ import annotations

import contextlib
import http.client
import os
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support import fetch
from tests.support_access import TLS, Authority, GuardedExporter, login, users

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# On requests, files are checked at most once a second; they must have been unchanged for a second.
LATEST = 20.0


def replace(path: Path, text: str) -> None:
    """Put a new version in place atomically, as careful programs do."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def soon(question: Callable[[], bool]) -> float:
    """Poll until it is true, and return how many seconds that took."""
    start = time.monotonic()
    while time.monotonic() - start < LATEST:
        with contextlib.suppress(OSError):
            if question():
                return time.monotonic() - start
        time.sleep(0.5)
    pytest.fail("it did not happen", pytrace=True)


def served(exporter: GuardedExporter) -> str:
    """Return the certificate presented to new connections."""
    return ssl.get_server_certificate(("127.0.0.1", exporter.port))


def test_a_new_password_replaces_the_old_one(authority: Authority) -> None:
    with GuardedExporter(authority.folder, TLS + users()) as exporter:
        replace(exporter.file, TLS + users(prometheus="another", guest="third"))
        took = soon(lambda: exporter.get("/", login(password="another")).status == 200)
        print(f"in force after {took:.1f} s")
        assert exporter.get("/").status == 401
        assert exporter.get("/", login("guest", "third")).status == 200
    assert exporter.log.count(" reloaded\n") == 1


def test_a_renewed_certificate_is_used_at_once_without_a_change_of_the_configuration(authority: Authority) -> None:
    with GuardedExporter(authority.folder, TLS) as exporter:
        old = served(exporter)
        authority.issue("server")
        soon(lambda: served(exporter) != old)
        assert exporter.get("/metrics").status == 200


def test_a_renewed_certificate_waits_for_its_key(authority: Authority) -> None:
    with GuardedExporter(authority.folder, TLS) as exporter:
        old = served(exporter)
        key = authority.folder / "server.key"
        before = key.read_bytes()
        authority.issue("server")
        new_key = key.read_bytes()
        key.write_bytes(before)
        time.sleep(2.5)
        for _ in range(5):
            assert served(exporter) == old
            time.sleep(0.5)
        key.write_bytes(new_key)
        soon(lambda: served(exporter) != old)
    assert exporter.log.count("does not match the certificate") == 1


@pytest.mark.parametrize(
    "broken",
    ["", "tls_server_config:", TLS.replace("server.crt", "gone.crt"), "\0", "basic_auth_users:\n  a: plain\n", None],
    ids=["empty", "half", "no such certificate", "no text", "no hash", "gone"],
)
def test_a_broken_version_changes_nothing_and_is_logged_once(authority: Authority, broken: str | None) -> None:
    config = TLS + users()
    with GuardedExporter(authority.folder, config) as exporter:
        if broken is None:
            exporter.file.unlink()
        else:
            exporter.file.write_text(broken, encoding="utf-8")
        for _ in range(10):
            assert exporter.get("/metrics").status == 200
            assert exporter.get("/metrics", {}).status == 401
            time.sleep(0.4)
        replace(exporter.file, config.replace("prometheus", "renamed"))
        soon(lambda: exporter.get("/", login("renamed")).status == 200)
    assert exporter.log.count("the previous configuration stays in effect") == 1
    assert "plain" not in exporter.log
    assert "Traceback" not in exporter.log


def test_a_file_that_is_written_slowly_is_not_loaded_half(authority: Authority) -> None:
    """Its first half is a valid configuration that requires no password."""
    with GuardedExporter(authority.folder, TLS + users()) as exporter:
        for _ in range(3):
            with exporter.file.open("w", encoding="utf-8") as file:
                file.write(TLS)
                file.flush()
                for _ in range(4):
                    assert exporter.get("/metrics", {}).status in {401, 429}
                    time.sleep(0.15)
                file.write(users())
            time.sleep(1.2)
            assert exporter.get("/metrics", {}).status in {401, 429}


def test_a_kept_alive_connection_does_not_outlive_the_authority_that_admitted_it(
    authority: Authority, tmp_path: Path
) -> None:
    authority.issue("client")
    asks = TLS + "  client_ca_file: clients.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
    (tmp_path / "clients.pem").write_bytes((tmp_path / "ca.pem").read_bytes())
    with GuardedExporter(tmp_path, asks, client="client") as exporter:
        kept = http.client.HTTPSConnection("127.0.0.1", exporter.port, context=exporter.context, timeout=20)
        with contextlib.closing(kept):
            kept.request("GET", "/-/healthy")
            assert kept.getresponse().read() == b"alive\n"
            others = tmp_path / "others"
            others.mkdir()
            Authority(others)
            replace(tmp_path / "clients.pem", (others / "ca.pem").read_text())
            soon(lambda: not _is_let_in(exporter))
            kept.auto_open = 0
            kept.request("GET", "/-/healthy")
            with pytest.raises((OSError, http.client.HTTPException)):
                kept.getresponse()


def _is_let_in(exporter: GuardedExporter) -> bool:
    try:
        return exporter.get("/-/healthy").status == 200
    except OSError:
        return False


def test_a_pipe_in_place_of_the_key_delays_no_response(authority: Authority) -> None:
    """Opening one blocks in the kernel until somebody writes to it."""
    with GuardedExporter(authority.folder, TLS + users()) as exporter:
        old = served(exporter)
        key = authority.folder / "server.key"
        content = key.read_bytes()
        key.unlink()
        os.mkfifo(key)
        began = time.monotonic()
        while time.monotonic() - began < 5:
            assert exporter.get("/metrics").status == 200
            time.sleep(0.2)
        key.unlink()
        key.write_bytes(content)
        authority.issue("server")
        soon(lambda: served(exporter) != old)
        assert exporter.stop() == 0
    assert exporter.log.count("the previous configuration stays in effect") == 1


def test_tls_can_be_removed_and_restored(authority: Authority) -> None:
    with GuardedExporter(authority.folder, TLS + users()) as exporter:
        plain = f"http://127.0.0.1:{urlsplit(exporter.url).port}/metrics"
        replace(exporter.file, users())
        soon(lambda: fetch(plain, login()).status == 200)
        replace(exporter.file, TLS + users())
        soon(lambda: exporter.get("/metrics").status == 200)
        assert fetch(plain, login()).status == 400


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_symlink_that_is_redirected_is_followed(authority: Authority, tmp_path: Path) -> None:
    """This is how Kubernetes updates a mounted secret."""
    for name, user in (("one", "prometheus"), ("two", "second")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "web.yml").write_text(users(**{user: "correct horse"}))
    (tmp_path / "data").symlink_to("one")
    with GuardedExporter(tmp_path, users()) as exporter:
        exporter.file.unlink()
        exporter.file.symlink_to("data/web.yml")
        soon(lambda: exporter.get("/").status == 200)
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").replace(tmp_path / "data")
        soon(lambda: exporter.get("/", login("second")).status == 200)
        assert authority.folder == tmp_path
