"""Mail over SMTP, with connections kept open between mails."""

from __future__ import annotations

import smtplib
import ssl
from collections import deque
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from services.notification.ports import PermanentFailure, TransientFailure

TIMEOUT = 15.0  # seconds, below the lease of a job: two workers never send the same mail at once
KEPT = 4  # idle connections per process: more than that, and mail servers begin to count


class SmtpTransport:
    """smtp://host:port (plain, for relays beside us), smtp+starttls://user:password@host:port, smtps://…"""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url, self._timeout = urlsplit(url), timeout
        if self._url.scheme not in ("smtp", "smtp+starttls", "smtps") or not self._url.hostname:
            raise ValueError("SMTP_URL: use smtp://host:port, smtp+starttls://user:password@host:port or smtps://…")
        self._idle: deque[smtplib.SMTP] = deque(maxlen=KEPT)

    def send(self, mail: EmailMessage, sender: str, recipient: str) -> str:
        connection = self._connection()
        try:
            connection.send_message(mail, from_addr=sender, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as refused:
            self._keep(connection)
            code = next(iter(refused.recipients.values()))[0]
            raise _failure(f"recipient refused ({code})", permanent=code >= 500) from None
        except smtplib.SMTPDataError as refused:
            self._keep(connection)
            raise _failure(f"mail refused ({refused.smtp_code})", permanent=refused.smtp_code >= 500) from None
        except smtplib.SMTPNotSupportedError:
            self._keep(connection)
            raise PermanentFailure("the mail server cannot write to this address") from None
        except (smtplib.SMTPException, OSError) as broken:
            # also a refused sender: that is our configuration, and somebody will mend it
            connection.close()
            raise TransientFailure(type(broken).__name__) from None
        self._keep(connection)
        return str(mail["Message-ID"])

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> smtplib.SMTP:
        while self._idle:
            connection = self._idle.pop()
            try:
                if connection.noop()[0] == 250:
                    return connection
            except (smtplib.SMTPException, OSError):
                pass  # the server closed it meanwhile
            connection.close()
        try:
            return self._connect()
        except (smtplib.SMTPException, OSError) as broken:
            raise TransientFailure(type(broken).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "smtps":
            context = ssl.create_default_context()
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=self._timeout, context=context)
        else:
            connection = smtplib.SMTP(host, port or 25, timeout=self._timeout)
        try:
            if self._url.scheme == "smtp+starttls":
                connection.starttls(context=ssl.create_default_context())
            if self._url.username:
                connection.login(unquote(self._url.username), unquote(self._url.password or ""))
        except BaseException:
            connection.close()
            raise
        return connection

    def _keep(self, connection: smtplib.SMTP) -> None:
        if len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()


def _failure(reason: str, permanent: bool) -> Exception:
    return PermanentFailure(reason) if permanent else TransientFailure(reason)
