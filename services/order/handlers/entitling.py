"""Subscriptions to support: bought with an order, ended by time or by the refund of what they are for (ENT-01…05)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from services.order.model import Entitlement, Line, Order, key_of
from services.order.policies import may
from services.order.queries import orders_of
from services.order.views import entitlement_view
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.unit_of_work import Context

END = "entitlement_end"
PENDING = ("refund.requested",)
GIVEN_UP = ("refund.failed", "refund.rejected", "refund.cancelled")
REVERSED = "refund.reversed"  # paid, and back with the seller: it counts as little as one that was given up


def entitlement_id(tenant: str, customer_ref: str, product_id: str, url: str) -> str:
    """One per customer, product and normalised URL."""
    return "ent_" + sha256("\n".join((tenant, customer_ref, product_id, url)).encode()).hexdigest()[:32]


def activate_what_was_bought(ctx: Context, order: Order, lines: Iterable[Line]) -> None:
    """ENT-01: these lines of the order are paid. The caller saves the order.

    What it covers may have been bought before, in another order of the customer: both are watched then.
    """
    for line in lines:
        if not line.covers:
            continue
        holder, product = _product_of(ctx, order, line)
        watched = {key_of(order.id, line.line_id): line.gross}
        if product is not None:
            watched[key_of(holder.id, product.line_id)] = product.gross
        cover = {name: line.covers[name] for name in ("product_id", "url", "days")}
        bought = [{"order_id": order.id, "line_id": line.line_id}]
        entitlement = _buy(ctx, order, line.line_id, cover, watched, bought)
        if holder is not order:
            _remember(holder, entitlement.id)
            ctx.save(holder)


def _product_of(ctx: Context, order: Order, own: Line) -> tuple[Order, Line | None]:
    """What the line is for: the line it is linked to, else one of that product, here or in an earlier order."""
    if found := _covered(order, own):
        return order, found
    for other in orders_of(ctx, order.customer_ref):
        if other.id != order.id and (found := _covered(other, own)):
            return other, found
    return order, None


def _covered(order: Order, own: Line) -> Line | None:
    product_id = (own.covers or {})["product_id"]
    kept = [line for line in order.lines if line is not own and line.ordered > line.cancelled and not line.unpaid]
    linked = [line for line in kept if line.line_id == own.linked_line_id]
    return next(iter(linked or [line for line in kept if line.product_id == product_id]), None)


def _remember(order: Order, entitlement_id: str) -> None:
    """So that refunds of this order are looked at for it."""
    if entitlement_id not in order.entitlements:
        order.entitlements = [*order.entitlements, entitlement_id]


def _buy(
    ctx: Context,
    order: Order,
    line_id: str,
    cover: dict[str, Any],
    watched: dict[str, int],
    bought: list[dict[str, str]],
) -> Entitlement:
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
    entitlement.buy(cover["days"], watched, bought, ctx.now)
    ctx.save(entitlement)
    ctx.schedule(END, id, entitlement.ends_at)
    _remember(order, id)
    return entitlement


def grant_entitlement(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ENT-01 for a subscription bought elsewhere, tied to a product's line of an order here."""
    order = ctx.need(Order, args["order_id"])
    if ctx.principal.role == "integrator" and not may(ctx.principal, "grant_entitlement", order.seller_id):
        raise NotFound(kind="order", id=args["order_id"])
    if not may(ctx.principal, "grant_entitlement", order.seller_id):
        raise Forbidden(action="entitlement.grant")
    line = order.line(args["line_id"])
    entitlement = _buy(ctx, order, line.line_id, args, {key_of(order.id, line.line_id): line.gross}, [])
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
        elif type in (*GIVEN_UP, REVERSED):
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
