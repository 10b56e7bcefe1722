"""Writes the mail of a notification at the moment it is sent, from what is known then (T06)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any
from zoneinfo import ZoneInfo

from services.notification import policies
from services.notification.links import Links
from services.notification.model import CommentCopy, Contact, Notification
from services.notification.queries import Dossier, dossier
from services.notification.rendering import render, squeeze
from shared.contracts.mail import BOUNCES
from shared.kernel.clock import Clock, moment
from shared.storage.engine import Database


@dataclass(frozen=True, slots=True)
class Letter:
    """told: the messages that it carries."""

    mail: EmailMessage
    sender: str
    address: str
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoLetter:
    """Why there is nothing to send. later: it may be possible another time; else it must never be sent."""

    reason: str
    later: bool


class Letters:
    """sender: `Name <address>`; the name is the shop's, as mails show it. domain: of the Message-IDs. zone_of: the time
    zone of a marketplace, in whose days mails count.

    relay: the domain that takes answers and reports of what could not be delivered; empty: none does.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sender: str,
        domain: str,
        links: Links,
        zone_of: Callable[[str], ZoneInfo],
        relay: str = "",
    ) -> None:
        self._database, self._clock, self._domain, self._relay = database, clock, domain, relay
        self._links, self._zone_of = links, zone_of
        self._brand, self._address = parseaddr(sender)

    def write(self, tenant: str, notification_id: str) -> Letter | NoLetter:
        with self._database.transaction() as connection:
            found = dossier(connection, tenant, notification_id, masked=bool(self._relay))
        notification, contact = found.notification, found.contact
        excuse = _excuse(found)
        if excuse or contact is None:
            return excuse or NoLetter("contact_unknown", later=True)
        facts = {"time_zone": self._zone(found), **_facts(found, contact, self._links, self._clock.now())}
        reply_to = self._reply_to(found)
        if reply_to is None and self._may_still_come(notification):
            return NoLetter(policies.NO_REPLY_ADDRESS, later=True)
        rendered = render(notification.template, contact.locale, self._brand, facts, answerable=bool(reply_to))
        mail = EmailMessage(policy=SMTP)
        mail["From"] = Address(self._from(facts["comments"], contact.locale), addr_spec=self._address)
        if reply_to:
            mail["Reply-To"] = Address(self._brand, addr_spec=reply_to)
        address = _ascii_domain(contact.email)
        mail["To"] = Address(squeeze(contact.name), addr_spec=address)
        mail["Subject"] = rendered.subject
        mail["Date"] = format_datetime(self._clock.now())
        # the same for every try, so that a repeat after a crash is recognised as one (NTF-04)
        mail["Message-ID"] = f"<{notification.mail_id}@{self._domain}>"
        # never sent itself: mail programs show everything that refers to it as one conversation
        root = f"<{notification.claim_id or notification.order_id or notification.id}@{self._domain}>"
        mail["In-Reply-To"], mail["References"] = root, root
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(rendered.text)
        mail.add_alternative(rendered.html, subtype="html")
        told = tuple(comment.id for comment in facts["comments"])
        return Letter(mail, f"{BOUNCES}@{self._relay}" if self._relay else self._address, address, told)

    def _zone(self, found: Dossier) -> str:
        """The name of the time zone of the marketplace that this is about; of none, that of the suite."""
        about = found.claim or found.order
        return self._zone_of(about.marketplace if about else "").key

    def _reply_to(self, found: Dossier) -> str | None:
        """The recipient's own address on this thread: what is sent to it comes from him, whatever else it says."""
        notification = found.notification
        if found.replies is None:
            return None
        return found.replies.address((notification.kind, notification.ref), self._clock.now())

    def _may_still_come(self, notification: Notification) -> bool:
        """The address comes from the messaging service, which hears of a new claim at the same moment as this one."""
        expected = bool(self._relay) and notification.thread_id and notification.kind in policies.MASKED
        return bool(expected) and self._clock.now() - notification.created_at < policies.ADDRESS_PATIENCE

    def _from(self, comments: list[CommentCopy], locale: str) -> str:
        """Who writes, by his part and never by his name or address."""
        author = comments[-1].author_type if comments else None
        writer = WRITERS.get(author or "", {}).get(locale.split("_")[0])
        return f"{writer} · {self._brand}" if writer else self._brand


WRITERS = {
    "customer": {"fr": "Le client", "en": "The customer"},
    "seller": {"fr": "Le vendeur", "en": "The seller"},
    "supplier": {"fr": "Le fournisseur", "en": "The supplier"},
    "account_observer": {"fr": "Un observateur", "en": "An observer"},
    "mail_observer": {"fr": "Un observateur", "en": "An observer"},
    "coordinator": {"fr": "Le service client", "en": "Customer service"},
    "platform_agent": {"fr": "Le service client", "en": "Customer service"},
}


def _ascii_domain(email: str) -> str:
    """`ada@bücher.example` → `ada@xn--bcher-kva.example`, which every mail server understands."""
    name, _, domain = email.rpartition("@")
    return f"{name}@{domain.encode('idna').decode()}"


def _excuse(found: Dossier) -> NoLetter | None:
    notification = found.notification
    if found.contact is not None and found.contact.suppressed:
        return NoLetter("address_suppressed", later=False)
    if None in found.comments:
        return NoLetter("comment_unknown", later=True)
    reasons = [_withheld(found, comment) for comment in found.comments] or [_withheld(found, None)]
    if reasons[0] and all(reasons):
        return NoLetter(reasons[0], later=False)
    for id, copy, name in (
        (notification.order_id, found.order, "order"),
        (notification.claim_id, found.claim, "claim"),
    ):
        if id and copy is None:
            return NoLetter(f"{name}_unknown", later=True)
    return None


def _withheld(found: Dossier, comment: CommentCopy | None) -> str | None:
    """Why the reader may not be told, of this comment or at all; None when he may."""
    included = found.claim.included if found.claim else None
    if comment is not None and comment.visibility == "redacted":
        return "redacted"
    private = comment is not None and comment.visibility == "private"
    return policies.withheld(found.notification.kind, found.notification.ref, included, private)


def _facts(found: Dossier, contact: Contact, links: Links, now: datetime) -> dict[str, Any]:
    """What templates are given. No contact but the recipient's own, and of that only the name."""
    notification: Notification = found.notification
    return {
        "kind": notification.kind,
        "name": contact.name,
        "order": found.order,
        "claim": found.claim,
        "comments": [comment for comment in found.comments if _withheld(found, comment) is None],
        **_TRANSLATED.get(notification.template, lambda facts, locale: facts)(notification.facts, contact.locale),
        **_links(notification, links, now),
    }


def _links(notification: Notification, links: Links, now: datetime) -> dict[str, Any]:
    """The address that this mail leads to, where it leads to one of ours."""
    facts, kind = notification.facts, notification.template.removesuffix("_issued")
    if notification.template == "payment_link":
        return {"url": links.payment(facts["sealed"]), "expires_at": moment(facts["expires_at"])}
    if kind in ("invoice", "credit_note"):
        return {"url": links.document(kind, facts[f"{kind}_id"], notification.tenant, facts["customer_ref"], now)}
    return {}


def _state_facts(facts: dict[str, Any], locale: str) -> dict[str, Any]:
    labels = facts["label"]
    return {"label": labels.get(locale) or labels.get("en") or facts["to"]}


def _parcel_facts(facts: dict[str, Any], locale: str) -> dict[str, Any]:
    number = facts["tracking_number"]
    return {**facts, "tracking_page": policies.tracking_page(facts["carrier"], number) if number else None}


def _promise_facts(facts: dict[str, Any], locale: str) -> dict[str, Any]:
    return {**facts, "clock": _said(policies.PROMISES[facts["clock"]], locale)}


def _undelivered_facts(facts: dict[str, Any], locale: str) -> dict[str, Any]:
    return {**facts, "reader": _said(policies.READERS[facts["reader"]], locale)}


def _waiting_facts(facts: dict[str, Any], locale: str) -> dict[str, Any]:
    return {**facts, "why": _said(policies.WAITING.get(facts["reason"], policies.WAITING[""]), locale)}


def _said(labels: dict[str, str], locale: str) -> str:
    """In the reader's language, whatever his country; in English where it is not one of ours."""
    return labels.get(locale.split("_")[0]) or labels["en"]


def _reminder_facts(facts: dict[str, Any], locale: str) -> dict[str, Any]:
    return {**facts, "ends_at": moment(facts["end_date"])}


_TRANSLATED = {
    "not_delivered": _undelivered_facts,
    "mail_waits": _waiting_facts,
    "order_state_changed": _state_facts,
    "parcel_added": _parcel_facts,
    "promise_due": _promise_facts,
    "promise_broken": _promise_facts,
    "lifecycle_reminder": _reminder_facts,
}
