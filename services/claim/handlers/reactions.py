"""What the claim service does when it hears of orders, refunds, comments and settlements, and when time passes."""

from __future__ import annotations

from typing import Any

from services.claim.handlers.deciding import AUTO_CLOSE, keep, take_up
from services.claim.model import Claim, Comment, OrderCase
from services.claim.model.refusals import OrderNotSynced
from services.claim.model.states import REFUSED, RESOLVED
from services.claim.policies import AUTO_CLOSE_AFTER
from shared.contracts.messaging import AUTOMATIC
from shared.kernel.clock import moment
from shared.kernel.errors import Refusal
from shared.runtime.unit_of_work import Context

# orders


def keep_order(ctx: Context, event: Any) -> None:
    """A new order: whose it is and what its lines are worth."""
    placed = event.data
    ctx.save(
        OrderCase(
            id=placed["order_id"],
            tenant=ctx.tenant,
            number=placed["number"],
            placed_at=moment(placed["placed_at"]),
            marketplace=placed["marketplace"],
            profile=placed["profile"],
            customer_ref=placed["customer_ref"],
            seller_id=placed["seller_id"],
            currency=placed["currency"],
            total=placed["total"]["amount"],
            phase="awaiting_payment",
            lines=[{name: line.get(name) for name in _LINE_FIELDS} for line in placed["lines"]],
            replaces=placed.get("replaces"),
            locale=placed.get("locale"),
        )
    )


_LINE_FIELDS = ("line_id", "product_id", "title", "supplier_id", "qty", "gross")


def follow_added_line(ctx: Context, event: Any) -> None:
    """ORD-13: the order grew, or what was added and never paid left it again."""
    data = event.data
    case = ctx.need(OrderCase, data["order_id"])
    if event.type == "order.line_added":
        case.add_line({name: data["line"].get(name) for name in _LINE_FIELDS})
    else:
        case.drop_line(data["line_id"])
    ctx.save(case)


PHASE_REACHED = {
    "order.paid": "paid",
    "order.line_accepted": "preparing",
    "order.delivered": "delivered",
    "order.completed": "completed",
    "order.cancelled": "cancelled",
}


def follow_order(ctx: Context, event: Any) -> None:
    """How far the order is: reasons, and whether a cancellation is still open, depend on it."""
    data = event.data
    case = ctx.need(OrderCase, data["order_id"])
    news = event.type == "order.shipped"
    if news:
        case.shipped(data["parcel_id"], data["lines"])
        phase = "shipped" if data["complete"] else "partially_shipped"
    elif event.type == "order.line_accepted" and case.phase != "paid":
        return
    else:
        phase = PHASE_REACHED[event.type]
    if phase == "delivered":
        case.delivered_at = event.time
    if case.reach(phase) or news:
        ctx.save(case)
    if case.replaces and phase in (*ALL_LEFT, "cancelled"):
        _replacement_decided(ctx, case, sent=phase in ALL_LEFT)


# Where the last units are refused no parcel says that all has left (docs/adr/0018): the delivery does.
ALL_LEFT = ("shipped", "delivered", "completed")


def _replacement_decided(ctx: Context, case: OrderCase, sent: bool) -> None:
    """CLM-05, once: the replacement is on its way. CLM-06: it will not be sent, so the claim needs another solution."""
    assert case.replaces is not None
    claim = ctx.get(Claim, case.replaces["claim_id"])
    if claim is None or (claim.resolution or {}).get("replacement_order_id") != case.id:
        return
    at = take_up(ctx, claim)
    try:
        if sent:
            claim.replacement_sent(at.asking)
        else:
            claim.replacement_failed(at.asking, "REPLACEMENT_CANCELLED")
    except Refusal:
        return  # it was told before, or the claim was solved meanwhile without it
    keep(ctx, at)


# settlement


def answer_settlement(ctx: Context, event: Any) -> None:
    """SET-06, SET-07: may this order be paid out?"""
    case = ctx.get(OrderCase, event.data["order_id"])
    if case is None:
        raise OrderNotSynced(order_id=event.data["order_id"])
    case.answer_settlement(ctx.now, event.data.get("payout_ref"), event.data.get("held_claim_ids", ()))
    ctx.save(case)


def forget_clearance(ctx: Context, event: Any) -> None:
    """SET-07: the pay-out was given up before our answer arrived; claims hold again."""
    case = ctx.get(OrderCase, event.data["order_id"])
    if case is not None and case.cleared:
        case.settlement_given_up()
        ctx.save(case)


# refunds


def resolve_when_refunded(ctx: Context, event: Any) -> None:
    """CLM-05."""
    claim = _waiting_for_refund(ctx, event.data)
    if claim is not None:
        at = take_up(ctx, claim)
        claim.refund_succeeded(at.asking)
        keep(ctx, at)


def choose_again_when_refund_failed(ctx: Context, event: Any) -> None:
    """CLM-06. A refund that was cancelled is over as well: else the claim would wait for it for ever."""
    chooses_again(ctx, event)


def chooses_again(ctx: Context, event: Any) -> bool:
    """CLM-06; False when no claim waited for this refund."""
    claim = _waiting_for_refund(ctx, event.data)
    if claim is None:
        return False
    at = take_up(ctx, claim)
    claim.refund_failed(at.asking, event.data.get("code") or event.type.replace(".", "_").upper())
    keep(ctx, at)
    return True


def _waiting_for_refund(ctx: Context, data: dict[str, Any]) -> Claim | None:
    """The claim that chose this very refund and waits for it; refunds of other origin change no claim."""
    claim = _claim_of(ctx, data)
    if claim is None or not claim.executing or (claim.resolution or {}).get("refund_id") != data["refund_id"]:
        return None
    return claim


# comments

BY_A_MACHINE = frozenset({AUTOMATIC, "timer"})  # no answer: it starts, turns and stops nothing (S3-21)


def hear_comment(ctx: Context, event: Any) -> None:
    """CLM-02, CLM-17 and the awaited party: a person's own comment. What came with our own events is known.

    Of a private one only who wrote it and whom it asks arrives here, never the text (I5).
    """
    data = event.data
    if data["origin"] != "post" or data["via"] in BY_A_MACHINE:
        return
    author = data["author"]
    comment = Comment(author["type"], moment(data["posted_at"]), author["id"], data.get("asks"))
    if data["visibility"] == "public":
        _hear(ctx, data, comment)
    elif (claim := _claim_of(ctx, data)) is not None:
        at = take_up(ctx, claim)
        if claim.hear_in_private(at.asking, comment):
            keep(ctx, at)


def _claim_of(ctx: Context, data: dict[str, Any]) -> Claim | None:
    return ctx.get(Claim, data["claim_id"]) if data.get("claim_id") else None


def hear_published_comment(ctx: Context, event: Any) -> None:
    """A private comment made public counts as a new public one (MSG-04)."""
    if event.data["to"] == "public":
        _hear(ctx, event.data, Comment(event.data["author"]["type"], event.time))


def _hear(ctx: Context, data: dict[str, Any], comment: Comment) -> None:
    claim = _claim_of(ctx, data)
    if claim is not None:
        at = take_up(ctx, claim)
        if claim.hear(at.asking, comment):
            keep(ctx, at)


# timers


def confirm_by_itself(ctx: Context, timer: Any) -> None:
    """CLM-10. When it is refused, the requester has spoken or somebody decided: there is nothing left to do."""
    claim = ctx.need(Claim, timer.ref)
    at = take_up(ctx, claim)
    try:
        claim.confirm_by_time(at.asking)
    except Refusal:
        return
    keep(ctx, at)


def close_by_itself(ctx: Context, timer: Any) -> None:
    """CLM-19 after 30 days. What still needs an answer is looked at again in another 30."""
    claim = ctx.need(Claim, timer.ref)
    at = take_up(ctx, claim)
    try:
        claim.close(at.asking)
    except Refusal:
        if claim.state in (RESOLVED, REFUSED):
            ctx.schedule(AUTO_CLOSE, claim.id, ctx.now + AUTO_CLOSE_AFTER)
        return
    keep(ctx, at)
