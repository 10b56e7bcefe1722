"""The order's part of a case's history."""

from __future__ import annotations

from typing import Any

from services.order.model import Order
from services.order.queries import visible
from shared.kernel.errors import NotFound
from shared.runtime.timeline import INSIDE, history
from shared.runtime.unit_of_work import Context

FOR_CUSTOMERS = frozenset(
    f"order.{fact}"
    for fact in (
        "placed",
        "paid",
        "line_refused",
        "cancelled",
        "parcel_added",
        "tracking_updated",
        "shipped",
        "delivered",
        "completed",
        "public_state_changed",
    )
)


def timeline(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Raises NotFound for an order that the caller may not see. What the seller is paid stays inside."""
    order = ctx.need(Order, args["order_id"])
    if not visible(ctx.principal, order):
        raise NotFound(kind="order", id=order.id)
    streams = ("order", "settlement") if ctx.principal.role in INSIDE else ("order",)
    return history(ctx, "order", [(stream, order.id) for stream in streams], FOR_CUSTOMERS)
