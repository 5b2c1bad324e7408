"""Who may read what is served: TLS and passwords, as ``--web-config`` says, re-read when its files change.

Nothing here is imported without that flag: PyYAML, bcrypt and ssl's contexts cost memory and time at start.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.access.config import WebConfig, parse_web_config, read_web_config
from exporter.access.document import read_bytes
from exporter.access.tls import make_context
from exporter.errors import AccessError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

log = logging.getLogger("exporter")

CHECKED = 1.0
"""Seconds between two looks at the files; nobody looks while nobody asks."""

SETTLED = 1.0
"""Seconds that a file must have stood unchanged: a half-written one could be valid, and lack the passwords."""

Contents = tuple[bytes, ...]
"""What the configuration and the files that it names hold, as digests: a key need not be in memory twice."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is in force: the TLS context (None: plain HTTP), the users with their hashes, more headers."""

    context: ssl.SSLContext | None
    users: Mapping[bytes, bytes]
    headers: tuple[tuple[str, str], ...]


class Access:
    """The rules of a web configuration. Raises AccessError where it cannot be taken at start; later the old one stays.

    Files are looked at when somebody asks, at most once a second, by a thread that nobody waits for: they may lie where
    reading never ends.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._complaint = ""
        self._contents = _contents(path)
        self._config = read_web_config(path)
        self._rules = make_rules(self._config)
        self._looked = time.monotonic()
        self._looking = threading.Lock()

    def rules(self) -> Rules:
        """Return the rules in force. Where the last look at the files is a second ago, another begins."""
        if time.monotonic() - self._looked >= CHECKED and self._looking.acquire(blocking=False):
            try:
                # A daemon: a read that never ends must not keep the program from ending.
                threading.Thread(target=self._look, name="web-config", daemon=True).start()
            except RuntimeError:  # no thread to be had: the next one who asks tries again
                self._looking.release()
        return self._rules

    def _look(self) -> None:
        try:
            contents = _contents(self._path)
            if contents != self._contents:
                time.sleep(SETTLED)
                if _contents(self._path) == contents:
                    self._take_over(contents)
        finally:
            self._looked = time.monotonic()
            self._looking.release()

    def _take_over(self, contents: Contents) -> None:
        try:
            config = read_web_config(self._path)
            rules = make_rules(config)
        except AccessError as reason:
            if str(reason) != self._complaint and _contents(self._path) == contents:
                log.error("%s; what was in force before stays in force", reason)  # noqa: TRY400 - one line
                self._complaint = str(reason)
            return
        if _contents(self._path) != contents:  # changed while it was loaded: another look
            return
        if config.tls == self._config.tls and contents[1:] == self._contents[1:]:
            # What has not changed stays the same object: connections are closed where their context is another one.
            rules = replace(rules, context=self._rules.context)
        self._contents, self._config, self._rules, self._complaint = contents, config, rules, ""
        log.info("web configuration %s: re-read, in force from now on", self._path)


def make_rules(config: WebConfig) -> Rules:
    """Return the rules of a configuration whose files can be read. Raises AccessError."""
    context = make_context(config.source, config.tls) if config.tls else None
    return Rules(context, config.users, tuple(config.headers.items()))


def _contents(path: str) -> Contents:
    """Return what the files hold, or why one cannot be read: the configuration, and what it names where it is good."""
    found = _content(path)
    try:
        names = parse_web_config(found, path).files()
    except AccessError:
        names = ()
    return tuple(hashlib.sha256(each).digest() for each in (found, *(_content(name) for name in names)))


def _content(name: str) -> bytes:
    try:
        return read_bytes(name)
    except (OSError, ValueError) as reason:
        return f"\0{reason}".encode()
