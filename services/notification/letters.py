"""Writes the mail of a notification at the moment it is sent, from what is known then (T06)."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any

from services.notification import policies
from services.notification.model import CommentCopy, Contact, Notification
from services.notification.queries import Dossier, dossier
from services.notification.rendering import render, squeeze
from shared.kernel.clock import Clock
from shared.storage.engine import Database


@dataclass(frozen=True, slots=True)
class Letter:
    mail: EmailMessage
    sender: str
    address: str


@dataclass(frozen=True, slots=True)
class NoLetter:
    """Why there is nothing to send. later: it may be possible another time; else it must never be sent."""

    reason: str
    later: bool


class Letters:
    """sender: `Name <address>`; the name is the shop's, as mails show it. domain: of the Message-IDs."""

    def __init__(self, database: Database, clock: Clock, sender: str, domain: str) -> None:
        self._database, self._clock, self._domain = database, clock, domain
        self._brand, self._address = parseaddr(sender)

    def write(self, tenant: str, notification_id: str) -> Letter | NoLetter:
        with self._database.transaction() as connection:
            found = dossier(connection, tenant, notification_id)
        notification, contact = found.notification, found.contact
        excuse = _excuse(found)
        if excuse or contact is None:
            return excuse or NoLetter("contact_unknown", later=True)
        facts = _facts(found, contact)
        rendered = render(notification.template, contact.locale, self._brand, facts)
        mail = EmailMessage(policy=SMTP)
        mail["From"] = Address(self._brand, addr_spec=self._address)
        address = _ascii_domain(contact.email)
        mail["To"] = Address(squeeze(contact.name), addr_spec=address)
        mail["Subject"] = rendered.subject
        mail["Date"] = format_datetime(self._clock.now())
        # the same for every try, so that a repeat after a crash is recognised as one (NTF-04)
        mail["Message-ID"] = f"<{notification.id}@{self._domain}>"
        # never sent itself: mail programs show everything that refers to it as one conversation
        mail["References"] = f"<{notification.claim_id or notification.order_id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(rendered.text)
        mail.add_alternative(rendered.html, subtype="html")
        return Letter(mail, self._address, address)


def _ascii_domain(email: str) -> str:
    """`ada@bücher.example` → `ada@xn--bcher-kva.example`, which every mail server understands."""
    name, _, domain = email.rpartition("@")
    return f"{name}@{domain.encode('idna').decode()}"


def _excuse(found: Dossier) -> NoLetter | None:
    notification = found.notification
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
    private = comment is not None and comment.visibility == "private"
    return policies.withheld(found.notification.kind, found.notification.ref, included, private)


def _facts(found: Dossier, contact: Contact) -> dict[str, Any]:
    """What templates are given. No contact but the recipient's own, and of that only the name."""
    notification: Notification = found.notification
    return {
        "kind": notification.kind,
        "name": contact.name,
        "order": found.order,
        "claim": found.claim,
        "comments": [comment for comment in found.comments if _withheld(found, comment) is None],
        **_TRANSLATED.get(notification.template, lambda facts, locale: facts)(notification.facts, contact.locale),
    }


def _state_facts(facts: dict[str, Any], locale: str) -> dict[str, Any]:
    labels = facts["label"]
    return {"label": labels.get(locale) or labels.get("en") or facts["to"]}


def _parcel_facts(facts: dict[str, Any], locale: str) -> dict[str, Any]:
    return {**facts, "tracking_page": policies.tracking_page(facts["carrier"], facts["tracking_number"])}


_TRANSLATED = {"order_state_changed": _state_facts, "parcel_added": _parcel_facts}
