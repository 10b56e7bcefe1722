"""The read side of orders: every query is scoped to who asks, in SQL (T01)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.order.marketplaces import rules_of
from services.order.model import Entitlement, Order, Settlement
from services.order.storage import STORAGE, entitlements, orders
from services.order.views import entitlement_view, order_view, summary
from shared.kernel.errors import NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import page

MAPPING = STORAGE.mappings[Order]


def visible(principal: Principal, order: Order) -> bool:
    """The same rule as `scope`, for an order already loaded."""
    if order.tenant != principal.tenant:
        return False
    if principal.is_staff or principal.role == "system":
        return True
    if principal.role in ("seller", "integrator"):
        return principal.party == order.seller_id or (principal.role == "integrator" and principal.party is None)
    if principal.role == "supplier":
        return any(line.supplier_id == principal.party for line in order.lines)
    return principal.role == "customer" and principal.party == order.customer_ref


def scope(principal: Principal) -> list[Any]:
    """The orders this principal may list: staff the tenant's, a seller its own, a customer his own, others none."""
    mine = [orders.c.tenant == principal.tenant]
    if principal.is_staff or (principal.role == "integrator" and principal.party is None):
        return mine
    if principal.role in ("seller", "integrator"):
        return [*mine, orders.c.seller_id == principal.party]
    if principal.role == "customer":
        return [*mine, orders.c.customer_ref == principal.party]
    return [*mine, sa.false()]


def get_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One order as the caller may see it; a foreign one is not found."""
    order = ctx.need(Order, args["order_id"])
    if not visible(ctx.principal, order):
        raise NotFound(kind="order", id=args["order_id"])
    return order_view(_ruled(ctx, order), ctx.get(Settlement, order.id), ctx.principal)


def list_orders(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S0-08: a page of orders, newest change first."""
    where = scope(ctx.principal)
    for name in ("phase", "customer_ref", "seller_id", "number"):
        if name in args:
            where.append(orders.c[name] == args[name])
    if "updated_after" in args:
        where.append(orders.c.updated_at > args["updated_after"])
    if "has_open_claims" in args:
        some = orders.c.open_claims != []
        where.append(some if args["has_open_claims"] else sa.not_(some))
    if "has_claims" in args:
        where.append(orders.c.claim_count > 0 if args["has_claims"] else orders.c.claim_count == 0)
    return page(
        ctx.connection,
        MAPPING.select().where(*where),
        orders.c.updated_at,
        orders.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: summary(_ruled(ctx, MAPPING.from_row(dict(row))), ctx.principal),
    )


def _ruled(ctx: Context, order: Order) -> Order:
    order.rules = rules_of(ctx, order.marketplace)
    return order


def list_entitlements(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Subscriptions, the one that lasts longest first: staff the tenant's, a seller its own, a customer his own."""
    where = [entitlements.c.tenant == ctx.tenant]
    who = ctx.principal
    if who.role == "customer":
        where.append(entitlements.c.customer_ref == who.party)
    elif who.role in ("seller", "integrator") and who.party is not None:
        where.append(entitlements.c.seller_id == who.party)
    elif not who.is_staff and who.role != "integrator":
        where.append(sa.false())
    for name in ("customer_ref", "product_id", "state"):
        if name in args:
            where.append(entitlements.c[name] == args[name])
    mapping = STORAGE.mappings[Entitlement]
    return page(
        ctx.connection,
        mapping.select().where(*where),
        entitlements.c.ends_at,
        entitlements.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: entitlement_view(mapping.from_row(dict(row))),
    )


def orders_of(ctx: Context, customer_ref: str) -> list[Order]:
    """The customer's orders that were paid and stand, newest first."""
    standing = orders.c.phase.not_in(("awaiting_payment", "cancelled"))
    return ctx.find(Order, orders.c.customer_ref == customer_ref, standing, order_by=orders.c.updated_at.desc())


def number_taken(ctx: Context, args: dict[str, Any]) -> bool:
    """Is there an order of this number on this marketplace already?

    Reads without flushing the batch: two of one number in one batch meet at the unique key and run again one by one.
    """
    statement = sa.select(orders.c.id).where(
        orders.c.tenant == ctx.tenant, orders.c.marketplace == args["marketplace"], orders.c.number == args["number"]
    )
    return ctx.work.connection.execute(statement).first() is not None


def numbers_taken(ctx: Context, wanted: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Which of these (marketplace, number) are taken already, found with one statement."""
    if not wanted:
        return set()
    statement = sa.select(orders.c.marketplace, orders.c.number).where(
        orders.c.tenant == ctx.tenant,
        orders.c.marketplace.in_({each["marketplace"] for each in wanted}),
        orders.c.number.in_({each["number"] for each in wanted}),
    )
    return {(row.marketplace, row.number) for row in ctx.connection.execute(statement)}
