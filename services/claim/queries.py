"""The read side of claims: every query is scoped to who asks, in SQL (T01)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from services.claim.model import Asking, Claim, Offer, OrderCase
from services.claim.model.parts import viewer
from services.claim.model.sla import SlaClocks
from services.claim.model.states import ALIVE, STATES
from services.claim.profiles.activation import active_profiles
from services.claim.storage import STORAGE, claims, offers, order_cases, seats
from services.claim.views import claim_view, issue_view, profile_view
from shared.contracts.claim import CATEGORIES
from shared.kernel.errors import NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import decode, encode

MAPPING = STORAGE.mappings[Claim]
Where = list[sa.ColumnElement[bool]]


# who sees what


def visible(who: Principal, claim: Claim) -> bool:
    """The same rule as `scope`, for a claim already loaded."""
    if claim.tenant != who.tenant:
        return False
    if who.is_staff or who.role == "system":
        return True
    if who.role in ("seller", "integrator"):
        return who.party == claim.seller_id or _whole_marketplace(who)
    if who.role in ("supplier", "account_observer"):
        kind, ref = _seat(who)
        return any((o["kind"], o["id"]) == (kind, ref) for o in claim.observers)
    return who.role == "customer" and who.party == claim.customer_ref


def scope(who: Principal) -> Where:
    """Staff the tenant's claims, a seller his orders', a customer his own, observers those they sit on, others none."""
    mine: Where = [claims.c.tenant == who.tenant]
    if who.is_staff or _whole_marketplace(who):
        return mine
    if who.role in ("seller", "integrator"):
        return [*mine, claims.c.seller_id == who.party]
    if who.role == "customer":
        return [*mine, claims.c.customer_ref == who.party]
    if who.role in ("supplier", "account_observer"):
        kind, ref = _seat(who)
        taken = sa.select(seats.c.claim_id).where(
            seats.c.tenant == who.tenant, seats.c.kind == kind, seats.c.ref == ref, seats.c.active.is_(True)
        )
        return [*mine, claims.c.id.in_(taken)]
    return [*mine, sa.false()]


def _whole_marketplace(who: Principal) -> bool:
    """A key of the marketplace itself reads everything in its tenant."""
    return who.role == "integrator" and who.party is None


def _seat(who: Principal) -> tuple[str, str | None]:
    return ("supplier", who.party) if who.role == "supplier" else ("account", who.id)


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
    limit = args["limit"]
    found = _page(ctx, scope(ctx.principal) + _filters(ctx.principal, args), args.get("state"), limit, args)
    rows, more = found[:limit], len(found) > limit
    loaded = [MAPPING.from_row(dict(row)) for row in rows]
    cases = _cases(ctx, {claim.order_id for claim in loaded if claim.order_id})
    items = [claim_view(claim, asking_about(ctx, cases.get(claim.order_id))) for claim in loaded]
    next_cursor = encode(loaded[-1].updated_at, loaded[-1].id) if more else None
    return {"items": items, "next_cursor": next_cursor}


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


def offer_of_product(ctx: Context, marketplace: str, product_id: str) -> Offer | None:
    """An offer of this product on this marketplace, for its main supplier (S1-04)."""
    where = (offers.c.product_id == product_id, offers.c.marketplace == marketplace)
    found = ctx.find(Offer, *where, order_by=offers.c.id, limit=1)
    return found[0] if found else None


# how a page is read


def _filters(who: Principal, args: dict[str, Any]) -> Where:
    where: Where = [claims.c[name] == args[name] for name in _EQUAL if name in args]
    if "awaiting" in args:
        where.append(claims.c.awaiting == (viewer(who) if args["awaiting"] == "me" else args["awaiting"]))
    if "assignee" in args:
        nobody = args["assignee"] == "none"
        where.append(claims.c.assignee.is_(None) if nobody else claims.c.assignee == _person(who, args["assignee"]))
    if "updated_after" in args:
        where.append(claims.c.updated_at > args["updated_after"])
    return where


_EQUAL = ("category", "order_id", "seller_id", "customer_ref", "handler")


def _person(who: Principal, named: str) -> str:
    return who.id if named == "me" else named


def _page(
    ctx: Context, where: Where, states: Sequence[str] | None, limit: int, args: dict[str, Any]
) -> list[sa.RowMapping]:
    """`limit` + 1 rows in the order asked for.

    Where no index holds few claims: one index scan per category and state, merged, so that a page costs the same
    among a million claims as among ten thousand, whatever mix is asked for.
    """
    oldest = args.get("order") == "oldest"
    if "cursor" in args:
        at, id = decode(args["cursor"])
        bound = sa.tuple_(sa.literal(at, claims.c.updated_at.type), sa.literal(id, claims.c.id.type))
        place = sa.tuple_(claims.c.updated_at, claims.c.id)
        where = [*where, place > bound if oldest else place < bound]
    if _is_narrow(ctx.principal, args):
        chosen = where + ([claims.c.state.in_(states)] if states else [])
        statement = MAPPING.select().where(*chosen)
    else:
        found = _merged(_slices(ctx.principal, states, args), where, limit, oldest)
        statement = MAPPING.select().where(claims.c.id.in_(found))
    page = statement.order_by(*_by_change(claims.c, oldest)).limit(limit + 1)
    return list(ctx.connection.execute(page).mappings())


def _by_change(columns: Any, oldest: bool) -> list[sa.ColumnElement[Any]]:
    return [columns.updated_at, columns.id] if oldest else [columns.updated_at.desc(), columns.id.desc()]


def _is_narrow(who: Principal, args: dict[str, Any]) -> bool:
    """Is there an index that leaves few claims, or all of them in order? Of a seller's, the one by seller is better."""
    if who.role in ("customer", "supplier", "account_observer") or {"order_id", "customer_ref"} & set(args):
        return True
    if _of_one_seller(who, args):
        return False
    return "awaiting" in args or args.get("assignee", "none") != "none"


def _of_one_seller(who: Principal, args: dict[str, Any]) -> bool:
    return "seller_id" in args or (who.role in ("seller", "integrator") and not _whole_marketplace(who))


def _slices(who: Principal, states: Sequence[str] | None, args: dict[str, Any]) -> list[Where]:
    """The parts of the list that lie in order in one index each: by state, and by category unless it is a seller's."""
    wanted = [state for state in states or STATES if "awaiting" not in args or state in ALIVE]
    by_state: list[Where] = [[claims.c.state == state] for state in wanted]
    if _of_one_seller(who, args) or "category" in args:
        return by_state
    return [[claims.c.category == category, *each] for category in CATEGORIES for each in by_state]


def _merged(slices: Iterable[Where], where: Where, limit: int, oldest: bool = False) -> sa.Select:
    """The ids of the first `limit` + 1 claims over all slices."""
    scans = [
        sa.select(claims.c.id, claims.c.updated_at)
        .where(*where, *each)
        .order_by(*_by_change(claims.c, oldest))
        .limit(limit + 1)
        .subquery()
        for each in slices
    ]
    merged = sa.union_all(*(sa.select(scan.c.id, scan.c.updated_at) for scan in scans)).subquery()
    return sa.select(merged.c.id).order_by(*_by_change(merged.c, oldest)).limit(limit + 1)


def _cases(ctx: Context, ids: set[str]) -> dict[str, OrderCase]:
    """The order copies of a page, read at once."""
    mapping = STORAGE.mappings[OrderCase]
    rows = ctx.connection.execute(mapping.select().where(order_cases.c.id.in_(sorted(ids)))).mappings()
    return {row["id"]: mapping.from_row(dict(row)) for row in rows}
