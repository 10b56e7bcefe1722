"""The SMTP server: takes every mail into the mailbox, unless a switch says otherwise. Built on aiosmtpd."""

import asyncio
import logging

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from services.simulator.faults import Switches, is_seconds, one_of
from services.simulator.mailbox import Mailbox

MAX_MAIL = 32 * 1024 * 1024  # bytes; common servers stop between 10 and 35 MB
# `refuse` is an SMTP code: 4xx asks to come back, 5xx is final. `cut` hangs up before or after the mail is kept.
EFFECTS = {"refuse": one_of(421, 450, 451, 452, 550, 552, 554), "cut": one_of("before", "after"), "slow": is_seconds}
# A switch strikes when the mail's body arrives, unless `at` is "rcpt"; `to` is one whole address.
FILTERS = {"at": "data", "to": None}
_SENTENCES = {421: "4.3.2 Service not available, closing transmission channel", 450: "4.2.1 Mailbox busy, try later",
              451: "4.3.0 Temporary failure, try later", 452: "4.3.1 Insufficient system storage",
              550: "5.1.1 No such mailbox here", 552: "5.2.2 Mailbox full", 554: "5.7.1 Message refused"}


class Catcher:
    """The hooks that aiosmtpd calls."""

    def __init__(self, mailbox: Mailbox, switches: Switches):
        self._mailbox = mailbox
        self._switches = switches

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str,
                          rcpt_options: list[str]) -> str:
        """Take any recipient."""
        effects = self._switches.drawn(at=("rcpt",), to=(address,))
        refusal = await _struck(server, effects)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail, then say so."""
        effects = self._switches.drawn(at=("data",), to=envelope.rcpt_tos)
        refusal = await _struck(server, effects)
        if refusal:
            return refusal
        number = self._mailbox.put(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b"")
        if effects.get("cut") == "after":
            await _hang_up(server)
        return f"250 2.0.0 OK kept as {number}"


async def _struck(server: SMTP, effects: dict) -> str | None:
    if "slow" in effects:
        await asyncio.sleep(effects["slow"])
    if effects.get("cut") == "before":
        await _hang_up(server)
    if "refuse" in effects:
        return f"{effects['refuse']} {_SENTENCES[effects['refuse']]}"
    return None


def _abort(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


async def _hang_up(server: SMTP) -> None:
    """Close the line without an answer; aiosmtpd cancels the conversation when it notices."""
    _abort(server)
    await asyncio.get_running_loop().create_future()


class SmtpServer:
    """Listens for mail on one port; any user and password are welcome."""

    def __init__(self, mailbox: Mailbox, switches: Switches):
        self._catcher = Catcher(mailbox, switches)
        self._talks: set[SMTP] = set()
        self._server: asyncio.Server | None = None
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells every line of every conversation

    async def listen(self, host: str, port: int) -> int:
        """Start to listen and return the real port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._conversation, host, port, backlog=256)
        return self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening and hang up on everybody at once."""
        if self._server:
            self._server.close()
        for talk in list(self._talks):
            _abort(talk)

    def _conversation(self) -> SMTP:
        return _Talk(self._talks, self._catcher, hostname="mail.simulator", ident="mail catcher",
                     data_size_limit=MAX_MAIL, enable_SMTPUTF8=True, auth_require_tls=False,
                     authenticator=lambda *_: AuthResult(success=True), loop=asyncio.get_running_loop())


class _Talk(SMTP):
    """A conversation that can be ended from outside."""

    def __init__(self, talks: set, *args, **options):
        super().__init__(*args, **options)
        self._talks = talks

    def connection_made(self, transport) -> None:
        self._talks.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._talks.discard(self)
        super().connection_lost(error)
