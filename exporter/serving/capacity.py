"""How many connections may be open at once."""

import os

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

CONNECTIONS = 200
"""Maximum number of open connections; beyond it, the one that has been idle longest is closed."""

FILES = 56
"""File descriptors reserved for everything else if the system's limit does not allow CONNECTIONS."""


LEAST = 8
"""File descriptors without which nobody could be served: 4 for connections, the others for collectors."""


def check_files() -> None:
    """Raise OSError if there are too few file descriptors left to serve anybody."""
    taken: list[int] = []
    try:
        while len(taken) < LEAST:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    finally:
        for each in taken:
            os.close(each)


def connections_allowed() -> int:
    """Return the maximum number of open connections: fewer than CONNECTIONS if the limit on open files is low."""
    if resource is None:
        return CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if files < 0 else max(4, min(CONNECTIONS, files - FILES))
