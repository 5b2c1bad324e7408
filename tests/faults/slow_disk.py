"""A file on a filesystem that answers slowly or not at all, for a disk that is made of it (losetup).

``python -m tests.faults.slow_disk FOLDER`` mounts it by the kernel's FUSE protocol and prints "mounted". Each line on
its standard input is how many seconds each read and write takes from then on, and is answered by "so be it"; "never"
stops answering until another line.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
import time

from tests.faults.silent_mount import ANSWER, ENOSYS, FOLDER_MODE, INIT, REQUEST, mount, say

FORGET, BATCH_FORGET, INTERRUPT = 2, 42, 36
LOOKUP, GETATTR, OPEN, READ, WRITE, RELEASE, FSYNC, FLUSH = 1, 3, 14, 15, 16, 18, 20, 25
FILE_MODE = 0o100600
SIZE = 64 << 20
DIRECT = 1
"""FOPEN_DIRECT_IO: each request reaches this program."""

WRITE_HEAD = 40
"""Bytes of a request to write before what is written."""
ANSWERS = {
    INIT: struct.pack("=IIIIHHII36x", 7, 31, 0, 0, 0, 0, 1 << 17, 1),
    OPEN: struct.pack("=QII", 1, DIRECT, 0),
    RELEASE: b"",
    FSYNC: b"",
    FLUSH: b"",
}


def attributes(inode: int) -> bytes:
    """Return the attributes of the folder (inode 1) or of its file, cached for 0 s."""
    mode, size = (FOLDER_MODE, 0) if inode == 1 else (FILE_MODE, SIZE)
    return struct.pack("=6Q10I", inode, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class Disk:
    """Its contents and how long each read and write takes, in seconds; None for those that are never answered."""

    def __init__(self) -> None:
        self.content = bytearray(SIZE)
        self.takes: float | None = 0.0
        self.changed = threading.Event()

    def wait(self) -> None:
        """Wait as long as a request takes."""
        while self.takes is None:
            self.changed.wait()
        time.sleep(self.takes)

    def answer(self, code: int, inode: int, body: bytes) -> bytes | None:
        """Return the response to a request, None for an unknown one."""
        if code in {READ, WRITE}:
            return self._move(code, body)
        if code == LOOKUP:
            return struct.pack("=QQQQII", 2, 1, 0, 0, 0, 0) + attributes(2)
        if code == GETATTR:
            return struct.pack("=QII", 0, 0, 0) + attributes(inode)
        return ANSWERS.get(code)

    def _move(self, code: int, body: bytes) -> bytes:
        self.wait()
        _, offset, size = struct.unpack_from("=QQI", body)
        if code == READ:
            return bytes(self.content[offset : offset + size])
        self.content[offset : offset + size] = body[WRITE_HEAD : WRITE_HEAD + size]
        return struct.pack("=II", size, 0)


def serve(channel: int, disk: Disk) -> None:
    """Serve the kernel until the filesystem is unmounted."""

    def answer(unique: int, code: int, inode: int, body: bytes) -> None:
        data = disk.answer(code, inode, body)
        text = data or b""
        os.write(channel, ANSWER.pack(ANSWER.size + len(text), 0 if data is not None else -ENOSYS, unique) + text)

    while True:
        try:
            request = os.read(channel, 1 << 21)
        except OSError:  # unmounted
            return
        _, code, unique, inode, *_ = REQUEST.unpack_from(request)
        if code not in {FORGET, BATCH_FORGET, INTERRUPT}:
            body = request[REQUEST.size :]
            threading.Thread(target=answer, args=[unique, code, inode, body], daemon=True).start()


if __name__ == "__main__":
    kernel, made = mount(sys.argv[1]), Disk()
    threading.Thread(target=serve, args=[kernel, made], daemon=True).start()
    say("mounted")
    for line in sys.stdin:
        made.takes = None if line.strip() == "never" else float(line)
        made.changed.set()
        if made.takes is None:
            made.changed.clear()
        say("so be it")
    os._exit(0)
