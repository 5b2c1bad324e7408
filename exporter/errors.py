"""Errors that are the user's to mend: each text is one line that says what was wrong and what is accepted."""


class UserError(Exception):
    """Ends the command with its text. ``exit_code`` is 2 for bad input, 1 where the machine does not allow it."""

    exit_code = 2


class SettingError(UserError, ValueError):
    """A setting that is not accepted."""

    def __init__(self, flag: str, value: object, accepted: str) -> None:
        super().__init__(f"{flag}: {str(value)!r} is not accepted; give {accepted}")


class ExportError(UserError):
    """A file that rows cannot be appended to."""


class ServerError(UserError):
    """An address that cannot be listened on."""

    exit_code = 1


class DesktopError(UserError):
    """A window that cannot be shown: no Tk, no screen."""

    exit_code = 1


class AccessError(UserError):
    """A web configuration, or a file that it names, which cannot be taken."""
