"""A mailbox read now and then: for whoever cannot point a domain's MX at us. What was stored is marked as seen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from services.mailin.authenticity import Envelope
from services.mailin.spool import Spool
from shared.contracts.mail import LONGEST_MAIL
from shared.ops.settings import SettingsRefused

log = logging.getLogger(__name__)
EVERY = 30.0  # seconds
MOST = 200  # mails per round
TIMEOUT = 30


class Mailbox:
    """url: imaps://user:password@host:993/INBOX; imap:// for a server beside us."""

    def __init__(self, url: str, spool: Spool, every: float = EVERY, timeout: float = TIMEOUT) -> None:
        self._url, self._spool, self._every, self._timeout = urlsplit(url), spool, every, timeout
        if self._url.scheme not in ("imap", "imaps") or not self._url.hostname or not self._url.username:
            raise SettingsRefused("IMAP_URL: use imaps://user:password@host:993/INBOX")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="imap", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                fetched = self.fetch()
            except Exception as failed:
                log.warning("mailbox not read: %s", type(failed).__name__)
                fetched = 0
            if fetched < MOST:
                self._stopping.wait(self._every)

    def fetch(self) -> int:
        """Store what is new, then mark it; a crash between the two only brings it again. How many."""
        from imap_tools import AND, MailBox, MailBoxUnencrypted

        kind: Callable[..., Any] = MailBox if self._url.scheme == "imaps" else MailBoxUnencrypted
        port = self._url.port or (993 if self._url.scheme == "imaps" else 143)
        user, password = unquote(self._url.username or ""), unquote(self._url.password or "")
        folder = unquote(self._url.path.strip("/")) or "INBOX"
        with kind(self._url.hostname, port=port, timeout=self._timeout).login(user, password, folder) as mailbox:
            uids = mailbox.uids(AND(seen=False))[:MOST]
            return sum(self._take(mailbox, uid) for uid in uids)

    def _take(self, mailbox: Any, uid: str) -> bool:
        """Store one mail, then mark it; one that the server cannot give stays as it is and holds up no other."""
        raw = _source(mailbox, uid)
        if raw is None:
            log.warning("mail %s of the mailbox cannot be read", uid)
            return False
        if len(raw) > LONGEST_MAIL:
            log.warning("mail %s of the mailbox is left there: it is larger than %d bytes", uid, LONGEST_MAIL)
        else:
            self._spool.put([], Envelope(via="imap"), raw)
        mailbox.flag(uid, "\\Seen", True)
        return True


def _source(mailbox: Any, uid: str) -> bytes | None:
    """Byte for byte: a signature holds over nothing else."""
    import imaplib

    try:
        _, parts = mailbox.client.uid("FETCH", uid, "(BODY.PEEK[])")
    except imaplib.IMAP4.abort:
        raise  # the connection is gone
    except imaplib.IMAP4.error:
        return None
    return next((part[1] for part in parts if isinstance(part, tuple)), None)
