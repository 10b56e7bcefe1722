"""Notifications, and the copies of orders, claims and comments that a mail needs when it is written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.notification.policies import DIGEST_CLOSES, RETRIES, SOFT_BOUNCES, TEMPLATE_VERSION, Recipient
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import moment
from shared.kernel.errors import NotInThisState

EMAIL = "email"


@dataclass(kw_only=True)
class Contact(Aggregate):
    """How to reach somebody, in which language."""

    stream = "recipient"

    party: str
    ref: str
    name: str
    email: str
    phone: str | None = None
    locale: str = "en"
    bounces: int = 0
    suppressed: str | None = None

    def bounced(self, hard: bool) -> None:
        """NTF-08: one final answer, or five others, and the address is left alone until it changes."""
        self.bounces += 1
        if self.suppressed is None and (hard or self.bounces >= SOFT_BOUNCES):
            self.suppressed = "hard_bounce" if hard else "soft_bounces"
            self.record("recipient.suppressed", party=self.party, ref=self.ref, reason=self.suppressed)

    def recorded(self) -> None:
        self.record("recipient.recorded", party=self.party, ref=self.ref, locale=self.locale, email=self.email)


@dataclass(kw_only=True)
class Roster(Aggregate):
    """The refs of all known contacts of one desk of a tenant: `everyone` whom a claim without assignee concerns."""

    stream = "roster"

    refs: list[str] = field(default_factory=list)

    def join(self, party: str, ref: str) -> None:
        """From now on he is one of them: claims can be assigned to him (CLM-22)."""
        if ref not in self.refs:
            self.refs = sorted({*self.refs, ref})
            self.record("roster.joined", party=party, ref=ref)


@dataclass(kw_only=True)
class OrderCopy(Aggregate):
    """What mails say of an order. Amounts in minor units of its currency."""

    stream = "order_copy"

    number: str
    customer_ref: str
    seller_id: str
    currency: str
    placed_at: datetime
    total: int
    lines: list[dict[str, Any]]
    shipping: int
    marketplace: str = ""


@dataclass(kw_only=True)
class ClaimCopy(Aggregate):
    """What mails say of a claim, and who takes part in it. included: kind, ref and scope of each observer."""

    stream = "claim_copy"

    number: str
    title: str
    text: str
    order_id: str | None
    customer_ref: str
    seller_id: str | None
    handler: str
    assignee: str | None
    included: list[tuple[str, str, str]]
    marketplace: str = ""


@dataclass(kw_only=True)
class CommentCopy(Aggregate):
    """The text of a message that people are told of, and whether the customer may read it now."""

    stream = "comment_copy"

    author_type: str
    visibility: str
    text: str
    signature: str | None = None


@dataclass(kw_only=True)
class Disclosure(Aggregate):
    """That a mail with these messages has left; its id is the notification's. For the ledger of their thread (N3)."""

    stream = "disclosure"

    message_ids: list[str]

    def made(self, kind: str, ref: str, channel: str, provider_ref: str) -> None:
        self.record("disclosure.made", **self._facts((kind, ref), channel, provider_ref))

    def failed(self, recipient: Recipient, channel: str, provider_ref: str, status: str) -> None:
        """The mail was refused, or came back (NTF-06, NTF-07). status: what the mail server said."""
        self.record("disclosure.failed", **self._facts(recipient, channel, provider_ref), status=status)

    def _facts(self, recipient: Recipient, channel: str, provider_ref: str) -> dict[str, Any]:
        return {
            "notification_id": self.id,
            "message_ids": self.message_ids,
            "recipient_kind": recipient[0],
            "recipient_ref": recipient[1],
            "channel": channel,
            "provider_ref": provider_ref,
        }


@dataclass(kw_only=True)
class Digest(Aggregate):
    """Since a comment was told at once: when the others that follow go together (NTF-02).

    head: the notification whose mail carries them, none while nothing followed.
    """

    stream = "digest"

    until: datetime
    head: str | None = None

    def gathers(self, now: datetime) -> bool:
        return now < self.until - DIGEST_CLOSES


@dataclass(kw_only=True)
class ReplyBook(Aggregate):
    """At which addresses the mails about a thread or order are answered: `kind ref` → alias id, address, end."""

    stream = "reply_book"

    entries: dict[str, list[str]] = field(default_factory=dict)

    def address(self, recipient: Recipient, now: datetime) -> str | None:
        found = self.entries.get(" ".join(recipient))
        return found[1] if found and moment(found[2]) > now else None


@dataclass(kw_only=True)
class Notification(Aggregate):
    """One event, one recipient, one channel: told once (I13). queued → sent | failed | suppressed; or merged at once.

    facts: what the event said that a mail needs; everything that can still change is looked up when it is sent.
    to: the address it went to, masked.
    """

    stream = "notification"

    source_event_id: str
    source_type: str
    kind: str
    ref: str
    template: str
    facts: dict[str, Any]
    order_id: str | None
    claim_id: str | None
    message_id: str | None
    created_at: datetime
    channel: str = EMAIL
    state: str = "queued"
    tries: int = 0
    to: str | None = None
    sent_at: datetime | None = None
    error: str | None = None

    def carry(self, other: Notification) -> None:
        """NTF-02: tell the comment of `other` in this mail; `other` gets none of its own."""
        self.facts = {**self.facts, "with": [*self.facts.get("with", ()), other.message_id]}
        other.state, other.facts = "merged", {**other.facts, "into": self.id}

    @property
    def mail_id(self) -> str:
        """The part before the @ of its Message-ID (5.4): the same for every try."""
        return f"{self.message_id}.{self.id}" if self.message_id else self.id

    @property
    def thread_id(self) -> str | None:
        """The conversation that it is about; a claim's is named after the claim."""
        claim = "thr_" + self.claim_id.removeprefix("clm_") if self.claim_id else None
        return self.facts.get("thread_id") or claim

    @property
    def message_ids(self) -> list[str]:
        """The comments that this mail tells, oldest first."""
        return [self.message_id, *self.facts.get("with", ())] if self.message_id else []

    def sent(self, to: str, provider_ref: str, now: datetime) -> None:
        """NTF-04."""
        self._leave_queue("sent")
        self.to, self.sent_at, self.error = to, now, None
        self.record("notification.sent", **self._facts(), provider_ref=provider_ref)

    def put_off(self, error: str) -> timedelta | None:
        """NTF-05: how long to wait before the next try; None when there is none any more and it failed."""
        if self.tries >= len(RETRIES):
            self.fail(error)
            return None
        self.tries += 1
        self.error = error
        return RETRIES[self.tries - 1]

    def fail(self, error: str) -> None:
        """NTF-06: trying again would not help."""
        self._leave_queue("failed")
        self.error = error
        self.record("notification.failed", **self._facts(), error=error)

    def suppress(self, reason: str) -> None:
        """NTF-03: it must not be sent."""
        self._leave_queue("suppressed")
        self.error = reason
        self.record("notification.suppressed", **self._facts(), error=reason)

    def bounce(self, status: str, hard: bool) -> bool:
        """NTF-07: another mail server could not deliver it after all. False when that is known, or was never sent."""
        if self.state != "sent":
            return False
        self.state, self.error = "bounced", status
        self.record("notification.bounced", **self._facts(), error=status, hard=hard)
        return True

    @property
    def can_repeat(self) -> bool:
        return self.state in ("failed", "bounced") and "again" not in self.facts

    def repeated(self, id: str) -> None:
        """NTF-09: the notification `id` is sent in its place. Raises NotInThisState."""
        if not self.can_repeat:
            state = "sent again" if "again" in self.facts else self.state
            raise NotInThisState(kind="notification", state=state, action="be sent again")
        self.facts = {**self.facts, "again": id}

    def _leave_queue(self, state: str) -> None:
        if self.state != "queued":
            raise NotInThisState(kind="notification", state=self.state, action=f"become {state}")
        self.state = state
        self.tries += 1

    def _facts(self) -> dict[str, Any]:
        return {
            "notification_id": self.id,
            "source_event_id": self.source_event_id,
            "source_type": self.source_type,
            "recipient_kind": self.kind,
            "recipient_ref": self.ref,
            "channel": self.channel,
            "template": self.template,
            "template_version": TEMPLATE_VERSION,
            "order_id": self.order_id,
            "claim_id": self.claim_id,
            "message_id": self.message_id,
        }


def notification_id(event_id: str, recipient: Recipient, channel: str = EMAIL) -> str:
    """Always the same for one event, recipient and channel: a second one cannot exist, a repeat carries the same id."""
    told = hashlib.sha256("\n".join((event_id, *recipient, channel)).encode()).hexdigest()[:12]
    return f"ntf_{event_id.removeprefix('evt_')}_{told}"


def contact_id(tenant: str, party: str, ref: str) -> str:
    return "con_" + hashlib.sha256(f"{tenant}\n{party}\n{ref}".encode()).hexdigest()[:32]


def digest_id(tenant: str, thread_id: str, recipient: Recipient, template: str) -> str:
    return "dig_" + hashlib.sha256("\n".join((tenant, thread_id, *recipient, template)).encode()).hexdigest()[:32]


def roster_id(tenant: str, party: str) -> str:
    return "ros_" + hashlib.sha256(f"{tenant}\n{party}".encode()).hexdigest()[:32]
