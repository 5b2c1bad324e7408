"""Errors that a user can fix: each message is one line that says what is wrong and what is accepted."""


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
