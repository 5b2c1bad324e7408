"""The application's log: each event starts exactly one line, whatever a client sends."""

from __future__ import annotations

import logging


class Lines(logging.Formatter):
    """Formats like gunicorn. Text from outside can neither start a new line nor control the terminal."""

    def __init__(self) -> None:
        super().__init__("[{asctime}] [{process}] [{levelname}] {message}", "%Y-%m-%d %H:%M:%S %z", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - overrides logging
        """Return the line with unprintable characters escaped."""
        record.message = escaped(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802 - overrides logging
        """Return the traceback, indented, so that a multi-line message cannot pass for another event."""
        return "\n".join(f"    {escaped(line)}" for line in super().formatException(ei).splitlines())


def escaped(text: str) -> str:
    r"""Return the text with line breaks, control characters and the like escaped as \n, \x1b and so on."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def set_up(log: logging.Logger) -> None:
    """Send the logger's lines to standard error, once, however many applications a process creates."""
    if not any(isinstance(handler.formatter, Lines) for handler in log.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(Lines())
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
