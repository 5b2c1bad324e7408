"""Expositions ready to be sent, encoded once per sample, however many scrapers there are."""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING

from prometheus_client import ProcessCollector

from exporter.render.encoder import Encoder
from exporter.render.exposition import snapshot_families

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

GZIP_WINDOW = 16 + 13
"""16 selects the gzip format. A window of 8 KiB holds a hundred lines and compresses as well as one of 32 KiB."""

KEPT = 8
"""Encoded forms of a sample to keep; any further form is encoded on each request."""


class Expositions:
    """A cache of the encoded forms of the latest sample; a new sample empties it."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._process = ProcessCollector(registry=None)
        self._encoder = Encoder()
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._bodies: dict[tuple[str, bool], tuple[bytes, dict[str, str]]] = {}

    def get(
        self, snapshot: Snapshot, only: frozenset[str] | None, accept: str, gzipped: bool
    ) -> tuple[bytes, dict[str, str]]:
        """Return the body and headers for a snapshot, of all collectors or of those in ``only``."""
        if only is not None:  # rare, and clients could request a thousand combinations: not cached
            return self._encode(snapshot, only, accept, gzipped)
        with self._lock:
            if snapshot is not self._snapshot:
                self._snapshot, self._bodies = snapshot, {}
            answer = self._bodies.get((accept, gzipped))
            if answer is None:
                answer = self._encode(snapshot, None, accept, gzipped)
                if len(self._bodies) < KEPT:  # so that clients that keep changing headers cannot fill the memory
                    self._bodies[accept, gzipped] = answer
            return answer

    def _encode(
        self, snapshot: Snapshot, only: frozenset[str] | None, accept: str, gzipped: bool
    ) -> tuple[bytes, dict[str, str]]:
        families = [*snapshot_families(snapshot, self._thresholds, only), *self._process.collect()]
        # Those in ``only`` would make it forget the lines of all the others.
        encoder = self._encoder if only is None else Encoder()
        body, content_type = encoder.encode(families, accept)
        headers = {"Content-Type": content_type, "Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding"}
        if gzipped:
            body = _gzip(body)
            headers["Content-Encoding"] = "gzip"
        return body, headers


def _gzip(body: bytes) -> bytes:
    """Return the body compressed, using 64 KiB instead of 256 KiB in each thread's heap."""
    packer = zlib.compressobj(1, zlib.DEFLATED, wbits=GZIP_WINDOW, memLevel=6)
    return packer.compress(body) + packer.flush()
