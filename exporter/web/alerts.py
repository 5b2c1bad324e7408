"""Firing alerts from Prometheus, shown beside the page's links: no mail can report that mail cannot be sent."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from typing import Any

from exporter.sources.host import printable
from exporter.threads import Spare

TIMEOUT = 3.0
"""Seconds after which a request to Prometheus times out."""
KEPT = 10.0
"""Seconds for which an answer is shown before Prometheus is asked again."""
NOT_ALARMING = frozenset({"none", "info"})


class FiringAlerts:
    """The latest answer of Prometheus. It is queried in the background on page views, so the page never waits."""

    def __init__(self, url: str) -> None:
        self._address = f"{url.rstrip('/')}/api/v1/alerts"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._asking = threading.Lock()
        self._asked = float("-inf")
        self._words = ""
        self._spare = Spare("alerts", "the page does not ask Prometheus for alerts")

    def words(self) -> str:
        """Return "2 firing: HostHighCpu, HostHighMemory", "not answering", or an empty string if all is well."""
        due = time.monotonic() - self._asked > KEPT and self._asking.acquire(blocking=False)
        if due and not self._spare.start(self._ask):
            self._words = "not asked: no thread"
            self._asking.release()
        return self._words

    def _ask(self) -> None:
        try:
            with self._opener.open(self._address, timeout=TIMEOUT) as answer:
                self._words = firing(json.load(answer))
        except Exception:  # noqa: BLE001 - refused, timed out, not JSON, not HTTP: all the same to the owner
            self._words = "not answering"
        finally:
            self._asked = time.monotonic()
            self._asking.release()


def firing(answer: Any) -> str:
    """Return which alerts fire according to a response of Prometheus' /api/v1/alerts.

    Raises LookupError or TypeError if the response has another form.
    """
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
