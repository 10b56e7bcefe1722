"""What the order service does: load, decide, save. The last lines are its table of contents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.order import queries
from services.order.model import Contact, Line, Order, Settlement
from services.order.policies import TotalDoesNotAddUp, may, priced_lines, taxes_of
from services.order.views import order_view
from shared.contracts import order as contracts
from shared.kernel.errors import Forbidden, NotFound, Refusal
from shared.runtime.tables import Command, Contents, Query, Reaction
from shared.runtime.unit_of_work import Context

CLEARANCE_WAIT = timedelta(minutes=1)  # SET-07


class OrderExists(Refusal):
    """An order {order_id} or number {number} exists already."""

    code = "ORDER_EXISTS"
    status = 409
    rule = "ORD-01"


# commands


def place_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-01, S4-01/02."""
    if not may(ctx.principal, "place", args["seller_id"]):
        raise Forbidden(action="order.place")
    order_id = args.get("order_id")
    if (order_id and ctx.exists(Order, order_id)) or queries.number_taken(ctx, args):
        raise OrderExists(order_id=order_id, number=args["number"])
    order_id = order_id or ctx.new_id("ord")
    order = _build(ctx, order_id, args)
    order.place()
    # first, so that whoever is told of a new customer's order already knows how to write to him
    _remember_contact(ctx, order.customer_ref, order.customer)
    ctx.save(order)
    ctx.save(
        Settlement(
            id=order.id, tenant=ctx.tenant, seller_id=order.seller_id, currency=order.currency, total=order.total
        )
    )
    return _view(ctx, order)


def _build(ctx: Context, order_id: str, args: dict[str, Any]) -> Order:
    customer = dict(args["customer"])
    prices = priced_lines(args["lines"], args["discount"])
    shipments = [
        {
            "shipment_id": given.get("shipment_id") or ctx.new_id("shp"),
            "gross": given["gross"],
            "taxes": taxes_of(given["gross"], given["taxes"]),
        }
        for given in args["shipping"]
    ]
    total = sum(price["gross"] for price in prices) + sum(each["gross"] for each in shipments)
    if total != args["total"]:
        raise TotalDoesNotAddUp(found=total, given=args["total"])
    return Order(
        id=order_id,
        tenant=ctx.tenant,
        number=args["number"],
        marketplace=args["marketplace"],
        profile=args["profile"],
        seller_id=args["seller_id"],
        customer_ref=customer.pop("ref"),
        customer=customer,
        currency=args["currency"],
        lines=[_line(ctx, given, price) for given, price in zip(args["lines"], prices, strict=True)],
        shipments=shipments,
        total=total,
        placed_at=args.get("placed_at", ctx.now),
        updated_at=ctx.now,
    )


def _line(ctx: Context, given: dict[str, Any], price: dict[str, Any]) -> Line:
    return Line(
        line_id=given.get("line_id") or ctx.new_id("lin"),
        product_id=given["product_id"],
        sku=given["sku"],
        title=given["title"],
        ordered=given["quantity"],
        unshipped=given["quantity"],
        supplier_id=given.get("supplier_id"),
        linked_line_id=given.get("linked_line_id"),
        **price,
    )


def _remember_contact(ctx: Context, ref: str, details: dict[str, Any]) -> None:
    """Announce how to reach the customer, on the private exchange, when it is new or changed."""
    id = f"{ctx.tenant}:customer:{ref}"[:64]
    contact = ctx.get(Contact, id) or Contact(id=id, tenant=ctx.tenant, party="customer", ref=ref, details={})
    if contact.update(details):
        ctx.save(contact)


def capture_payment(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-02, ORD-03."""
    order = _mine(ctx, args["order_id"], "capture_payment")
    payment = {name: args[name] for name in ("payment_id", "provider", "provider_ref", "amount", "instrument")}
    order.capture(payment, ctx.now)
    return _save(ctx, order)


def validate_lines(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S0-17: accept, refuse and ship lines in one call."""
    order = _mine(ctx, args["order_id"], "validate_lines")
    leaving: list[tuple[str, int | None]] = []
    for decision in args["lines"]:
        line_id, quantity = decision["line_id"], decision.get("quantity")
        if decision["action"] == "accept":
            order.accept(line_id)
        elif decision["action"] == "refuse":
            order.refuse(line_id, quantity, decision["reason_code"])
        else:
            leaving.append((line_id, quantity))
    if leaving:
        order.ship(_parcel(ctx, args.get("parcel") or {"carrier": "unknown", "tracking_number": "-"}), leaving)
    return _save(ctx, order)


def ship_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-06."""
    order = _mine(ctx, args["order_id"], "ship")
    given = [(line["line_id"], line["quantity"]) for line in args.get("lines", [])]
    order.ship(_parcel(ctx, args["parcel"]), given or order.left_to_ship())
    return _save(ctx, order)


def set_tracking(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-07."""
    order = _mine(ctx, args["order_id"], "set_tracking")
    order.track(_parcel(ctx, args["parcel"]), args["line_ids"])
    return _save(ctx, order)


def _parcel(ctx: Context, given: dict[str, Any]) -> dict[str, Any]:
    return {"parcel_id": ctx.new_id("par"), "tracking_url": None, **given}


def deliver_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-08."""
    order = _mine(ctx, args["order_id"], "deliver")
    order.deliver(ctx.now)
    return _save(ctx, order)


def complete_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-10, SET-04."""
    order = _mine(ctx, args["order_id"], "complete")
    _complete(ctx, order)
    return _save(ctx, order)


def _complete(ctx: Context, order: Order) -> None:
    order.complete(ctx.now)
    settlement = ctx.need(Settlement, order.id)
    settlement.complete()
    ctx.save(settlement)


def cancel_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-09."""
    order = _mine(ctx, args["order_id"], "cancel")
    order.cancel(args["reason_code"])
    return _save(ctx, order)


def set_public_state(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-11."""
    order = _mine(ctx, args["order_id"], "set_public_state")
    order.set_public_state(args["code"])
    return _save(ctx, order)


def set_internal_state(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ORD-12."""
    order = _mine(ctx, args["order_id"], "set_internal_state")
    order.set_internal_state(args["code"])
    return _save(ctx, order)


def settle_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """SET-05."""
    order = _mine(ctx, args["order_id"], "settle")
    settlement = ctx.need(Settlement, order.id)
    settlement.propose(args["payout_ref"])
    ctx.save(settlement)
    ctx.schedule("settlement_clearance", order.id, ctx.now + CLEARANCE_WAIT)
    return _view(ctx, order)


def _mine(ctx: Context, order_id: str, command: str) -> Order:
    """The order for a change: a foreign one is not found (T01), a forbidden command is forbidden (T05)."""
    order = ctx.need(Order, order_id)
    if not queries.visible(ctx.principal, order):
        raise NotFound(kind="order", id=order_id)
    if not may(ctx.principal, command, order.seller_id):
        raise Forbidden(action=f"order.{command}")
    ctx.check_version(order)
    return order


def _save(ctx: Context, order: Order) -> dict[str, Any]:
    order.updated_at = ctx.now
    ctx.save(order)
    return _view(ctx, order)


def _view(ctx: Context, order: Order) -> dict[str, Any]:
    return order_view(order, ctx.get(Settlement, order.id), ctx.principal)


# reactions

OPENING = frozenset({"claim.opened", "claim.reopened", "claim.appealed"})
ENDING = frozenset({"claim.resolved", "claim.refused", "claim.withdrawn", "claim.merged", "claim.closed"})


def follow_claim(ctx: Context, event: Any) -> None:
    """S2-05, SET-01…03: an open claim shows on the order and holds its settlement; the last one to end frees it."""
    claim = event.data
    order = ctx.get(Order, claim["order_id"]) if claim.get("order_id") else None
    if order is None:
        return  # a question about an offer, or an order that this service never had
    order.claim_is(claim["claim_id"], open=_is_open(event.type, claim))
    order.updated_at = ctx.now
    settlement = ctx.need(Settlement, order.id)
    before = settlement.state, settlement.holds, settlement.order_completed
    (settlement.hold if claim["hold"] else settlement.release)(claim["claim_id"])
    if _solved_by_platform(event.type, claim, order):
        order.complete(ctx.now)
        settlement.complete()
    if before != (settlement.state, settlement.holds, settlement.order_completed):
        ctx.save(settlement)
    ctx.save(order)


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
        ctx.unschedule("settlement_clearance", settlement.id)


def hold_when_blocked(ctx: Context, event: Any) -> None:
    """SET-07."""
    settlement = ctx.get(Settlement, event.data["order_id"])
    if settlement is not None:
        settlement.block(event.data["payout_ref"], event.data["holding_claim_ids"])
        ctx.save(settlement)
        ctx.unschedule("settlement_clearance", settlement.id)


def claw_back_when_refunded(ctx: Context, event: Any) -> None:
    """SET-08."""
    settlement = ctx.get(Settlement, event.data["order_id"])
    if settlement is not None and settlement.state == "settled":
        settlement.claw_back(event.data["amount"]["amount"])
        ctx.save(settlement)


# timers


def give_up_clearance(ctx: Context, timer: Any) -> None:
    """SET-07: the claim service did not answer within a minute."""
    settlement = ctx.need(Settlement, timer.ref)
    settlement.give_up_waiting()
    ctx.save(settlement)


def _order_and_settlement(data: dict[str, Any]) -> list[tuple[type, str]]:
    id = data.get("order_id")
    return [(Order, id), (Settlement, id)] if id else []


FOLLOW_CLAIM = Reaction(follow_claim, loads=_order_and_settlement)

CONTENTS = Contents(
    commands=(
        Command(contracts.PLACE, place_order),
        Command(contracts.CAPTURE_PAYMENT, capture_payment, _order_and_settlement),
        Command(contracts.VALIDATE_LINES, validate_lines, _order_and_settlement),
        Command(contracts.SHIP, ship_order, _order_and_settlement),
        Command(contracts.SET_TRACKING, set_tracking, _order_and_settlement),
        Command(contracts.DELIVER, deliver_order, _order_and_settlement),
        Command(contracts.COMPLETE, complete_order, _order_and_settlement),
        Command(contracts.CANCEL, cancel_order, _order_and_settlement),
        Command(contracts.SET_PUBLIC_STATE, set_public_state, _order_and_settlement),
        Command(contracts.SET_INTERNAL_STATE, set_internal_state, _order_and_settlement),
        Command(contracts.SETTLE, settle_order, _order_and_settlement),
    ),
    queries=(
        Query(contracts.GET, queries.get_order),
        Query(contracts.LIST, queries.list_orders),
    ),
    reactions={
        **dict.fromkeys(OPENING | ENDING | {"claim.state_set"}, FOLLOW_CLAIM),
        "claim.settlement_cleared": Reaction(settle_when_cleared, loads=_order_and_settlement),
        "claim.settlement_blocked": Reaction(hold_when_blocked, loads=_order_and_settlement),
        "refund.succeeded": Reaction(claw_back_when_refunded, loads=_order_and_settlement),
    },
    timers={"settlement_clearance": give_up_clearance},
)
