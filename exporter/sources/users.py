"""User names on the monitored machine: inside a container, the same user ID may have another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.host import printable, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host

try:
    import pwd
except ImportError:  # Windows, where psutil gives the name
    pwd = None  # type: ignore[assignment]


class UserNames:
    """Looks up each user ID once: a directory service may be slow, and names hardly ever change."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._names: dict[int, str] = {}

    def name(self, uid: int) -> str:
        """Return the user's name, or the ID if it has none."""
        if uid not in self._names:
            self._names[uid] = printable(self._look_up(uid) or str(uid))
        return self._names[uid]

    def _look_up(self, uid: int) -> str | None:
        if self._host.rootfs:
            for line in (read_text(self._host.inside("/etc/passwd")) or "").splitlines():
                fields = line.split(":")
                if len(fields) > 2 and fields[2] == str(uid):
                    return fields[0]
            return None
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return None
