"""The mail server: says no at RCPT to what nobody waits for, and yes to DATA only when the mail is on disk."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from services.mailin.authenticity import Envelope
from services.mailin.desk import Desk, NoAnswer
from services.mailin.spool import Spool
from shared.contracts.mail import BOUNCES, LONGEST_MAIL

log = logging.getLogger(__name__)
MOST_RECIPIENTS = 20
IDLE = 120  # seconds
ATOM, LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9-]+"
PLAIN = re.compile(rf"\s*<({ATOM}(?:\.{ATOM})*)@({LABEL}(?:\.{LABEL})*)>\s*([^()]*)")


class Takes:
    """The hooks that aiosmtpd calls."""

    def __init__(self, spool: Spool, desk: Desk, relay: str) -> None:
        self._spool, self._desk, self._relay = spool, desk, relay.lower()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: SmtpEnvelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        local, _, domain = address.lower().rpartition("@")
        if domain != self._relay:
            return "550 5.7.1 We do not relay"
        if local != BOUNCES:
            lately = self._desk.remembered(address.lower())
            try:
                verdict = lately["state"] if lately else await asyncio.to_thread(self._desk.verdict, address.lower())
            except NoAnswer:
                return "451 4.3.0 Try again later"
            if verdict == "unknown":
                return "550 5.1.1 No such address, or it has expired"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: SmtpEnvelope) -> str:
        peer: Any = session.peer
        came = Envelope(
            mail_from=(envelope.mail_from or "").replace("<>", ""),  # aiosmtpd writes nobody like this
            peer=peer[0] if peer else "",
            helo=session.host_name or "",
        )
        raw = envelope.original_content or b""
        try:
            await asyncio.to_thread(self._spool.put, list(envelope.rcpt_tos), came, raw)
        except OSError as full:
            log.error("a mail could not be stored: %s", full)
            return "452 4.3.1 Insufficient system storage"
        return "250 2.0.0 OK, stored"


class Conversation(SMTP):
    """aiosmtpd's. An address that is written as nearly all are is read here: the library's parser of all that RFC 5322
    knows was a fifth of mail-in's work."""

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        plain = PLAIN.fullmatch(arg)
        return (f"{plain[1]}@{plain[2]}", plain[3]) if plain else super()._getaddr(arg)


class SmtpServer:
    """Listens until it is closed; what is under way may end."""

    def __init__(self, takes: Takes, hostname: str) -> None:
        self._takes, self._hostname = takes, hostname
        self._server: asyncio.Server | None = None
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells every line of every conversation

    async def listen(self, host: str, port: int) -> int:
        """Start, and answer the real port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._conversation, host, port, backlog=256)
        return self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server:
            self._server.close()

    def _conversation(self) -> SMTP:
        return Conversation(
            self._takes,
            hostname=self._hostname,
            ident="Aftersale",
            data_size_limit=LONGEST_MAIL,
            enable_SMTPUTF8=True,
            timeout=IDLE,
            loop=asyncio.get_running_loop(),
        )
