"""Who may read what is served: TLS and passwords, as ``--web-config`` says, re-read when its files change.

Nothing here is imported without that flag: PyYAML, bcrypt and ssl's contexts cost memory and time at start.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.access.config import WebConfig, read_web_config
from exporter.access.tls import make_context
from exporter.errors import AccessError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from exporter.access.config import Tls

log = logging.getLogger("exporter")

CHECKED = 1.0
"""Seconds between two looks at the files; nobody looks while nobody asks."""

SETTLED = 1.0
"""Seconds that a file must have stood unchanged: a half-written one could be valid, and lack the passwords."""

Stamp = tuple[int, int, int, int] | None
"""What changes with a file: inode, size, times of its content and of its rights; None where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is in force: the TLS context (None: plain HTTP), the users with their hashes, more headers."""

    context: ssl.SSLContext | None
    users: Mapping[bytes, bytes]
    headers: tuple[tuple[str, str], ...]


class Access:
    """The rules of a web configuration. Raises AccessError where it cannot be taken at start; later the old one stays.

    Files are looked at when somebody asks, at most once a second.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._files: tuple[str, ...] = (path,)
        self._looking = threading.Lock()
        self._looked = time.monotonic()
        self._complaint = ""
        self._contents: tuple[Tls | bytes | None, ...] = ()
        self._rules = self._read()
        # After the reading, which finds out which files there are. What is young may have changed meanwhile: once more.
        self._taken = self._last = self._stamps()
        self._young = not _settled(self._last)

    def rules(self) -> Rules:
        """Return the rules in force, after a look at the files where the last one is a second ago."""
        if time.monotonic() - self._looked >= CHECKED and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looked = time.monotonic()
                self._looking.release()
        return self._rules

    def _look(self) -> None:
        stamps, before = self._stamps(), self._last
        self._last = stamps
        changed = stamps != self._taken
        if (changed and stamps == before) or ((changed or self._young) and _settled(stamps)):
            self._take_over(changed=changed)

    def _take_over(self, *, changed: bool) -> None:
        try:
            self._rules = self._read()
        except AccessError as reason:
            if str(reason) != self._complaint:
                log.error("%s; what was in force before stays in force", reason)  # noqa: TRY400 - one line
            self._complaint = str(reason)
        else:
            if changed:
                log.info("web configuration %s: re-read, in force from now on", self._path)
            self._complaint = ""
        # A new version may name other files.
        self._taken = self._last = self._stamps()
        self._young = not _settled(self._last)

    def _read(self) -> Rules:
        config = read_web_config(self._path)
        self._files = (self._path, *config.files())
        rules = make_rules(config)
        # What has not changed stays the same object: connections are closed where their context is another one.
        contents = (config.tls, *(_content(name) for name in config.files()))
        if contents == self._contents:
            return replace(rules, context=self._rules.context)
        self._contents = contents
        return rules

    def _stamps(self) -> tuple[Stamp, ...]:
        return tuple(_stamp(name) for name in self._files)


def make_rules(config: WebConfig) -> Rules:
    """Return the rules of a configuration whose files can be read. Raises AccessError."""
    context = make_context(config.source, config.tls) if config.tls else None
    return Rules(context, config.users, tuple(config.headers.items()))


def _content(name: str) -> bytes:
    """Return what a file holds, as a digest: a key need not be in memory twice."""
    try:
        with open(name, "rb") as file:
            return hashlib.sha256(file.read()).digest()
    except OSError:  # gone since it was loaded: the next look will say so
        return b""


def _stamp(name: str) -> Stamp:
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _settled(stamps: tuple[Stamp, ...]) -> bool:
    """Return whether the youngest file is older than a second, and not from the future (another machine's clock)."""
    youngest = max((max(stamp[2:]) for stamp in stamps if stamp), default=0)
    return time.time() - youngest / 1e9 >= SETTLED
