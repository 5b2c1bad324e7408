"""A filesystem that is mounted and does not respond: a minimal FUSE server that speaks the kernel's protocol.

``python -m tests.faults.silent_mount FOLDER [UID]`` mounts it, for all users or for one alone. It prints "mounted", and
"asked" when its usage is requested; it responds only after a line on its standard input. When it exits, waiting callers
get an error, as after an abort.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import threading

INIT, GETATTR, STATFS, FORGET = 26, 3, 17, 2
REQUEST = struct.Struct("=IIQQIIIHH")
ANSWER = struct.Struct("=IiQ")
ENOSYS = 38
FOLDER_MODE = 0o40755
FIGURES = struct.pack("=QQQQQIIII24x", 1000, 250, 250, 100, 60, 4096, 255, 4096, 0)
"""Blocks, free, available, inodes, free inodes, block size, longest name, fragment size: 75 % are used."""


def mount(folder: str, user: str = "") -> int:
    """Mount the filesystem and return the file through which the kernel talks. Raises OSError."""
    channel = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={channel},rootmode={FOLDER_MODE:o},user_id={user or 0},group_id=0{'' if user else ',allow_other'}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"silent", folder.encode(), b"fuse.silent", 0, options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), folder)
    return channel


def answers(code: int) -> bytes | None:
    """Return the response to a request, None for an unknown one."""
    if code == INIT:  # version 7.31, without options
        return struct.pack("=IIIIHHII36x", 7, 31, 0, 0, 0, 0, 4096, 1)
    if code == GETATTR:  # a folder, inode 1, cached for 0 s
        attributes = struct.pack("=6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, FOLDER_MODE, 2, 0, 0, 0, 4096, 0)
        return struct.pack("=QII", 0, 0, 0) + attributes
    return FIGURES if code == STATFS else None


def say(word: str) -> None:
    print(word, flush=True)


def serve(channel: int, may_answer: threading.Event) -> None:
    """Serve the kernel until the filesystem is unmounted; requests for usage wait for ``may_answer``."""

    def answer(unique: int, body: bytes | None) -> None:
        data = body or b""
        os.write(channel, ANSWER.pack(ANSWER.size + len(data), 0 if body is not None else -ENOSYS, unique) + data)

    def answer_later(unique: int) -> None:
        may_answer.wait()
        answer(unique, FIGURES)

    while True:
        try:
            _, code, unique, *_ = REQUEST.unpack_from(os.read(channel, 1 << 17))
        except OSError:  # unmounted
            return
        if code == STATFS:
            say("asked")
            threading.Thread(target=answer_later, args=[unique], daemon=True).start()
        elif code != FORGET:
            answer(unique, answers(code))


if __name__ == "__main__":
    kernel, allowed = mount(*sys.argv[1:]), threading.Event()
    threading.Thread(target=serve, args=[kernel, allowed], daemon=True).start()
    say("mounted")
    sys.stdin.readline()
    allowed.set()
    sys.stdin.read()
