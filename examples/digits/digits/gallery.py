"""The folder of received images: bounded, the oldest go first, and never a reason for an answer to fail."""

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

FORM = "%Y-%m-%dT%H-%M-%S.%fZ"  # sorts by time, and Windows takes it as a file's name: it has no colon
OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}Z\.png")


class Gallery:
    """Keeps pictures as PNGs named by the time (UTC). Files with other names in the folder are left alone.

    ``most`` pictures of ``most_bytes`` together at most. The bounds hold while there is one process: a lock in it.
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
        """Keep a picture, encoded anew: nothing that the client wrote beside the pixels is stored."""
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
                self._note(f"images are not kept in {self._folder!r}: {error.strerror or error}")
            else:
                self._note("")

    def _make_room(self, size: int) -> None:
        if size > self._most_bytes:
            raise OSError(f"an image of {size} bytes is larger than all of them may be together")
        with os.scandir(self._folder) as entries:
            kept = sorted((e.name, e.stat(follow_symlinks=False).st_size) for e in entries if OURS.fullmatch(e.name))
        total = sum(size for _, size in kept) + size
        for number, (name, freed) in enumerate(kept):
            if len(kept) - number < self._most and total <= self._most_bytes:
                break
            with contextlib.suppress(FileNotFoundError):  # somebody tidied up
                os.remove(os.path.join(self._folder, name))
            total -= freed

    def _write(self, data: memoryview) -> None:
        now = datetime.now(UTC)
        while True:
            path = os.path.join(self._folder, f"{now.strftime(FORM)}.png")
            try:
                file = open(path, "xb")  # noqa: SIM115 - closed below; an existing name is tried again
                break
            except FileExistsError:
                now += timedelta(microseconds=1)
        try:
            with file:
                file.write(data)
        except OSError:  # a full disk: half a picture is none
            with contextlib.suppress(OSError):
                os.remove(path)
            raise

    def _note(self, trouble: str) -> None:
        """Log a change, not each picture."""
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                self._log.warning(trouble)
            else:
                self._log.info("images are kept again")
