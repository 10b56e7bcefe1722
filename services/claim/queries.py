"""The read side of claims: every query is scoped to who asks, in SQL (T01)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.claim.access.queries import scope, visible
from services.claim.lists import pages
from services.claim.lists.queries import CLEARED, PHASE
from services.claim.model import Asking, Claim, Offer, OrderCase
from services.claim.model.sla import SlaClocks
from services.claim.profiles.activation import active_profiles
from services.claim.saved.queries import chosen
from services.claim.storage import STORAGE, claims, offers, returns, withdrawals
from services.claim.views import claim_view, issue_view, profile_view
from shared.kernel.errors import NotFound
from shared.runtime.unit_of_work import Context
from shared.storage.paging import encode

MAPPING = STORAGE.mappings[Claim]


# who sees what


def visible_claim(ctx: Context, claim_id: str) -> Claim:
    """The claim, or NOT_FOUND: what one may not see does not exist (T01)."""
    claim = ctx.get(Claim, claim_id)
    if claim is None or not visible(ctx.principal, claim):
        raise NotFound(kind="claim", id=claim_id)
    return claim


def asking_about(ctx: Context, case: OrderCase | None) -> Asking:
    """case: None for a claim that is about no order."""
    if case is None:
        return Asking(ctx.principal, ctx.now)
    return Asking(ctx.principal, ctx.now, case.phase, case.cleared)


# queries


def get_claim(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One claim; a foreign one is not found."""
    claim = visible_claim(ctx, args["claim_id"])
    case = ctx.need(OrderCase, claim.order_id) if claim.order_id else None
    view = claim_view(claim, asking_about(ctx, case))
    if claim.profile.sla is not None and ctx.principal.role != "customer":
        view["sla"] = sla_view(ctx, claim)
    return view


def sla_view(ctx: Context, claim: Claim) -> list[dict[str, Any]]:
    """The clocks of a claim, for the team on it."""
    clocks = ctx.get(SlaClocks, claim.id)
    return [] if clocks is None else clocks.view(claim, ctx.now, ctx.settings.zone(claim.marketplace))


def list_claims(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A page of claims by their last change, newest first unless asked otherwise."""
    rows, more = pages.page(ctx, chosen(ctx, args))
    items = [_item(ctx, row) for row in rows]
    next_cursor = encode(rows[-1]["updated_at"], rows[-1]["id"]) if more else None
    return {"items": items, "next_cursor": next_cursor}


def _item(ctx: Context, row: sa.RowMapping) -> dict[str, Any]:
    """A row of a page as the caller may see it; it brought along what is to be known of its order."""
    asking = Asking(ctx.principal, ctx.now, row[PHASE], row[CLEARED] or False)
    return claim_view(MAPPING.from_row(row), asking)


def claims_of_orders(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Per order: how many claims are open, and each with its label: the issue column of a page of orders (S2-06)."""
    wanted = args["order_ids"]
    statement = MAPPING.select().where(*scope(ctx.principal), claims.c.order_id.in_(wanted)).order_by(claims.c.id)
    orders: dict[str, Any] = {id: {"open": 0, "issues": []} for id in wanted}
    for row in ctx.connection.execute(statement).mappings():
        claim = MAPPING.from_row(dict(row))
        orders[claim.order_id]["issues"].append(issue_view(claim))
        orders[claim.order_id]["open"] += claim.is_open
    return {"orders": orders}


def list_profiles(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The version of every profile that new claims take, with reasons and labels."""
    return {"items": [profile_view(profile) for profile in active_profiles(ctx)]}


def streams_of_claim(ctx: Context, claim_id: str) -> list[tuple[str, str]]:
    """The streams of the returns and of the withdrawal that belong to the claim, each with its id."""
    stored = {"return": returns, "withdrawal": withdrawals}
    parts = [
        sa.select(sa.literal(stream), table.c.id).where(table.c.tenant == ctx.tenant, table.c.claim_id == claim_id)
        for stream, table in stored.items()
    ]
    return [(stream, id) for stream, id in ctx.connection.execute(sa.union_all(*parts))]


def offer_of_product(ctx: Context, marketplace: str, product_id: str) -> Offer | None:
    """An offer of this product on this marketplace, for its main supplier (S1-04)."""
    where = (offers.c.product_id == product_id, offers.c.marketplace == marketplace)
    found = ctx.find(Offer, *where, order_by=offers.c.offer_id, limit=1)
    return found[0] if found else None
