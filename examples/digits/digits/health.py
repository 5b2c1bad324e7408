"""``python -m digits.health [ADDRESS]``: exits with 0 if the application responds; for container health checks."""

from __future__ import annotations

import sys
import urllib.request

# /metrics, because requests to it are not counted: health checks would drown out real traffic.
ADDRESS = "http://127.0.0.1:8000/metrics"


def main(address: str = ADDRESS) -> str | None:
    """Return None if all is well, otherwise one line that says what is wrong."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - the address is the operator's own
            answer.read()
    except (OSError, ValueError) as error:
        return f"{address}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
