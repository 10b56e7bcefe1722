"""Counts for the dashboard, and the oversight queue over every seller (S2-17)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.claim import queries
from services.claim.model.parts import viewer
from services.claim.model.states import OPEN, STATES
from services.claim.storage import claims
from shared.contracts.claim import CATEGORIES
from shared.kernel.clock import moment
from shared.kernel.errors import Forbidden
from shared.runtime.unit_of_work import Context

COUNTED = 1000  # of each state: beyond that nobody reads the number, and counting costs
OPEN_STATES = tuple(state for state in STATES if state in OPEN)


def count_claims(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Per state that is not over, and of those that wait for the caller; `more` names what was not counted out."""
    where = queries.scope(ctx.principal)
    where += [claims.c[name] == args[name] for name in ("category", "seller_id") if name in args]
    # what an index holds together: one short scan for each state and category
    categories = [args["category"]] if "category" in args else list(CATEGORIES)
    parts = {
        state: [_few([*where, claims.c.state == state, claims.c.category == each]) for each in categories]
        for state in OPEN_STATES
    }
    parts["mine"] = [_few([*where, claims.c.awaiting == viewer(ctx.principal)])]
    columns = [each.label(f"{name}_{at}") for name, each_of in parts.items() for at, each in enumerate(each_of)]
    row = ctx.connection.execute(sa.select(*columns)).mappings().one()
    found = {name: sum(row[f"{name}_{at}"] for at in range(len(each_of))) for name, each_of in parts.items()}
    return {
        "states": {state: min(found[state], COUNTED) for state in OPEN_STATES},
        "mine": min(found["mine"], COUNTED),
        "more": [name for name, number in found.items() if number > COUNTED],
    }


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
