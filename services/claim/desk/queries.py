"""Counts for the dashboard, and the oversight queue over every seller (S2-17)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.claim import queries
from services.claim.access.queries import scope
from services.claim.lists import pages
from services.claim.model.parts import viewer
from services.claim.model.states import OPEN, STATES
from services.claim.saved.queries import chosen
from services.claim.storage import claims
from shared.kernel.clock import moment
from shared.kernel.errors import Forbidden
from shared.runtime.unit_of_work import Context

COUNTED = 1000  # of each state: beyond that nobody reads the number, and counting costs
OPEN_STATES = tuple(state for state in STATES if state in OPEN)


def count_claims(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Per state that is not over, and of those that wait for the caller; `more` names what was not counted out."""
    where = scope(ctx.principal)
    where += [claims.c[name] == args[name] for name in ("category", "seller_id") if name in args]
    parts = {state: _few([*where, claims.c.state == state]) for state in OPEN_STATES}
    parts["mine"] = _few([*where, claims.c.awaiting == viewer(ctx.principal)])
    row = ctx.connection.execute(sa.select(*(part.label(name) for name, part in parts.items()))).mappings().one()
    return {
        "states": {state: min(row[state], COUNTED) for state in OPEN_STATES},
        "mine": min(row["mine"], COUNTED),
        "more": [name for name in parts if row[name] > COUNTED],
    }


def count_found(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """How many claims these filters or this saved view leave."""
    found = pages.count(ctx, chosen(ctx, args), COUNTED)
    return {"count": min(found, COUNTED), "more": found > COUNTED}


def _few(where: list[Any]) -> sa.ScalarSelect[int]:
    some = sa.select(claims.c.id).where(*where).limit(COUNTED + 1).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


def oversight(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S2-17: what is not over, of every seller, the claim that nobody touched for longest first."""
    if not ctx.principal.is_staff:
        raise Forbidden(action="oversight.list")
    given: dict[str, Any] = {name: args[name] for name in ("seller_id", "handler", "cursor") if name in args}
    found = queries.list_claims(ctx, {**given, "state": list(OPEN_STATES), "order": "oldest", "limit": args["limit"]})
    for item in found["items"]:
        item["waiting_s"] = int((ctx.now - moment(item["updated_at"])).total_seconds())
    return found
