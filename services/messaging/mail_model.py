"""Masked mail: aliases that stand for one participant on one subject, known senders, and mails from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import moment, stamp
from shared.kernel.errors import NotInThisState, Refusal

LIFE = timedelta(hours=28 * 24)
"""S0-14: four weeks to the second, whatever summer time does."""
RENEW_BELOW = timedelta(days=7)
"""ALI-02: an alias with more left than this is handed out again."""
LATE = timedelta(days=90)
"""N8: so long after its end a mail to an alias is kept for a person to look at; after that it is refused."""
KEEP = timedelta(days=30)
"""How long a mail's text and source are kept beside what was made of it."""
MOST_PER_HOUR = 10
"""R41: mails of one sender to one alias in an hour; beyond that two machines are talking."""
NOTICE_EVERY = timedelta(hours=24)
SUBJECT_LENGTH, TEXT_LENGTH = 300, 10_000
CUT = "\n[…]"

Holder = tuple[str, str]  # kind and ref


class MaskedMailOff(Refusal):
    """Masked mail is switched off: name the domain that receives it in RELAY_DOMAIN."""

    code, status, rule = "MASKED_MAIL_OFF", 409, "ALI-01"


class NothingToRenew(Refusal):
    """This link is used up or older than 30 days: write through your order's page instead."""

    code, status, rule = "LINK_USED_UP", 410, "N8"


@dataclass(kw_only=True)
class Alias(Aggregate):
    """An address for one holder. Its id is the part before the @, in lower case: unique for ever, in all tenants."""

    stream = "alias_row"

    alias_id: str
    thread_id: str | None
    order_id: str | None
    kind: str
    ref: str
    issued_at: datetime
    expires_at: datetime
    revoked: str | None = None

    @property
    def holder(self) -> Holder:
        return self.kind, self.ref

    @property
    def subject_id(self) -> str:
        return self.thread_id or self.order_id or ""

    def works(self, now: datetime) -> bool:
        """I10: strictly before its end, never after."""
        return self.revoked is None and now < self.expires_at

    def is_late(self, now: datetime) -> bool:
        """Over, but so recently that what arrives is quarantined and not refused (N8)."""
        return self.revoked is None and self.expires_at <= now < self.expires_at + LATE


@dataclass(kw_only=True)
class AliasBook(Aggregate):
    """The aliases in use on one thread or order; its id is the subject's. entries: `kind ref` → the newest of each."""

    stream = "alias"

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def current(self, holder: Holder, now: datetime) -> dict[str, Any] | None:
        """The alias that this holder is handed out again (ALI-02), if any."""
        entry = self.entries.get(" ".join(holder))
        return entry if entry and moment(entry["expires_at"]) - now > RENEW_BELOW else None

    def issue(self, alias: Alias, address: str) -> None:
        """ALI-01. The one before stays valid until its own end."""
        entry = {"alias_id": alias.alias_id, "address": address, "expires_at": stamp(alias.expires_at)}
        self.entries[" ".join(alias.holder)] = entry
        self.record("alias.issued", **_facts(alias), address=address)

    def expire(self, alias: Alias) -> None:
        """ALI-03."""
        self._forget(alias)
        self.record("alias.expired", **_facts(alias))

    def revoke(self, alias: Alias, reason: str, redirect_to: str | None = None) -> None:
        """ALI-04: it stops at once, or (a claim was merged) its mails go to another thread until its end."""
        if alias.revoked is not None:
            raise NotInThisState(kind="alias", state="revoked", action="be revoked")
        self._forget(alias)
        if redirect_to is None:
            alias.revoked = reason
        self.record("alias.revoked", **_facts(alias), reason=reason, redirect_to=redirect_to)

    def tell_late(self, alias: Alias, mail: InboundMail, claim_id: str | None, token: str) -> None:
        """N8: the holder wrote to an alias that was over; the link with this token lets the mail in after all."""
        facts = {"mail_id": mail.id, "claim_id": claim_id, "token": token}
        self.record("alias.late_mail", **_facts(alias), **facts)

    def _forget(self, alias: Alias) -> None:
        key = " ".join(alias.holder)
        if self.entries.get(key, {}).get("alias_id") == alias.alias_id:
            del self.entries[key]


@dataclass(kw_only=True)
class Senders(Aggregate):
    """Where a party writes from: the address its contact names, and addresses and domains it registered (T25)."""

    stream = "senders"

    party: str
    ref: str
    contact: str | None = None
    addresses: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)

    def knows(self, address: str) -> bool:
        address = address.lower()
        return address in (self.contact, *self.addresses) or address.rpartition("@")[2] in self.domains


@dataclass(kw_only=True)
class MailPair(Aggregate):
    """One sender and one alias: how often, and when the last notice went."""

    stream = "mail_pair"

    seen: list[str] = field(default_factory=list)
    noticed_at: datetime | None = None

    def count(self, now: datetime) -> int:
        """Count a mail; answers how many came within the hour, this one included (at most one more than allowed)."""
        recent = [at for at in self.seen if now - moment(at) < timedelta(hours=1)]
        self.seen = [*recent[-MOST_PER_HOUR:], stamp(now)]
        return len(self.seen)

    def may_notice(self, now: datetime) -> bool:
        if self.noticed_at is not None and now - self.noticed_at < NOTICE_EVERY:
            return False
        self.noticed_at = now
        return True


@dataclass(kw_only=True)
class InboundMail(Aggregate):
    """A mail from outside and what became of it: posted | quarantined | dismissed | ignored.

    text: kept for 30 days.
    token: SHA-256 of the one in the notice's link.
    """

    stream = "mail"

    alias_id: str | None
    thread_id: str | None
    order_id: str | None
    kind: str | None
    ref: str | None
    sender: str
    subject: str
    text: str
    trust: str
    attachments: list[dict[str, Any]]
    raw: str | None
    received_at: datetime
    state: str = "quarantined"
    reason: str | None = None
    message_id: str | None = None
    token: str | None = None

    def post(self, message_id: str, thread_id: str) -> None:
        """It is a message of its holder now."""
        self.state, self.reason, self.message_id, self.token = "posted", None, message_id, None
        self.thread_id = thread_id
        self.record("mail.received", **self._facts())

    def ignore(self, reason: str) -> None:
        """A machine wrote it: kept, triggers nothing."""
        self.state, self.reason, self.text = "ignored", reason, ""
        self.record("mail.loop_stopped", **self._facts())

    def quarantine(self, reason: str) -> None:
        """A person must look at it."""
        self.state, self.reason = "quarantined", reason
        self.record("mail.quarantined", **self._facts())

    def dismiss(self) -> None:
        """A person looked at it and lets nothing of it in; the link of its notice, if there is one, is used up."""
        if self.state != "quarantined":
            raise NotInThisState(kind="mail", state=self.state, action="be dismissed")
        self.state, self.token = "dismissed", None
        self.record("mail.dismissed", **self._facts())

    def wait(self, claim_id: str | None, order_id: str | None) -> None:
        """Somebody of the staff should look at it now: it may be a participant's."""
        facts = self._facts() | {"order_id": order_id, "claim_id": claim_id, "holder_kind": self.kind}
        self.record("mail.waits", **facts)

    def forget(self) -> None:
        self.text, self.subject, self.sender, self.raw, self.token = "", "", "", None, None
        self.attachments = []

    def _facts(self) -> dict[str, Any]:
        return {
            "mail_id": self.id,
            "alias_id": self.alias_id,
            "thread_id": self.thread_id,
            "order_id": self.order_id,
            "trust": self.trust,
            "reason": self.reason,
            "message_id": self.message_id,
        }


def _facts(alias: Alias) -> dict[str, Any]:
    return {
        "alias_id": alias.alias_id,
        "thread_id": alias.thread_id,
        "order_id": alias.order_id,
        "kind": alias.kind,
        "ref": alias.ref,
        "expires_at": stamp(alias.expires_at),
    }


def fitting(text: str, most: int = TEXT_LENGTH) -> str:
    """The text as a message may hold it: no control characters, not too long."""
    text = "".join(c for c in text if c in "\n\t" or (ord(c) >= 32 and c != "\x7f")).strip()
    return text if len(text) <= most else text[: most - len(CUT)].rstrip() + CUT
