"""How the kernel says that its clock is kept right: adjtimex(2), asked without changing anything (Linux)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.host import LINUX

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM = 512
"""Bytes for struct timex, which has 208 at most: the rest is for what later kernels may add."""

STA_NANO = 0x2000
TIME_ERROR = 5
UNKNOWN_ERROR = 16_000_000
"""Microseconds. The kernel lets the maximum error grow up to here and no further, and begins there at boot."""


@dataclass(frozen=True, slots=True)
class Timex:
    """``offset_seconds`` is what is left to correct, ``max_error_seconds`` by how much the clock may be wrong at most.

    Without a time service there is no offset. The error is None where the kernel no longer knows it.
    """

    synchronized: bool
    offset_seconds: float | None
    max_error_seconds: float | None


class KernelClock:
    """Asks the kernel; the C library is looked up once."""

    def __init__(self) -> None:
        self._call: Callable[[], Timex | None] | None = None

    def read(self) -> Timex | None:
        """Return the state of the clock; None where it is not to be had (another system, a strict seccomp filter)."""
        if self._call is None:
            self._call = _open() if LINUX else _nothing
        return self._call()


def timex(state: int, status: int, offset: int, max_error: int) -> Timex:
    """Return what a call says: its result and the fields of struct timex."""
    # Also without STA_UNSYNC, if the pulse of a receiver (PPS) that should keep it right is lost.
    synchronized = state != TIME_ERROR
    unit = 1e-9 if status & STA_NANO else 1e-6
    error = max_error * 1e-6 if max_error < UNKNOWN_ERROR else None
    return Timex(synchronized, offset * unit if synchronized else None, error)


def _nothing() -> None:
    return None


def _open() -> Callable[[], Timex | None]:
    import ctypes  # noqa: PLC0415 - other systems do without its memory

    class Fields(ctypes.Structure):
        """The beginning of struct timex: with C's long, it is right on 32 and 64 bits, in glibc and in musl."""

        _fields_ = (
            ("modes", ctypes.c_uint),
            ("offset", ctypes.c_long),
            ("freq", ctypes.c_long),
            ("maxerror", ctypes.c_long),
            ("esterror", ctypes.c_long),
            ("status", ctypes.c_int),
        )

    try:
        # What the process has loaded already, so no name of a file is needed, which differs between C libraries.
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return _nothing
    adjtimex.argtypes = [ctypes.c_void_p]

    def call() -> Timex | None:
        room = ctypes.create_string_buffer(ROOM)  # zeros: modes 0 changes nothing and needs no privilege
        state = adjtimex(room)
        fields = Fields.from_buffer(room)
        return None if state < 0 else timex(state, fields.status, fields.offset, fields.maxerror)

    return call
