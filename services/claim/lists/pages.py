"""How a page of claims is read: at the same cost among a million claims as among ten thousand, whatever is asked.

1. What an index holds in the order of the page (claims by state, of a seller by state, of a customer, of an order, by
   awaited party, by assignee) is read off it: one short scan per state, merged.
2. Where more is asked, the newest LOOKED_AT of those are tried. Mostly enough of them pass, and the page is there.
3. Else what is asked for is rare: all of it is looked up by its words and marks (the index `claim_search`) and sorted.
   SQLite has no such index and tries every claim that the first step would read.
"""

from __future__ import annotations

from typing import Any

from services.claim.lists import queries
from services.claim.lists.wanted import Wanted, wanted_of
from shared.runtime.unit_of_work import Context

LOOKED_AT = 4000


def page(ctx: Context, args: dict[str, Any]) -> tuple[list[Any], bool]:
    """At most `limit` rows in the order asked for, and whether there are more.

    Each with what the order copy knows (`queries.PHASE`, `CLEARED`; None without an order).
    """
    limit = args["limit"]
    rows = _read(ctx, wanted_of(ctx, args), limit + 1)
    return rows[:limit], len(rows) > limit


def count(ctx: Context, args: dict[str, Any], most: int) -> int:
    """How many there are, counted up to one more than `most`."""
    wanted = wanted_of(ctx, args)
    form = wanted.form
    if not form.tried and form.states is not None:
        return _run(ctx, queries.number_held(form), wanted, most + 1).scalar_one()
    if form.tried and _is_postgres(ctx):
        looked_at, number = tuple(_run(ctx, queries.number_passing(form), wanted, most + 1).one())
        if looked_at < LOOKED_AT or number > most:
            return min(number, most + 1)
        return _run(ctx, queries.number_looked_up(form), wanted, most + 1).scalar_one()
    return _run(ctx, queries.number_tried(form), wanted, most + 1).scalar_one()


def _read(ctx: Context, wanted: Wanted, most: int) -> list[Any]:
    form = wanted.form
    if form.tried and _is_postgres(ctx):
        rows = _rows(ctx, queries.passing(form), wanted, most)
        if len(rows) == most or (rows and rows[0][queries.LOOKED_AT] < LOOKED_AT):
            return rows
        return _rows(ctx, queries.looked_up(form), wanted, most)
    plain = queries.tried if form.tried or form.states is None else queries.held
    return _rows(ctx, plain(form), wanted, most)


def _rows(ctx: Context, statement: Any, wanted: Wanted, most: int) -> list[Any]:
    return list(_run(ctx, statement, wanted, most).mappings())


def _run(ctx: Context, statement: Any, wanted: Wanted, most: int) -> Any:
    return ctx.connection.execute(statement, {**wanted.values, "most": most, "looked_at": LOOKED_AT})


def _is_postgres(ctx: Context) -> bool:
    return ctx.work.connection.dialect.name == "postgresql"
