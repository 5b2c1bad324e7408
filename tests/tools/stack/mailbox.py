"""A mail server on loopback that stores the mails it receives."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Mail:
    """One mail and its arrival time (Unix)."""

    time: float
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    def body(self, kind: str = "plain") -> str:
        """Return the text, or the HTML with ``kind`` "html"."""
        part = self.message.get_body((kind,))
        assert part is not None, f"the mail has no {kind} part"
        text: str = part.get_content()
        return text.replace("\r\n", "\n")

    def prose(self) -> str:
        """Return the text as one line: where it is wrapped says nothing."""
        return " ".join(self.body().split())


class Mailbox:
    """The server; ``login`` makes it require user and password, ``tls`` makes it require STARTTLS."""

    def __init__(
        self,
        port: int,
        *,
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        on_mail: Callable[[Mail], None] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.port = port
        self.mails: list[Mail] = []
        self.logins: list[tuple[str, str]] = []
        self._login = login
        self._on_mail = on_mail
        self._news = threading.Condition()
        options: dict[str, Any] = {}
        if login:
            # No LOGIN: Go's clients do not accept this server's prompts. Most real servers offer PLAIN anyway.
            options |= {"authenticator": self._authenticate, "auth_exclude_mechanism": ["LOGIN"]}
            options |= {"auth_required": True, "auth_require_tls": tls is not None}
        if tls:
            options |= {"tls_context": tls, "require_starttls": True}
        self._server = Controller(self, hostname=host, port=port, **options)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def wait(self, text: str, seconds: float = 90, *, after: int = 0) -> Mail:
        """Return the first mail, from number ``after`` on, whose subject contains ``text``."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                found = [mail for mail in self.mails[after:] if text in mail.subject]
                if found:
                    return found[0]
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no mail {text!r} in {seconds} s, but {self.subjects()}")
                self._news.wait(left)

    def subjects(self) -> list[str]:
        """Return the subjects of all mails in order of arrival."""
        return [mail.subject for mail in self.mails]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Accept a mail."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = message_from_bytes(content, policy=policy.default)
        mail = Mail(time.time(), tuple(envelope.rcpt_tos), message)
        with self._news:
            self.mails.append(mail)
            self._news.notify_all()
        if self._on_mail:
            self._on_mail(mail)
        return "250 taken"

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given)
        return AuthResult(success=given == self._login, handled=False)
