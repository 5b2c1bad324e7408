"""The folder of received images: bounded, oldest deleted first, and no failure in it fails a request."""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

    from PIL import Image
    from prometheus_client import Counter

FORM = "%Y-%m-%dT%H-%M-%S.%fZ"  # sorts by time; no colons, which Windows does not allow in file names
OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}Z\.png")


class Gallery:
    """Saves pictures as PNGs named after the time (UTC). Other files in the folder are left alone.

    Keeps at most ``most`` pictures and ``most_bytes`` in total. The limits hold for one process only: its lock guards
    them.
    """

    def __init__(self, folder: str, most: int, most_bytes: int, failures: Counter, log: logging.Logger) -> None:
        self._folder = folder
        self._most = most
        self._most_bytes = most_bytes
        self._failures = failures
        self._log = log
        self._lock = threading.Lock()
        self._trouble = ""

    def keep(self, picture: Image.Image) -> None:
        """Save a picture, re-encoded so that nothing the client sent is stored except the pixels."""
        if not self._most:
            return
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        with self._lock:
            try:
                os.makedirs(self._folder, exist_ok=True)
                self._make_room(len(buffer.getbuffer()))
                self._write(buffer.getbuffer())
            except OSError as error:
                self._failures.inc()
                self._note(f"cannot save images in {self._folder!r}: {error.strerror or error}")
            else:
                self._note("")

    def _make_room(self, size: int) -> None:
        if size > self._most_bytes:
            raise OSError(f"an image of {size} bytes is larger than the limit for all of them together")
        with os.scandir(self._folder) as entries:
            kept = sorted((e.name, e.stat(follow_symlinks=False).st_size) for e in entries if OURS.fullmatch(e.name))
        total = sum(size for _, size in kept) + size
        for number, (name, freed) in enumerate(kept):
            if len(kept) - number < self._most and total <= self._most_bytes:
                break
            with contextlib.suppress(FileNotFoundError):  # already deleted by somebody else
                os.remove(os.path.join(self._folder, name))
            total -= freed

    def _write(self, data: memoryview) -> None:
        now = datetime.now(UTC)
        while True:
            path = os.path.join(self._folder, f"{now.strftime(FORM)}.png")
            try:
                file = open(path, "xb")  # noqa: SIM115 - closed below
                break
            except FileExistsError:
                now += timedelta(microseconds=1)
        try:
            with file:
                file.write(data)
        except OSError:  # a full disk: do not leave half a picture
            with contextlib.suppress(OSError):
                os.remove(path)
            raise

    def _note(self, trouble: str) -> None:
        """Log changes only, not every picture."""
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                self._log.warning(trouble)
            else:
                self._log.info("images can be saved again")
