"""What becomes of a mail that did not arrive: its author learns of it, and it is sent again (NTF-06, -07, -09)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.notification import policies
from services.notification.model import (
    ClaimCopy,
    CommentCopy,
    Contact,
    Disclosure,
    Notification,
    OrderCopy,
    Roster,
    contact_id,
    roster_id,
)
from services.notification.policies import COORDINATOR, PLATFORM, SELLER, People, Recipient
from services.notification.queries import notification_view
from services.notification.reactions import MAIL, OFF
from shared.kernel.errors import NotFound, Refusal
from shared.runtime.unit_of_work import Context


class AddressSuppressed(Refusal):
    """Nothing is sent to this address any more: record the address that works, then send again."""

    code, status, rule = "ADDRESS_SUPPRESSED", 409, "NTF-08"


def not_delivered(ctx: Context, notification: Notification, told: Sequence[str], status: str) -> None:
    """B14: the messages `told` by this mail did not reach its reader. Their thread says so, and who wrote is mailed.

    status: what the mail server answered. Nothing happens for mails that tell no message.
    """
    if not told:
        return
    disclosure = ctx.get(Disclosure, notification.id) or Disclosure(
        id=notification.id, tenant=ctx.tenant, message_ids=list(told)
    )
    reference = f"<{notification.mail_id}@{ctx.settings.mail_domain}>"
    disclosure.failed((notification.kind, notification.ref), notification.channel, reference, status)
    ctx.save(disclosure)
    by_seller = _author(ctx, notification)[0] == SELLER
    rule = policies.MATRIX["message.of_seller_not_delivered" if by_seller else "message.not_delivered"]
    for reader in policies.recipients(rule, _people(ctx, notification), (notification.kind, notification.ref)):
        _queue(ctx, _alert(ctx, notification, reader, rule.template, status))


def resend(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """NTF-09: by the staff, or by the seller who wrote what it tells. Raises NotFound for others, AddressSuppressed."""
    old = ctx.get(Notification, args["notification_id"])
    if old is None or not _may_resend(ctx, old):
        raise NotFound(kind="notification", id=args["notification_id"])
    ctx.check_version(old)
    again = _repeat(ctx, old)
    old.repeated(again.id)
    contact = ctx.get(Contact, contact_id(ctx.tenant, old.kind, old.ref))
    if contact is not None and contact.suppressed:
        raise AddressSuppressed()
    ctx.save(old)
    _queue(ctx, again)
    return notification_view(again)


def _may_resend(ctx: Context, notification: Notification) -> bool:
    if ctx.principal.is_staff:
        return True
    party, seller_id = _author(ctx, notification)
    return party == SELLER and ctx.principal.acts_for_seller(seller_id)


def _author(ctx: Context, notification: Notification) -> Recipient:
    """Whose message it tells, as far as that is known here: the seller's id, or only what he is."""
    comment = ctx.get(CommentCopy, notification.message_id) if notification.message_id else None
    if comment is None or comment.author_type != SELLER:
        return (comment.author_type if comment else ""), ""
    return SELLER, _people(ctx, notification).seller_id or ""


def _people(ctx: Context, notification: Notification) -> People:
    claim = ctx.get(ClaimCopy, notification.claim_id) if notification.claim_id else None
    order = ctx.get(OrderCopy, notification.order_id) if notification.order_id else None
    about = claim or order
    rosters = {party: ctx.get(Roster, roster_id(ctx.tenant, party)) for party in (COORDINATOR, PLATFORM)}
    return People(
        seller_id=about.seller_id if about else None,
        assignee=claim.assignee if claim else None,
        staff={party: roster.refs for party, roster in rosters.items() if roster},
    )


def _alert(ctx: Context, lost: Notification, reader: Recipient, template: str, status: str) -> Notification:
    """It tells no message itself: where it does not arrive either, nobody is told of that (T27)."""
    facts = {"reader": lost.kind, "status": status, "thread_id": lost.thread_id}
    return _after(ctx, lost, reader, source_type="disclosure.failed", template=template, facts=facts, message_id=None)


def _repeat(ctx: Context, lost: Notification) -> Notification:
    same = {"source_type": lost.source_type, "template": lost.template, "message_id": lost.message_id}
    return _after(ctx, lost, (lost.kind, lost.ref), facts=dict(lost.facts), **same)


def _after(ctx: Context, lost: Notification, reader: Recipient, **more: Any) -> Notification:
    """A new one because of one that did not arrive, linked to it by `source_event_id`."""
    return Notification(
        id=ctx.new_id("ntf"),
        tenant=lost.tenant,
        source_event_id=lost.id,
        kind=reader[0],
        ref=reader[1],
        order_id=lost.order_id,
        claim_id=lost.claim_id,
        created_at=ctx.now,
        channel=lost.channel,
        **more,
    )


def _queue(ctx: Context, notification: Notification) -> None:
    ctx.save(notification)
    if ctx.settings.mail != OFF:
        ctx.job(MAIL, notification.id, {"tenant": ctx.tenant}, ctx.now)
