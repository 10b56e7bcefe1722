"""Loading an order for a change, and answering with it afterwards."""

from __future__ import annotations

from typing import Any

from services.order import queries
from services.order.marketplaces import rules_of
from services.order.model import Order, Settlement
from services.order.policies import may
from services.order.views import order_view
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.unit_of_work import Context

View = dict[str, Any]


def for_change(ctx: Context, order_id: str, command: str) -> Order:
    """The order for a change: a foreign one is not found (T01), a forbidden command is forbidden (T05)."""
    order = ctx.need(Order, order_id)
    if not queries.visible(ctx.principal, order):
        raise NotFound(kind="order", id=order_id)
    if not may(ctx.principal, command, order.seller_id):
        raise Forbidden(action=f"order.{command}")
    ctx.check_version(order)
    return ruled(ctx, order)


def ruled(ctx: Context, order: Order) -> Order:
    """The order with the rules of its marketplace: whatever changes its phase needs them."""
    order.rules = rules_of(ctx, order.marketplace)
    return order


def keep(ctx: Context, order: Order) -> View:
    order.updated_at = ctx.now
    ctx.save(order)
    return view_of(ctx, order)


def view_of(ctx: Context, order: Order) -> View:
    return order_view(order, ctx.get(Settlement, order.id), ctx.principal)
