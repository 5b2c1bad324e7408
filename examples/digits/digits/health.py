"""``python -m digits.health [ADDRESS]``: exit code 0 where the application answers, for a container's health check."""

from __future__ import annotations

import sys
import urllib.request

# /metrics, because it is not counted itself: health checks would drown what people do.
ADDRESS = "http://127.0.0.1:8000/metrics"


def main(address: str = ADDRESS) -> str | None:
    """Return nothing where all is well, or what is wrong in one line."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - the address is the operator's own
            answer.read()
    except (OSError, ValueError) as error:
        return f"{address}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
