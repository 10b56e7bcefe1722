"""SET-01…SET-08: what claims hold back, what is paid out, what is owed back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.order.handlers.access import View, for_change, ruled, view_of
from services.order.model import Order, Settlement
from services.order.model.settlement import DISPUTED, WHOLE
from shared.kernel.money import round_half_up
from shared.runtime.unit_of_work import Context

CLEARANCE = "settlement_clearance"
CLEARANCE_WAIT = timedelta(minutes=1)  # SET-07
OPENING = frozenset({"claim.opened", "claim.reopened", "claim.appealed"})
ENDING = frozenset({"claim.resolved", "claim.refused", "claim.withdrawn", "claim.merged", "claim.closed"})
HOLD_MODES = {"disputed": DISPUTED}  # as profiles call them; everything else holds the whole order


def settle_order(ctx: Context, args: dict[str, Any]) -> View:
    """SET-05."""
    order = for_change(ctx, args["order_id"], "settle")
    settlement = ctx.need(Settlement, order.id)
    settlement.propose(args["payout_ref"])
    ctx.save(settlement)
    ctx.schedule(CLEARANCE, order.id, ctx.now + CLEARANCE_WAIT)
    return view_of(ctx, order)


def follow_claim(ctx: Context, event: Any) -> None:
    """S2-05, SET-01…03: an open claim shows on the order and holds its settlement; the last one to end frees it."""
    claim = event.data
    order = ctx.get(Order, claim["order_id"]) if claim.get("order_id") else None
    if order is None:
        return  # a question about an offer, or an order that this service never had
    ruled(ctx, order).claim_is(claim["claim_id"], open=_is_open(event.type, claim))
    order.updated_at = ctx.now
    settlement = ctx.need(Settlement, order.id)
    before = settlement.state, settlement.holds, settlement.order_completed
    if claim["hold"]:
        mode = HOLD_MODES.get(claim.get("hold_mode", ""), WHOLE)
        disputed = (claim.get("disputed_amount") or {"amount": 0})["amount"]
        settlement.hold(claim["claim_id"], mode, with_shipping(order, disputed))
    else:
        settlement.release(claim["claim_id"])
    if _solved_by_platform(event.type, claim, order):
        order.complete(ctx.now)
        settlement.complete()
    if before != (settlement.state, settlement.holds, settlement.order_completed):
        ctx.save(settlement)
    ctx.save(order)


def with_shipping(order: Order, disputed: int) -> int:
    """N11: what a claim is about, with its share of the shipping, in minor units; the total is all there is."""
    goods = sum(line.gross for line in order.lines)
    shipping = sum(shipment["gross"] for shipment in order.shipments)
    share = round_half_up(shipping * disputed, goods) if goods else 0
    return min(order.total, disputed + share)


def _is_open(type: str, claim: dict[str, Any]) -> bool:
    if type == "claim.state_set":
        return claim["to"] != "resolved"
    return type in OPENING


def _solved_by_platform(type: str, claim: dict[str, Any], order: Order) -> bool:
    """S2-19: a problem the platform solved completes the delivered order, unless another one is open."""
    solved = type == "claim.resolved" and claim.get("by") == "platform"
    return solved and order.phase in ("shipped", "delivered") and not order.open_claims


def settle_when_cleared(ctx: Context, event: Any) -> None:
    """SET-06."""
    settlement = ctx.get(Settlement, event.data["order_id"])
    if settlement is not None:
        settlement.clear(event.data["payout_ref"])
        ctx.save(settlement)
        ctx.unschedule(CLEARANCE, settlement.id)


def hold_when_blocked(ctx: Context, event: Any) -> None:
    """SET-07."""
    settlement = ctx.get(Settlement, event.data["order_id"])
    if settlement is not None:
        settlement.block(event.data["payout_ref"], event.data["holding_claim_ids"])
        ctx.save(settlement)
        ctx.unschedule(CLEARANCE, settlement.id)


def give_up_clearance(ctx: Context, timer: Any) -> None:
    """SET-07: the claim service did not answer within a minute."""
    settlement = ctx.need(Settlement, timer.ref)
    settlement.give_up_waiting()
    ctx.save(settlement)


def count_refund(ctx: Context, refund: dict[str, Any]) -> None:
    """SET-08: before the pay-out it is less, afterwards the next one is."""
    settlement = ctx.get(Settlement, refund["order_id"])
    if settlement is not None and settlement.refund(refund["funding"]):
        ctx.save(settlement)


def count_external_refund(ctx: Context, event: Any) -> None:
    """REF-15: paid back without us, and gone all the same."""
    count_refund(ctx, event.data)


def take_refund_back(ctx: Context, event: Any) -> None:
    """REF-14."""
    settlement = ctx.get(Settlement, event.data["order_id"])
    if settlement is not None and settlement.refund_reversed(event.data["funding"]):
        ctx.save(settlement)
