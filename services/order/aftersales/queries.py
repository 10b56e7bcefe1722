"""Who a customer is, for those who deal with him: a name for a row of the desk, and whether an address is his."""

from __future__ import annotations

import hmac
from typing import Any

import sqlalchemy as sa

from services.order.model import Contact
from services.order.storage import contacts, orders
from shared.runtime.unit_of_work import Context


def list_customers(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S1-10: the names of these customers; a seller learns those of his own orders only (T01)."""
    refs = _within_reach(ctx, args["customer_refs"])
    found = ctx.find(Contact, contacts.c.party == "customer", contacts.c.ref.in_(refs)) if refs else []
    return {"customers": {each.ref: {"name": each.details["name"]} for each in found}}


def _within_reach(ctx: Context, refs: list[str]) -> list[str]:
    who = ctx.principal
    if who.is_staff or (who.role == "integrator" and who.party is None):
        return refs
    if who.role not in ("seller", "integrator"):
        return []
    statement = sa.select(orders.c.customer_ref).where(
        orders.c.tenant == ctx.tenant, orders.c.seller_id == who.party, orders.c.customer_ref.in_(refs)
    )
    return sorted(set(ctx.connection.execute(statement).scalars()))


def is_address_of(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A5: is this the customer's own address? Staff only ask it before they let somebody follow a claim by mail."""
    found = ctx.find(Contact, contacts.c.party == "customer", contacts.c.ref == args["customer_ref"])
    theirs = ctx.principal.is_staff and any(same_address(each.details["email"], args["email"]) for each in found)
    return {"is_theirs": theirs}


def same_address(one: str, other: str) -> bool:
    """Whatever the case, and without telling by the time it takes where they differ."""
    return hmac.compare_digest(one.strip().lower().encode(), other.strip().lower().encode())
