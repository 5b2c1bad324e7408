"""The benchmark's measurements of the long-term store."""

from __future__ import annotations

import tempfile
import time
import urllib.request
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fleet import history
from tests.fleet.fleet import Fleet
from tests.fleet.stack import SEED, figure
from tests.fleet.stored import victoriametrics
from tests.support import fetch

if TYPE_CHECKING:
    from tests.fleet.bench_figures import Store
    from tests.fleet.stored import Stored

SENT = 'prometheus_remote_storage_queue_highest_sent_timestamp_seconds{job="prometheus"}'
DAY = 86400
PARTS = ("storage/inmemory", "storage/small", "storage/big")
LINES = 100_000
"""Samples per request."""


def kept(url: str) -> tuple[float, float]:
    """Return the number of samples in a store and their bytes, index included, once everything has been merged."""
    for order in ("force_flush", "force_merge"):
        fetch(f"{url}/internal/{order}", wait=120)
        time.sleep(2)
    waited = time.monotonic() + 120
    while figure(url, "vm_active_force_merges") > 0 and time.monotonic() < waited:
        time.sleep(0.5)
    rows = sum(figure(url, f'vm_rows{{type="{part}"}}') for part in PARTS)
    return rows, figure(url, "vm_data_size_bytes")


def measure_store(store: Store, watched: Stored, window: float) -> None:
    """What both servers sent, how far they lagged, and how much of it is left after the merge."""
    longest = watched.query(f"max(max_over_time((timestamp({SENT}) - ({SENT} > 0))[{window:.0f}s:1s]))")
    store.behind = float(longest[0]["value"][1]) if longest else float("nan")
    failed, dropped = (
        f'sum(prometheus_remote_storage_samples_{what}_total{{job="prometheus"}})' for what in ("failed", "dropped")
    )
    store.lost = watched.number(f"{failed} + ({dropped} or vector(0))")
    rows, _ = kept(watched.store_url)
    store.kept = rows / watched.received()


def measure_bytes(machines: int = 2) -> float:
    """Return the bytes per sample for a whole day of machines, merged, with the index."""
    begin = time.time() // DAY * DAY - DAY
    with tempfile.TemporaryDirectory() as folder:
        server = victoriametrics(Path(folder))
        url = server.ready.removesuffix("/health")
        server.start()
        try:
            server.wait()
            lines = history.all_of_it(Fleet(machines, SEED), begin, DAY)
            while some := list(islice(lines, LINES)):
                send(url, some)
            rows, size = kept(url)
        finally:
            server.stop()
    return size / rows


def send(url: str, lines: list[str]) -> None:
    """Import OpenMetrics lines into a store, which expects timestamps in milliseconds."""
    parts = [line.rpartition(" ") for line in lines]
    text = "".join(f"{sample} {float(at) * 1000:.0f}\n" for sample, _, at in parts)
    request = urllib.request.Request(f"{url}/api/v1/import/prometheus", data=text.encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 204
