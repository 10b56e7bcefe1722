"""Who is told what: the matrix of model 5.6 as data, retry schedule, links. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

CUSTOMER, SELLER, SUPPLIER, OBSERVER = "customer", "seller", "supplier", "account_observer"
MAIL_OBSERVER = "mail_observer"
OBSERVING = {"account": OBSERVER, "supplier": SUPPLIER, "mail": MAIL_OBSERVER}  # as claims name them
COORDINATOR, PLATFORM = "coordinator", "platform"

DESKS = {"coordinators": COORDINATOR, "platform": PLATFORM}
"""The contacts of each handler of a claim that is a desk of people, not one party."""

Recipient = tuple[str, str]  # kind and ref, as contacts are kept


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the matrix.

    to: columns that get it. `seller_taking_part` is the seller who handles the claim, or whose order's thread it is;
    `desk` the staff who handle the claim, or its assignee; `assignee` him alone; `staff` always somebody who can act;
    `platform` the platform's own people;
    `included` suppliers and account observers, `included_insiders` those of them who read private comments.
    unless_author: whoever caused it is not told of it.
    """

    template: str
    to: tuple[str, ...]
    unless_author: bool = False


MATRIX: dict[str, Rule] = {
    "order.placed": Rule("order_placed", ("customer", "seller")),  # S4-01, S4-02
    "order.public_state_changed": Rule("order_state_changed", ("customer",)),  # S4-17
    "order.parcel_added": Rule("parcel_added", ("customer",)),  # S4-18
    "order.tracking_updated": Rule("parcel_added", ("customer",)),  # S4-19
    "claim.opened": Rule("claim_opened", ("customer", "seller_taking_part", "desk", "included")),  # S1-06
    "message.posted": Rule(
        "message_posted", ("customer", "seller_taking_part", "desk", "included"), unless_author=True
    ),  # S1-30, S1-35
    "message.with_agreement": Rule("message_posted", ("seller_taking_part", "desk", "included"), unless_author=True),
    "message.not_delivered": Rule("not_delivered", ("staff",), unless_author=True),  # B14
    "message.of_seller_not_delivered": Rule("not_delivered", ("seller",)),
    "mail.waits": Rule("mail_waits", ("staff",)),  # T07: a coordinator lets it in
    "message.refund_agreed": Rule("refund_agreed", ("customer", "platform")),  # S3-19
    "access.requested": Rule("access_requested", ("customer",)),  # S3-06
    "access.granted": Rule("access_answered", ("seller",)),
    "access.declined": Rule("access_answered", ("seller",)),
    "private_message.posted": Rule(
        "private_comment", ("seller_taking_part", "desk", "included_insiders"), unless_author=True
    ),
    "claim.resolution_chosen": Rule("resolution_chosen", ("customer", "desk"), unless_author=True),
    "claim.solution_proposed": Rule("solution_proposed", ("customer", "desk"), unless_author=True),
    "claim.resolved": Rule("claim_resolved", ("customer", "seller", "assignee", "included")),
    "claim.refused": Rule("claim_refused", ("customer", "seller", "assignee", "included")),
    "claim.observer_added": Rule("observer_included", ("holder",)),  # S1-34, S1-36
    "withdrawal.received": Rule("withdrawal_received", ("customer", "seller")),
    "claim.reopened": Rule("claim_reopened", ("customer", "seller", "assignee", "included")),
    "lifecycle.reminder_due": Rule("lifecycle_reminder", ("customer",)),  # S4-26
    "refund.succeeded": Rule("refund_succeeded", ("customer", "seller", "assignee")),  # S0-21
    "refund.external_recorded": Rule("refund_succeeded", ("customer", "seller", "assignee")),  # S0-21: any refund
    "refund.failed": Rule("refund_failed", ("seller", "staff")),
    "refund.outcome_unknown": Rule("refund_unknown", ("seller", "staff")),
    "sla.warning": Rule("promise_due", ("seller_taking_part", "desk")),
    "sla.breached": Rule("promise_broken", ("seller_taking_part", "desk", "staff")),
    "seller.issue_rate_at_risk": Rule("issue_rate", ("seller", "platform")),  # S2-27, N7
    "seller.issue_rate_exceeded": Rule("issue_rate", ("seller", "platform")),
    "seller.issue_rate_recovered": Rule("issue_rate", ("seller", "platform")),
    "credit_note.issued": Rule("credit_note_issued", ("customer",)),
    "alias.late_mail": Rule("late_mail", ("holder",)),  # N8
    "invoice.issued": Rule("invoice_issued", ("customer",)),  # S4-24
    "payment_link.issued": Rule("payment_link", ("customer",)),  # S4-06
}
"""What is not named here tells nobody: order.internal_state_changed least of all (S4-27)."""

TEMPLATES = tuple(sorted({rule.template for rule in MATRIX.values()}))
TEMPLATE_VERSION = 1  # +1 whenever a wording changes, so that a complaint can be answered with what was really sent

MASKED = frozenset({CUSTOMER, SELLER, SUPPLIER, OBSERVER, "mail_observer"})
"""Who answers the mails about a thread at an address of his own."""

NO_REPLY_ADDRESS = "reply_address_unknown"
ADDRESS_PATIENCE, ADDRESS_DELAY = timedelta(seconds=10), timedelta(seconds=1)
"""How long a mail waits for the address it is answered at, and how often it looks; then it goes without."""

SOFT_BOUNCES = 5
"""NTF-08: that often a full or busy mailbox is forgiven."""

RETRIES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))
"""NTF-05: eight tries over 22 hours outlast a mail server's bad day, and a contact that comes late."""

DIGESTED = frozenset({"message_posted", "private_comment"})
DIGEST_WINDOW = timedelta(minutes=2)
DIGEST_CLOSES = timedelta(seconds=10)
"""NTF-02: a comment is told at once; those that follow within two minutes, on the same thread and to the same reader,
go together in one mail when the window ends. In its last seconds none is added: that mail may be on its way."""

READERS = {
    "customer": {"fr": "au client", "en": "the customer"},
    "seller": {"fr": "au vendeur", "en": "the seller"},
    "supplier": {"fr": "au fournisseur", "en": "the supplier"},
    "account_observer": {"fr": "à un observateur", "en": "an observer"},
    "mail_observer": {"fr": "à un observateur", "en": "an observer"},
    "coordinator": {"fr": "à un coordinateur", "en": "a coordinator"},
    "platform": {"fr": "au service client", "en": "customer service"},
}
"""Whom a message did not reach, as mails say it."""

WAITING = {
    "unknown_sender": {
        "fr": "Elle vient d’une adresse que nous ne connaissons pas.",
        "en": "It comes from an address that we do not know.",
    },
    "not_authentic": {
        "fr": "Rien ne prouve qu’elle vient de son expéditeur.",
        "en": "Nothing proves that it comes from its sender.",
    },
    "observer": {
        "fr": "Elle vient d’un observateur sans compte.",
        "en": "It comes from an observer without an account.",
    },
    "": {"fr": "Elle n’a pas pu être publiée.", "en": "It could not be posted."},
}
"""Why a mail waits in the quarantine, by reason; the empty one for all others."""

PROMISES = {
    "first_answer": {"fr": "première réponse", "en": "first answer"},
    "next_answer": {"fr": "réponse", "en": "answer"},
    "resolution": {"fr": "solution", "en": "solution"},
    "platform_decision": {"fr": "décision de la plateforme", "en": "decision of the platform"},
}
"""What a profile promises about time, by clock."""

TRACKING_PAGES = {
    "chronopost": "https://www.chronopost.fr/tracking-no-cms/suivi-page?listeNumerosLT={}",
    "colissimo": "https://www.laposte.fr/outils/suivre-vos-envois?code={}",
    "dhl": "https://www.dhl.com/fr-fr/home/suivi.html?tracking-id={}",
    "la poste": "https://www.laposte.fr/outils/suivre-vos-envois?code={}",
    "ups": "https://www.ups.com/track?tracknum={}",
}
"""Mails link only to pages whose address we build ourselves: a seller's link could lead anywhere (T31)."""


@dataclass(frozen=True, slots=True)
class People:
    """Who takes part in what happened. staff: refs of the contacts known per desk. None: does not apply."""

    customer_ref: str | None = None
    seller_id: str | None = None
    handler: str | None = None
    assignee: str | None = None
    has_claim: bool = False
    included: Sequence[tuple[str, str, str]] = ()  # kind, ref, scope
    staff: Mapping[str, Sequence[str]] = field(default_factory=dict)
    holder: Recipient | None = None  # of an alias


def recipients(rule: Rule, people: People, author: Recipient | None = None) -> list[Recipient]:
    """Everybody a rule tells, each once (I13), the author left out where the rule says so."""
    told: dict[Recipient, None] = {}
    for column in rule.to:
        told |= dict.fromkeys(_column(column, people))
    if rule.unless_author and author in told:
        del told[author]
    return list(told)


def _column(column: str, people: People) -> list[Recipient]:
    if column == "customer":
        return [(CUSTOMER, people.customer_ref)] if people.customer_ref else []
    if column == "seller" or (column == "seller_taking_part" and (people.handler == "seller" or not people.has_claim)):
        return [(SELLER, people.seller_id)] if people.seller_id else []
    if column in ("assignee", "desk", "staff") and people.assignee:
        return [(COORDINATOR, people.assignee)]
    if column == "desk":
        desk = DESKS.get(people.handler or "")
        return [(desk, ref) for ref in people.staff.get(desk, ())] if desk else []
    if column == "platform":
        return [(PLATFORM, ref) for ref in people.staff.get(PLATFORM, ())]
    if column == "staff":
        desk = COORDINATOR if people.staff.get(COORDINATOR) else PLATFORM
        return [(desk, ref) for ref in people.staff.get(desk, ())]
    if column == "holder":
        return [people.holder] if people.holder else []
    if column == "platform":
        return [(PLATFORM, ref) for ref in people.staff.get(PLATFORM, ())]
    if column in ("included", "included_insiders"):
        return [(kind, ref) for kind, ref, scope in people.included if scope == "all" or column == "included"]
    return []


def withheld(kind: str, ref: str, included: Sequence[tuple[str, str, str]] | None, private: bool) -> str | None:
    """Why a mail that was due must not go out after all, or None.

    Asked when it is sent, not when it was caused: somebody may have been removed (T06), a comment hidden (T03).
    included: None where no claim is concerned.
    """
    if kind == CUSTOMER and private:
        return "not_public_any_more"
    if kind in (SUPPLIER, OBSERVER, MAIL_OBSERVER) and included is not None:
        scopes = [scope for other_kind, other_ref, scope in included if (other_kind, other_ref) == (kind, ref)]
        if not scopes:
            return "not_included_any_more"
        if private and scopes[0] != "all":
            return "not_public_any_more"
    return None


def recipient_of(type: str, id: str) -> Recipient:
    """An author or actor as contacts know them."""
    return (PLATFORM, id) if type == "platform_agent" else (type, id)


def tracking_page(carrier: str, number: str) -> str | None:
    page = TRACKING_PAGES.get(carrier.strip().lower())
    return page.format(quote(number, safe="")) if page else None


def masked(email: str) -> str:
    """`ada@customer.example` → `a…@customer.example`: enough to recognise, too little to write to."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"
