"""Errors that a user can fix: each message is one line that says what is wrong and what is accepted."""

import errno

SOCKET_ERRORS = {
    errno.EADDRINUSE: "Address already in use",
    errno.EADDRNOTAVAIL: "Cannot assign requested address",
    errno.ECONNREFUSED: "Connection refused",
    errno.EACCES: "Permission denied",
}
"""The words of the C library. Windows takes a long sentence for each, in the language of its user."""


def cause(reason: object) -> str:
    """Return what an error, or the text in place of one, says: without a number or the name of a file."""
    if isinstance(reason, OSError) and reason.errno in SOCKET_ERRORS:
        return SOCKET_ERRORS[reason.errno]
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


MEMORY = (
    "out of memory: a limit (ulimit -v, MemoryMax, mem_limit) is too low, or the machine's is used up; "
    "allow 128 MiB, and 512 MiB of address space"
)
FILES = "too many open files: the limit (ulimit -n) is too low, or the machine has reached its own; allow 1024"


def shortage(reason: BaseException) -> str:
    """Return what there was too little of, and how much is enough, if that is why something failed; else ""."""
    number = getattr(reason, "errno", None)
    if number in {errno.EMFILE, errno.ENFILE}:
        return FILES
    # A library that cannot be loaded for want of memory is an ImportError; its words are the C library's.
    unloaded = isinstance(reason, ImportError) and ("allocate" in str(reason) or "failed to map" in str(reason))
    return MEMORY if isinstance(reason, MemoryError) or number in {errno.ENOMEM, errno.ENOBUFS} or unloaded else ""


class UserError(Exception):
    """Ends the command with its message. ``exit_code`` is 2 for bad input, 1 if the environment is at fault."""

    exit_code = 2


class SettingError(UserError, ValueError):
    """A setting with an unacceptable value."""

    def __init__(self, flag: str, value: object, accepted: str) -> None:
        super().__init__(f"{flag}: {str(value)!r} is not accepted; give {accepted}")


class ExportError(UserError):
    """A file that rows cannot be appended to."""


class ServerError(UserError):
    """An address to listen on that is not available, or a server that cannot be reached."""

    exit_code = 1


class DesktopError(UserError):
    """The window cannot be shown: no Tk, or no display."""

    exit_code = 1


class AccessError(UserError):
    """A web configuration, or a file it refers to, that is missing or invalid."""
