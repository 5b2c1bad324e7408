"""Which alerts fire at the stack's Prometheus, for the page's links: that mail cannot be sent is not said by mail."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from typing import Any

from exporter.sources.host import printable

TIMEOUT = 3.0
"""Seconds that Prometheus may take to answer."""
KEPT = 10.0
"""Seconds for which an answer is shown before it is asked for again."""
NOT_ALARMING = frozenset({"none", "info"})


class FiringAlerts:
    """What Prometheus said last. Asked in the background when somebody looks, so the page waits for nothing."""

    def __init__(self, url: str) -> None:
        self._address = f"{url.rstrip('/')}/api/v1/alerts"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._asking = threading.Lock()
        self._asked = float("-inf")
        self._words = ""

    def words(self) -> str:
        """Return "2 firing: HostHighCpu, Watchdog", "does not answer", or nothing while all is well."""
        if time.monotonic() - self._asked > KEPT and self._asking.acquire(blocking=False):
            threading.Thread(target=self._ask, name="alerts", daemon=True).start()
        return self._words

    def _ask(self) -> None:
        try:
            with self._opener.open(self._address, timeout=TIMEOUT) as answer:
                self._words = firing(json.load(answer))
        except Exception:  # noqa: BLE001 - refused, too late, no JSON, no HTTP: the owner is told the same
            self._words = "does not answer"
        finally:
            self._asked = time.monotonic()
            self._asking.release()


def firing(answer: Any) -> str:
    """Return which alerts fire in an answer of Prometheus' /api/v1/alerts. Raises LookupError, TypeError."""
    names = sorted(
        {
            printable(str(alert["labels"]["alertname"]))
            for alert in answer["data"]["alerts"]
            if alert["state"] == "firing" and alert["labels"].get("severity") not in NOT_ALARMING
        }
    )
    if not names:
        return ""
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} firing: {shown}"
