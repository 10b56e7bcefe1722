"""Subscriptions to support: bought with an order, ended by time or by the refund of what they are for (ENT-01…05)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from services.order.model import Entitlement, Order
from services.order.policies import may
from services.order.views import entitlement_view
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.unit_of_work import Context

END = "entitlement_end"
PENDING = ("refund.requested",)
GIVEN_UP = ("refund.failed", "refund.rejected", "refund.cancelled")


def entitlement_id(tenant: str, customer_ref: str, product_id: str, url: str) -> str:
    """One per customer, product and normalised URL."""
    return "ent_" + sha256("\n".join((tenant, customer_ref, product_id, url)).encode()).hexdigest()[:32]


def activate_what_was_bought(ctx: Context, order: Order) -> None:
    """ENT-01: the order is paid. The caller saves the order."""
    for line in order.lines:
        if line.covers:
            cover = {name: line.covers[name] for name in ("product_id", "url", "days")}
            _buy(ctx, order, line.line_id, cover, _watched(order, line.line_id, line.covers["product_id"]))


def _watched(order: Order, line_id: str, product_id: str) -> dict[str, int]:
    """What it is for: the line it is linked to, else the order's line of that product; and the subscription itself."""
    own = order.line(line_id)
    product = next((line for line in order.lines if line.line_id == own.linked_line_id), None) or next(
        (line for line in order.lines if line.product_id == product_id), None
    )
    return {line.line_id: line.gross for line in (own, product) if line is not None}


def _buy(ctx: Context, order: Order, line_id: str, cover: dict[str, Any], watched: dict[str, int]) -> Entitlement:
    id = entitlement_id(ctx.tenant, order.customer_ref, cover["product_id"], cover["url"])
    entitlement = ctx.get(Entitlement, id) or Entitlement(
        id=id,
        tenant=ctx.tenant,
        customer_ref=order.customer_ref,
        product_id=cover["product_id"],
        url=cover["url"],
        seller_id=order.seller_id,
        order_id=order.id,
        line_id=line_id,
        starts_at=ctx.now,
        ends_at=ctx.now,
    )
    entitlement.order_id, entitlement.line_id, entitlement.seller_id = order.id, line_id, order.seller_id
    entitlement.buy(cover["days"], watched, ctx.now)
    ctx.save(entitlement)
    ctx.schedule(END, id, entitlement.ends_at)
    if id not in order.entitlements:
        order.entitlements = [*order.entitlements, id]
    return entitlement


def grant_entitlement(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ENT-01 for a subscription bought elsewhere, tied to a product's line of an order here."""
    order = ctx.need(Order, args["order_id"])
    if ctx.principal.role == "integrator" and not may(ctx.principal, "grant_entitlement", order.seller_id):
        raise NotFound(kind="order", id=args["order_id"])
    if not may(ctx.principal, "grant_entitlement", order.seller_id):
        raise Forbidden(action="entitlement.grant")
    line = order.line(args["line_id"])
    entitlement = _buy(ctx, order, line.line_id, args, {line.line_id: line.gross})
    ctx.save(order)
    return entitlement_view(entitlement)


def follow_refund(ctx: Context, event: Any) -> None:
    """ENT-03…05. Orders that carry no subscription are left alone."""
    order = ctx.get(Order, event.data["order_id"])
    if order is not None:
        follow(ctx, order, event.type, event.data)


def follow(ctx: Context, order: Order, type: str, refund: dict[str, Any]) -> None:
    for id in order.entitlements:
        entitlement = ctx.need(Entitlement, id)
        if type in PENDING:
            changed = entitlement.refund_requested(refund)
        elif type in GIVEN_UP:
            changed = entitlement.refund_given_up(refund["refund_id"])
        else:
            changed = entitlement.refund_succeeded(refund)
        if changed:
            ctx.save(entitlement)


def end_with_order(ctx: Context, order: Order) -> None:
    """A cancelled order takes what it brought with it."""
    for id in order.entitlements:
        entitlement = ctx.need(Entitlement, id)
        if entitlement.order_id == order.id and entitlement.order_cancelled():
            ctx.save(entitlement)


def end_by_itself(ctx: Context, timer: Any) -> None:
    """ENT-02."""
    entitlement = ctx.need(Entitlement, timer.ref)
    entitlement.expire(ctx.now)
    if entitlement.events:
        ctx.save(entitlement)
    elif entitlement.ends_at > ctx.now:
        ctx.schedule(END, entitlement.id, entitlement.ends_at)  # it was renewed meanwhile
