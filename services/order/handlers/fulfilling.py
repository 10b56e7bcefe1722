"""ORD-04…ORD-12: accepting, refusing, shipping, delivering, completing, cancelling; the two states."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import ValidationError

from services.order.handlers import entitling, reminding
from services.order.handlers.access import View, for_change, keep, ruled
from services.order.handlers.placing import explained
from services.order.model import OpenClaim, Order, Settlement
from services.order.model.record import LATE
from services.order.paying import handlers as paying
from services.order.policies import UNTOLD_DELIVERY
from shared.contracts import order as contracts
from shared.contracts.rules import invalid
from shared.kernel.errors import NotInThisState, Refusal
from shared.runtime.unit_of_work import Context

COMPLETION = "completion"
PATIENCE = timedelta(days=1)  # between two looks at an order that should complete and cannot yet


def validate_lines(ctx: Context, args: dict[str, Any]) -> View:
    """S0-17: accept, refuse and ship lines in one call, all of it or nothing."""
    order = for_change(ctx, args["order_id"], "validate_lines")
    leaving: list[tuple[str, int | None]] = []
    before = order.phase
    for decision in args["lines"]:
        line_id, quantity = decision["line_id"], decision.get("quantity")
        if decision["action"] == "accept":
            order.accept(line_id, quantity)
        elif decision["action"] == "refuse":
            order.refuse(line_id, quantity, decision["reason_code"])
        else:
            leaving.append((line_id, quantity))
    if leaving:
        _ship(ctx, order, args.get("parcel") or {"carrier": "-", "tracking_number": None}, leaving)
    elif order.phase == "shipped" != before:
        _await_delivery(ctx, order)  # what was left was refused
    return keep(ctx, order)


def validate_many(ctx: Context, args: dict[str, Any]) -> View:
    """S0-17 in bulk: each order by itself, DONE or the code of its refusal; the others are done all the same (I17)."""
    return {"results": [_validate_one(ctx, entry) for entry in args["orders"]]}


def _validate_one(ctx: Context, entry: dict[str, Any]) -> dict[str, Any]:
    given = entry.get("order_id")
    named = {"order_id": given if isinstance(given, str) else None}
    try:
        try:
            loaded = contracts.VALIDATE_LINES.schema.load(entry)
        except ValidationError as wrong:
            raise invalid(contracts.VALIDATE_LINES.schema, wrong) from None
        order = validate_lines(ctx, loaded)
    except Refusal as refusal:
        return {**named, **explained(refusal)}
    return {**named, "result": "DONE", "phase": order["phase"], "version": order["version"]}


def ship_order(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-06."""
    order = for_change(ctx, args["order_id"], "ship")
    given = [(line["line_id"], line["quantity"]) for line in args.get("lines", [])]
    _ship(ctx, order, args["parcel"], given or order.left_to_ship())
    return keep(ctx, order)


def _ship(ctx: Context, order: Order, parcel: dict[str, Any], quantities: list[tuple[str, int | None]]) -> None:
    order.ship(_parcel(ctx, parcel), quantities)
    if order.phase in LATE:
        _await_delivery(ctx, order)


def _await_delivery(ctx: Context, order: Order) -> None:
    """All has left, and perhaps nobody will ever tell that it arrived. What leaves later begins this anew."""
    reminding.await_delivery(ctx, order)
    if order.phase == "shipped":
        _complete_later(ctx, order, UNTOLD_DELIVERY)


def _complete_later(ctx: Context, order: Order, on_the_way: timedelta = timedelta()) -> None:
    """ORD-10: the marketplace's delay begins now, or when it is taken for delivered. Replaces what was due before."""
    if order.rules.complete_after_days is not None:
        ctx.schedule(COMPLETION, order.id, ctx.now + on_the_way + timedelta(days=order.rules.complete_after_days))


def set_tracking(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-07."""
    order = for_change(ctx, args["order_id"], "set_tracking")
    order.track(_parcel(ctx, args["parcel"]), args["line_ids"], known="parcel_id" in args["parcel"])
    return keep(ctx, order)


def _parcel(ctx: Context, given: dict[str, Any]) -> dict[str, Any]:
    return {"parcel_id": ctx.new_id("par"), "tracking_url": None, **given}


def deliver_order(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-08."""
    order = for_change(ctx, args["order_id"], "deliver")
    order.deliver(ctx.now)
    _complete_later(ctx, order)
    reminding.begin(ctx, order, ctx.now)
    return keep(ctx, order)


def complete_order(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-10, SET-04."""
    order = for_change(ctx, args["order_id"], "complete")
    complete(ctx, order)
    return keep(ctx, order)


def complete(ctx: Context, order: Order) -> None:
    settlement = ctx.need(Settlement, order.id)
    order.complete(ctx.now, settlement.held_in_part)
    settlement.complete()
    ctx.save(settlement)


def complete_by_itself(ctx: Context, timer: Any) -> None:
    """ORD-10 after the marketplace's delay; while a problem is open it is looked at again the next day.

    So it is while something that was added and paid has not left: of a completed order it never could (ORD-13).
    """
    order = ruled(ctx, ctx.need(Order, timer.ref))
    if order.still_to_leave():
        ctx.schedule(COMPLETION, order.id, ctx.now + PATIENCE)
        return
    try:
        complete(ctx, order)
    except OpenClaim:
        ctx.schedule(COMPLETION, order.id, ctx.now + PATIENCE)
        return
    except NotInThisState:
        return  # a person was faster
    keep(ctx, order)


def cancel_order(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-09, S4-09…12."""
    order = for_change(ctx, args["order_id"], "cancel")
    order.cancel(args["reason_code"], args["refund_instrument"])
    paying.revoke_open(ctx, order)
    entitling.end_with_order(ctx, order)
    return keep(ctx, order)


def set_public_state(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-11."""
    order = for_change(ctx, args["order_id"], "set_public_state")
    order.set_public_state(args["code"])
    return keep(ctx, order)


def set_internal_state(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-12."""
    order = for_change(ctx, args["order_id"], "set_internal_state")
    order.set_internal_state(args["code"])
    return keep(ctx, order)
