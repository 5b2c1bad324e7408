"""The application's log: one event begins one line, whatever a client sent."""

from __future__ import annotations

import logging


class Lines(logging.Formatter):
    """As gunicorn's own lines. Text that came from outside can neither begin a line nor move a terminal's cursor."""

    def __init__(self) -> None:
        super().__init__("[{asctime}] [{process}] [{levelname}] {message}", "%Y-%m-%d %H:%M:%S %z", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging gives it
        """Return the line, what cannot be printed escaped."""
        record.message = escaped(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802 - the name that logging gives it
        """Return the traceback, set in: a message of several lines cannot pass for an event of its own."""
        return "\n".join(f"    {escaped(line)}" for line in super().formatException(ei).splitlines())


def escaped(text: str) -> str:
    r"""Return the text with line ends, control characters and the like as \n, \x1b and so on."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def set_up(log: logging.Logger) -> None:
    """Send the logger's lines to standard error, once, however many applications a process makes."""
    if not any(isinstance(handler.formatter, Lines) for handler in log.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(Lines())
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
