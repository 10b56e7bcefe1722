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

    def __init__(self, url: str, spool: Spool, every: float = EVERY) -> None:
        self._url, self._spool, self._every = urlsplit(url), spool, every
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
        with kind(self._url.hostname, port=port, timeout=TIMEOUT).login(user, password, folder) as mailbox:
            uids = mailbox.uids(AND(seen=False))[:MOST]
            for uid in uids:
                raw = _source(mailbox, uid)
                if raw is not None and len(raw) <= LONGEST_MAIL:
                    self._spool.put([], Envelope(via="imap"), raw)
                mailbox.flag(uid, "\\Seen", True)
        return len(uids)


def _source(mailbox: Any, uid: str) -> bytes | None:
    """Byte for byte: a signature holds over nothing else."""
    _, parts = mailbox.client.uid("FETCH", uid, "(BODY.PEEK[])")
    return next((part[1] for part in parts if isinstance(part, tuple)), None)
