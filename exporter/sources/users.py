"""Names of users, of the machine that is watched: inside a container the same number has another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.host import printable, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host

try:
    import pwd
except ImportError:  # Windows; there psutil names the user
    pwd = None  # type: ignore[assignment]


class UserNames:
    """Looks each number up once: a directory service may answer slowly, and names hardly ever change."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._names: dict[int, str] = {}

    def name(self, uid: int) -> str:
        """Return the user's name, or the number where it has none."""
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
