"""Checking the files of a web configuration: unreadable ones, ones that change meanwhile, ones that never answer."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from typing import TYPE_CHECKING

from exporter.access import Access
from exporter.access.document import read_bytes
from exporter.access.tls import Contexts, make_contexts
from tests.support import wait_for
from tests.support_access import TLS, Authority, users

if TYPE_CHECKING:
    import pytest

    from exporter.access.tls_section import Tls

LATEST = 20.0


def test_an_authority_replaced_while_it_is_being_loaded_still_takes_effect(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, certificate = authority.folder / "web.yml", authority.folder / "server.crt"
    file.write_text(TLS)
    access = Access(str(file))

    def load_and_replace(source: str, tls: Tls) -> Contexts:
        contexts = make_contexts(source, tls)
        monkeypatch.undo()
        authority.issue("server")  # the renewal continues
        return contexts

    authority.issue("server")
    half = certificate.read_bytes()
    monkeypatch.setattr("exporter.access.make_contexts", load_and_replace)
    old = access.rules().context
    wait_for(lambda: access.rules().context is not old, LATEST)
    assert certificate.read_bytes() != half
    assert access._contents[1] == hashlib.sha256(certificate.read_bytes()).digest()


def test_a_file_that_is_briefly_unreadable_is_read_later(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    file = authority.folder / "web.yml"
    file.write_text(users())
    access = Access(str(file))
    file.write_text(users(another="third"))

    def no_file(_: str) -> bytes:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr("exporter.access.config.read_bytes", no_file)
        patch.setattr("exporter.access.read_bytes", no_file)
        began = time.monotonic()
        while time.monotonic() - began < 3:
            assert list(access.rules().users) == [b"prometheus"]
            time.sleep(0.05)
    wait_for(lambda: list(access.rules().users) == [b"another"], LATEST)


def test_a_file_that_never_answers_costs_one_thread_and_no_response(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = authority.folder / "web.yml"
    file.write_text(users())
    access = Access(str(file))
    answers = threading.Event()

    def hang(name: str) -> bytes:
        answers.wait(30)
        return read_bytes(name)

    monkeypatch.setattr("exporter.access.read_bytes", hang)
    file.write_text(users(another="third"))
    began = time.monotonic()
    while time.monotonic() - began < 2.5:
        asked = time.monotonic()
        assert list(access.rules().users) == [b"prometheus"]
        assert time.monotonic() - asked < 0.5
        time.sleep(0.05)
    assert sum(thread.name == "web-config" for thread in threading.enumerate()) == 1
    answers.set()
    wait_for(lambda: list(access.rules().users) == [b"another"], LATEST)
