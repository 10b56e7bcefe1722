"""What notification does when something happens elsewhere: keep what mails will need, and queue who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.notification import policies
from services.notification.model import (
    ClaimCopy,
    CommentCopy,
    Digest,
    Notification,
    OrderCopy,
    Roster,
    digest_id,
    notification_id,
    roster_id,
)
from services.notification.policies import COORDINATOR, PLATFORM, People, Recipient, Rule
from shared.contracts.claim import INTERNAL
from shared.contracts.messaging import AGREEMENT_REASONS, BY_HAND
from shared.kernel.clock import moment
from shared.runtime.tables import Reaction
from shared.runtime.unit_of_work import Context

MAIL = "mail"
OFF = "off"


def confirm_when_order_placed(ctx: Context, event: Any) -> None:
    """S4-01, S4-02: the same confirmation to the customer and the seller."""
    order = event.data
    ctx.save(
        OrderCopy(
            id=order["order_id"],
            tenant=ctx.tenant,
            number=order["number"],
            customer_ref=order["customer_ref"],
            seller_id=order["seller_id"],
            currency=order["currency"],
            placed_at=moment(order["placed_at"]),
            total=order["total"]["amount"],
            lines=[{"qty": line["qty"], "title": line["title"], "gross": line["gross"]} for line in order["lines"]],
            shipping=sum(shipment["gross"] for shipment in order["shipments"]),
            marketplace=order["marketplace"],
        )
    )
    _tell(ctx, event, order, _of_order(order), {})


def tell_when_order_moved(ctx: Context, event: Any) -> None:
    order = event.data
    facts = {name: order[name] for name in ("label", "to", "carrier", "tracking_number") if name in order}
    _tell(ctx, event, order, _of_order(order), facts)


def acknowledge_when_claim_opened(ctx: Context, event: Any) -> None:
    """S1-06: who handles it and the suppliers on it get the same alert; the customer an acknowledgement."""
    claim = event.data
    copy = ClaimCopy(
        id=claim["claim_id"],
        tenant=ctx.tenant,
        number=claim["number"],
        title=claim["title"],
        text=claim["message"]["text"],
        order_id=claim["order_id"],
        customer_ref="" if claim["category"] == INTERNAL else claim["customer_ref"],
        seller_id=claim["seller_id"],
        handler=claim["handler"],
        assignee=claim["assignee"],
        included=[(policies.SUPPLIER, supplier_id, "all") for supplier_id in claim["supplier_ids"]],
        marketplace=claim["marketplace"],
    )
    ctx.save(copy)
    _tell(ctx, event, claim, _of_claim(ctx, copy, event.type), {})


def follow_claim(ctx: Context, event: Any) -> None:
    """Who handles a claim, who is assigned and who observes it decides whom its messages reach (T06)."""
    _followed(ctx, event)


def tell_when_claim_moved(ctx: Context, event: Any) -> None:
    claim = event.data
    copy = _followed(ctx, event)
    facts: dict[str, Any] = {}
    if event.type == "claim.resolution_chosen":
        refund = claim.get("refund") or {}
        facts = {
            "solution": claim["kind"],
            "amount": refund.get("amount"),
            "instructions": claim.get("return_instructions"),
        }
    message = claim.get("message")
    if message:
        author_type = event.actor.split("/")[0]
        _keep_comment(
            ctx, message["message_id"], "seller" if author_type == "integrator" else author_type, message["text"]
        )
    message_id = message["message_id"] if message else None
    _tell(ctx, event, claim, _of_claim(ctx, copy, event.type), facts, message_id, _actor(event, copy))


def welcome_when_observer_added(ctx: Context, event: Any) -> None:
    """S1-34, S1-36: whoever is let in learns of it; a supplier who was there from the start had the mail of all."""
    claim = event.data
    known = ctx.need(ClaimCopy, claim["claim_id"]).included
    copy = _followed(ctx, event)
    newcomer = (policies.OBSERVING[claim["observer"]["kind"]], claim["observer"]["id"])
    if newcomer in [(kind, ref) for kind, ref, _ in known]:
        return
    people = replace(_of_claim(ctx, copy, event.type), holder=newcomer)
    _tell(ctx, event, claim, people, {}, None, _actor(event, copy))


def tell_when_message_posted(ctx: Context, event: Any) -> None:
    """S1-30, S1-35; a private one never to the customer (I5): no column of its rule names him.

    What came with a claim's event is told with that event, not twice.
    """
    message = event.data
    if message["origin"] not in BY_HAND or "text" not in message:
        return  # that there is a private comment is no news: its text comes on the private exchange
    _keep_comment(
        ctx,
        message["message_id"],
        message["author"]["type"],
        message["text"],
        message["visibility"],
        message.get("signature"),
    )
    # who agrees to a refund is mailed to the customer once, with the agreement in it
    rule = "message.with_agreement" if message.get("has_refund_agreement") else event.type
    _tell_of_message(ctx, event, message, rule)


def tell_when_refund_agreed(ctx: Context, event: Any) -> None:
    """S3-19: to the customer, who is a merchant there, and to the platform's customer service."""
    agreed = event.data
    facts = {"reason": AGREEMENT_REASONS[agreed["reason_code"]], "amount": agreed["amount"], "scope": agreed["scope"]}
    copy = ctx.need(ClaimCopy, agreed["claim_id"]) if agreed.get("claim_id") else None
    people = _of_claim(ctx, copy, event.type) if copy else _of_order(agreed)
    roster = ctx.get(Roster, roster_id(ctx.tenant, PLATFORM))
    people = replace(people, staff={PLATFORM: roster.refs if roster else ()})
    _tell(ctx, event, agreed, people, facts, agreed["message_id"])


def tell_when_access_moved(ctx: Context, event: Any) -> None:
    """S3-06: the customer is asked, and who asked is answered."""
    request = event.data
    facts = {"kind_asked": request["kind"], "permissions": request["permissions"], "answer": event.type}
    facts["purpose"] = request.get("purpose")
    _tell(ctx, event, request, _of_order(request), facts)


def follow_text(ctx: Context, event: Any) -> None:
    """An edited comment is told as it reads now; of a redacted one nothing is kept."""
    comment = ctx.get(CommentCopy, event.data["message_id"])
    if comment is None:
        return
    comment.text = event.data.get("text", "")
    if not comment.text:
        comment.visibility, comment.signature = "redacted", None
    ctx.save(comment)


def follow_visibility(ctx: Context, event: Any) -> None:
    """Hidden: whoever was not told yet is not told any more. Made public: told like a new public message (MSG-04)."""
    message = event.data
    if message["to"] == "private":
        comment = ctx.get(CommentCopy, message["message_id"])
        if comment is not None:
            comment.visibility, comment.signature = "private", None
            ctx.save(comment)
        return
    author_type, signature = message["author"]["type"], message.get("signature")
    _keep_comment(ctx, message["message_id"], author_type, message["text"], signature=signature)
    _tell_of_message(ctx, event, message, "message.posted")


def remind_when_used_up(ctx: Context, event: Any) -> None:
    """S4-25, S4-26: the product's end, the offer for another one, and the link that stops such mails."""
    due = event.data
    link = f"{ctx.settings.public_url}/reminders/{ctx.tenant}/{due['plan_id']}/{due['stop_token']}"
    facts = {"title": due["title"], "end_date": due["end_date"], "offer_code": due["offer_code"], "stop_link": link}
    _tell(ctx, event, due, _of_order(due), facts)


def send_receipt_of_withdrawal(ctx: Context, event: Any) -> None:
    """The receipt on a durable medium: what was withdrawn from, the date and the time (2011/83 article 11a)."""
    data = event.data
    facts = {name: data[name] for name in ("lines", "accepted", "received_at", "time_zone", "refund_due_at")}
    _tell(ctx, event, data, _of_order(data), facts)


def tell_when_refunded(ctx: Context, event: Any) -> None:
    """S0-21, and who must act when a refund did not work."""
    refund = event.data
    copy = ctx.need(ClaimCopy, refund["claim_id"]) if refund.get("claim_id") else None
    people = _of_claim(ctx, copy, event.type) if copy else _of_order(refund, _staff(ctx, event.type))
    facts = {"amount": refund["amount"], "instrument": refund["instrument"], "refund_id": refund["refund_id"]}
    _tell(ctx, event, refund, people, {**facts, "error": refund.get("code")})


def tell_when_promise_is_due(ctx: Context, event: Any) -> None:
    """sla.warning, sla.breached: whoever has to act, and somebody above him once it is too late."""
    data = event.data
    copy = ctx.need(ClaimCopy, data["claim_id"])
    facts = {"clock": data["clock"], "due_at": data["due_at"]}
    _tell(ctx, event, data, _of_claim(ctx, copy, event.type), facts)


def tell_when_rate_passed_a_line(ctx: Context, event: Any) -> None:
    """S2-27, N7: the seller, before it is too late, and the platform."""
    data = event.data
    people = People(seller_id=data["seller_id"], staff=_staff(ctx, event.type))
    names = ("seller_id", "rate", "threshold", "issues", "orders", "window_days", "budget")
    facts = {"step": event.type.rsplit("_", 1)[-1], **{name: data[name] for name in names}}
    _tell(ctx, event, data, people, facts)


def tell_when_credit_note_issued(ctx: Context, event: Any) -> None:
    note = event.data
    facts = {name: note[name] for name in ("number", "total", "taxes", "credit_note_id", "customer_ref")}
    _tell(ctx, event, note, _of_order(note), facts)


def tell_when_invoice_issued(ctx: Context, event: Any) -> None:
    invoice = event.data
    facts = {name: invoice[name] for name in ("number", "total", "taxes", "invoice_id", "customer_ref")}
    _tell(ctx, event, invoice, _of_order(invoice), facts)


def send_link_when_issued(ctx: Context, event: Any) -> None:
    """S4-06. What is kept here is sealed; the link is made when the mail is written."""
    link = event.data
    _tell(
        ctx, event, link, _of_order(link), {name: link[name] for name in ("amount", "purpose", "expires_at", "sealed")}
    )


def tell_when_mail_came_late(ctx: Context, event: Any) -> None:
    """N8: the link that renews the address and lets the mail in."""
    late = event.data
    people = People(holder=policies.recipient_of(late["kind"], late["ref"]))
    _tell(ctx, event, late, people, {"link": f"{ctx.settings.public_url}/mail/renew/{late['token']}"})


def tell_when_mail_waits(ctx: Context, event: Any) -> None:
    """T07: somebody of the staff looks whether it is genuine. It is told that a mail waits, not what it says."""
    mail = event.data
    copy = ctx.need(ClaimCopy, mail["claim_id"]) if mail["claim_id"] else None
    people = _of_claim(ctx, copy, event.type) if copy else People(staff=_staff(ctx, event.type))
    _tell(ctx, event, mail, people, {"reason": mail["reason"], "thread_id": mail["thread_id"]})


def _tell_of_message(ctx: Context, event: Any, message: dict[str, Any], rule: str) -> None:
    author = policies.recipient_of(message["author"]["type"], message["author"]["id"])
    # its claim.opened may still be under way on another exchange: raise, and be tried again in a few seconds
    copy = ctx.need(ClaimCopy, message["claim_id"]) if message.get("claim_id") else None
    people = _of_claim(ctx, copy, rule) if copy else _of_order(message)
    facts = {"thread_id": message["thread_id"]}
    _tell(ctx, event, message, people, facts, message["message_id"], author, rule=policies.MATRIX[rule])


def _tell(
    ctx: Context,
    event: Any,
    data: dict[str, Any],
    people: People,
    facts: dict[str, Any],
    message_id: str | None = None,
    author: Recipient | None = None,
    rule: Rule | None = None,
) -> None:
    """NTF-01: one notification per recipient, and the job that sends it."""
    rule = rule or policies.MATRIX[event.type]
    for kind, ref in policies.recipients(rule, people, author):
        notification = Notification(
            id=notification_id(event.id, (kind, ref)),
            tenant=ctx.tenant,
            source_event_id=event.id,
            source_type=event.type,
            kind=kind,
            ref=ref,
            template=rule.template,
            facts=facts,
            order_id=data.get("order_id"),
            claim_id=data.get("claim_id"),
            message_id=message_id,
            created_at=ctx.now,
        )
        due_at: datetime | None = ctx.now
        if rule.template in policies.DIGESTED:
            due_at = _gathered(ctx, notification, data["thread_id"])
        ctx.save(notification)
        if ctx.settings.mail != OFF and due_at is not None:
            ctx.job(MAIL, notification.id, {"tenant": ctx.tenant}, due_at)


def _gathered(ctx: Context, notification: Notification, thread_id: str) -> datetime | None:
    """NTF-02: when this comment's mail goes: at once, or with the window's end; None when another mail carries it."""
    id = digest_id(ctx.tenant, thread_id, (notification.kind, notification.ref), notification.template)
    digest = ctx.get(Digest, id)
    if digest is None or not digest.gathers(ctx.now):
        digest = digest or Digest(id=id, tenant=ctx.tenant, until=ctx.now)
        digest.until, digest.head = ctx.now + policies.DIGEST_WINDOW, None
        ctx.save(digest)
        return ctx.now
    if digest.head is None:
        digest.head = notification.id
        ctx.save(digest)
        return digest.until
    head = ctx.need(Notification, digest.head)
    head.carry(notification)
    ctx.save(head)
    return None


def _followed(ctx: Context, event: Any) -> ClaimCopy:
    """The copy of the claim, brought to what this event says."""
    claim = event.data
    copy = ctx.need(ClaimCopy, claim["claim_id"])
    before = (copy.handler, copy.assignee, copy.included)
    copy.handler, copy.assignee = claim["handler"], claim["assignee"]
    if observer := claim.get("observer"):
        kind = policies.OBSERVING[observer["kind"]]
        others = [row for row in copy.included if row[:2] != (kind, observer["id"])]
        added = [(kind, observer["id"], observer["scope"])] if event.type == "claim.observer_added" else []
        copy.included = others + added
    if before != (copy.handler, copy.assignee, copy.included):
        ctx.save(copy)
    return copy


def _keep_comment(
    ctx: Context, id: str, author_type: str, text: str, visibility: str = "public", signature: str | None = None
) -> None:
    comment = ctx.get(CommentCopy, id) or CommentCopy(
        id=id, tenant=ctx.tenant, author_type=author_type, visibility=visibility, text=text
    )
    comment.visibility, comment.text, comment.signature = visibility, text, signature
    ctx.save(comment)


def _of_order(data: dict[str, Any], staff: dict[str, list[str]] | None = None) -> People:
    return People(customer_ref=data["customer_ref"], seller_id=data["seller_id"], staff=staff or {})


def _of_claim(ctx: Context, copy: ClaimCopy, type: str) -> People:
    return People(
        customer_ref=copy.customer_ref,
        seller_id=copy.seller_id,
        handler=copy.handler,
        assignee=copy.assignee,
        has_claim=True,
        included=copy.included,
        staff={} if copy.assignee else _staff(ctx, type, copy.handler),
    )


def _staff(ctx: Context, type: str, handler: str | None = None) -> dict[str, list[str]]:
    """The desks that a rule may reach; read only where it can."""
    columns = policies.MATRIX[type].to
    if "staff" in columns:
        wanted = [COORDINATOR, PLATFORM]
    elif "platform" in columns:
        wanted = [PLATFORM]
    elif "desk" in columns and handler in policies.DESKS:
        wanted = [policies.DESKS[handler]]
    else:
        return {}
    rosters = {party: ctx.get(Roster, roster_id(ctx.tenant, party)) for party in wanted}
    return {party: roster.refs for party, roster in rosters.items() if roster}


def _actor(event: Any, claim: ClaimCopy) -> Recipient:
    type, id, _ = event.actor.split("/")
    if type in ("seller", "integrator"):
        return policies.SELLER, claim.seller_id or id
    return policies.recipient_of(type, id)


def _claim(data: dict[str, Any]) -> list[tuple[type, str]]:
    return [(ClaimCopy, data["claim_id"])] if data.get("claim_id") else []


def _claim_and_comment(data: dict[str, Any]) -> list[tuple[type, str]]:
    return [*_claim(data), (CommentCopy, data["message_id"])]


MOVED = Reaction(tell_when_claim_moved, loads=_claim)
FOLLOWED = Reaction(follow_claim, loads=_claim)
REFUNDED = Reaction(tell_when_refunded, loads=_claim, prompt=True)
POSTED = Reaction(tell_when_message_posted, loads=_claim_and_comment, prompt=True)
POSTED_BY_HAND = replace(POSTED, narrow=True)

REACTIONS: dict[str, Callable | Reaction] = {
    "order.placed": confirm_when_order_placed,
    "order.public_state_changed": tell_when_order_moved,
    "order.parcel_added": tell_when_order_moved,
    "order.tracking_updated": tell_when_order_moved,
    "claim.opened": acknowledge_when_claim_opened,
    "claim.resolution_chosen": MOVED,
    "claim.solution_proposed": MOVED,
    "claim.resolved": MOVED,
    "claim.refused": MOVED,
    "claim.reopened": MOVED,
    "withdrawal.received": send_receipt_of_withdrawal,
    "claim.assigned": FOLLOWED,
    "claim.escalated": FOLLOWED,
    "claim.handed_back": FOLLOWED,
    "claim.appealed": FOLLOWED,
    "claim.observer_added": Reaction(welcome_when_observer_added, loads=_claim),
    "claim.observer_removed": FOLLOWED,
    "message.posted": POSTED_BY_HAND,
    "message.edited": Reaction(follow_text, loads=_claim_and_comment),
    "message.redacted": Reaction(follow_text, loads=_claim_and_comment),
    "message.refund_agreed": Reaction(tell_when_refund_agreed, loads=_claim_and_comment),
    "private_message.edited": Reaction(follow_text, loads=_claim_and_comment),
    "private_message.redacted": Reaction(follow_text, loads=_claim_and_comment),
    "access.requested": tell_when_access_moved,
    "access.granted": tell_when_access_moved,
    "access.declined": tell_when_access_moved,
    "message.visibility_changed": Reaction(follow_visibility, loads=_claim_and_comment),
    "private_message.posted": POSTED,
    "lifecycle.reminder_due": remind_when_used_up,
    "refund.succeeded": REFUNDED,
    "refund.external_recorded": REFUNDED,
    "refund.failed": REFUNDED,
    "refund.outcome_unknown": REFUNDED,
    **dict.fromkeys(("sla.warning", "sla.breached"), Reaction(tell_when_promise_is_due, loads=_claim)),
    "seller.issue_rate_at_risk": tell_when_rate_passed_a_line,
    "seller.issue_rate_exceeded": tell_when_rate_passed_a_line,
    "seller.issue_rate_recovered": tell_when_rate_passed_a_line,
    "credit_note.issued": tell_when_credit_note_issued,
    "alias.late_mail": tell_when_mail_came_late,
    "mail.waits": Reaction(tell_when_mail_waits, loads=_claim),
    "invoice.issued": tell_when_invoice_issued,
    "payment_link.issued": send_link_when_issued,
}
