"""S2-12, S2-13: a replacement is an order of its own, linked to the claim, at price 0 and free of payment."""

from __future__ import annotations

from typing import Any

from services.order.marketplaces import rules_of
from services.order.model import Line, Order, Settlement
from shared.runtime.unit_of_work import Context


def place_replacement(ctx: Context, event: Any) -> None:
    """CLM-03: the handler sends the claimed units again, or the whole order when the claim names none."""
    chosen = event.data
    id = chosen.get("replacement_order_id")
    original = ctx.get(Order, chosen["order_id"]) if id and chosen["kind"] == "replacement" else None
    if original is None or ctx.exists(Order, id):
        return
    units = {line["line_id"]: line["qty"] for line in chosen.get("lines", [])}
    wanted = [line for line in original.lines if line.line_id in units or not units]
    order = Order(
        id=id,
        tenant=ctx.tenant,
        number=f"{original.number}-R{id[-6:]}",
        marketplace=original.marketplace,
        profile=original.profile,
        seller_id=original.seller_id,
        customer_ref=original.customer_ref,
        customer=original.customer,
        currency=original.currency,
        lines=[_free(ctx, line, units.get(line.line_id, line.ordered)) for line in wanted],
        shipments=[],
        total=0,
        placed_at=ctx.now,
        updated_at=ctx.now,
        replaces={"claim_id": chosen["claim_id"], "order_id": original.id},
    )
    order.rules = rules_of(ctx, order.marketplace)
    order.place()
    order.is_free(ctx.now)
    ctx.save(order)
    ctx.save(
        Settlement(
            id=order.id, tenant=ctx.tenant, seller_id=order.seller_id, currency=order.currency, total=order.total
        )
    )


def _free(ctx: Context, line: Line, units: int) -> Line:
    """The same product, so many units of it, for nothing."""
    return Line(
        line_id=ctx.new_id("lin"),
        product_id=line.product_id,
        sku=line.sku,
        title=line.title,
        ordered=units,
        unshipped=units,
        unit_list=0,
        discount_alloc=0,
        gross=0,
        taxes=[],
        supplier_id=line.supplier_id,
    )
