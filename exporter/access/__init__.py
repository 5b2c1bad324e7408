"""Access control: TLS and passwords as configured by ``--web-config``, reloaded when its files change.

Imported only with that flag: PyYAML, bcrypt and SSL contexts cost memory and startup time.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.access.advice import NOTHING, advise
from exporter.access.config import WebConfig, parse_web_config, read_web_config
from exporter.access.document import read_bytes
from exporter.access.rate import Bucket
from exporter.access.tls import Contexts, make_contexts
from exporter.errors import AccessError
from exporter.threads import Spare

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("exporter")

CHECKED = 1.0
"""Minimum seconds between two checks of the files; without requests there are no checks."""

SETTLED = 1.0
"""Seconds that changed files must stay the same before a reload: a half-written one may be valid but lack passwords."""

DAY = 24 * 3600.0
"""Seconds after which warnings are repeated: a certificate comes to its end without any change of a file."""

Contents = tuple[bytes, ...]
"""Digests of the configuration and the files it names, so that a key is not kept in memory twice."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in effect: TLS contexts (None for plain HTTP), users with their hashes, extra headers, rate limit."""

    context: Contexts | None
    users: Mapping[bytes, bytes]
    headers: tuple[tuple[str, str], ...]
    bucket: Bucket | None = None

    def needed(self) -> str:
        """Return what a client needs to be answered, empty if nothing."""
        certificate = self.context is not None and self.context.wants_certificate
        return " and ".join(["a password"] * bool(self.users) + ["a client certificate"] * certificate)


class Access:
    """The rules of a web configuration. Raises AccessError if it is invalid at start; later, the old one stays.

    Requests trigger a check of the files, at most once a second and in a thread of its own, because they may be on a
    filesystem where a read hangs.
    """

    def __init__(self, path: str, host: str = "127.0.0.1") -> None:
        self._path, self._host = path, host
        self._complaint = ""
        self._contents = _contents(path)
        self._config = read_web_config(path)
        self._rules = make_rules(self._config)
        self._looked = time.monotonic()
        self._looking = threading.Lock()
        self._advise()
        self._spare = Spare("web-config", "changes of the web configuration take effect later")

    def rules(self) -> Rules:
        """Return the rules in effect. Start another check of the files if the last one is a second old."""
        due = time.monotonic() - self._looked >= CHECKED and self._looking.acquire(blocking=False)
        if due and not self._spare.start(self._look):  # the next request will retry
            self._looking.release()
        return self._rules

    def _look(self) -> None:
        try:
            contents = _contents(self._path)
            if contents != self._contents:
                time.sleep(SETTLED)
                if _contents(self._path) == contents:
                    self._reload(contents)
            elif time.monotonic() - self._advised > DAY:
                self._advise()
        finally:
            self._looked = time.monotonic()
            self._looking.release()

    def _advise(self) -> None:
        self._advised = time.monotonic()
        for line in advise(self._config, self._host):
            log.warning("%s", line)

    def _reload(self, contents: Contents) -> None:
        try:
            config = self._read_again()
            rules = make_rules(config)
        except AccessError as reason:
            if str(reason) != self._complaint and _contents(self._path) == contents:
                log.error("%s; the previous configuration stays in effect", reason)  # noqa: TRY400 - one line
                self._complaint = str(reason)
            return
        if _contents(self._path) != contents:  # changed while loading: the next check takes care of it
            return
        if config.tls == self._config.tls and contents[1:] == self._contents[1:]:
            # Unchanged TLS keeps its context object: connections whose context has been replaced get closed.
            rules = replace(rules, context=self._rules.context)
        if config.rate == self._config.rate:
            rules = replace(rules, bucket=self._rules.bucket)
        self._contents, self._config, self._rules, self._complaint = contents, config, rules, ""
        log.info("web configuration %s reloaded", self._path)
        self._advise()

    def _read_again(self) -> WebConfig:
        config = read_web_config(self._path)
        if self._config.protects() and not config.protects():
            # A file that is still being written may look like this, and must not open the server to everyone.
            raise AccessError(f"--web-config {self._path}: {NOTHING}; restart the exporter if that is meant")
        return config


def make_rules(config: WebConfig) -> Rules:
    """Load the files a configuration names and return its rules. Raises AccessError."""
    context = make_contexts(config.source, config.tls) if config.tls else None
    bucket = Bucket(config.rate) if config.rate else None
    return Rules(context, config.users, tuple(config.headers.items()), bucket)


def _contents(path: str) -> Contents:
    """Return digests of the configuration and, if it is valid, of the files it names (or of why one is unreadable)."""
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
