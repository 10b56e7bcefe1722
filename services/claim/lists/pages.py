"""How a page of claims is read: at the same cost among a million claims as among ten thousand, whatever is asked.

1. What an index holds in the order of the page (claims by state, of a seller by state, of a customer, of an order, by
   awaited party, by assignee) is read off it: one short scan per state, merged.
2. Where more is asked, the newest LOOKED_AT of those are tried, and as many more as should hold a page, if those are at
   most LOOKED_FURTHER. Mostly enough of them pass, and the page is there.
3. Else what is asked for is rare: all of it is looked up by its words and marks (the index `claim_search`) and sorted.
   SQLite has no such index and tries every claim that the first step would read.
"""

from __future__ import annotations

from typing import Any

from services.claim.lists import queries
from services.claim.lists.wanted import Wanted, wanted_of
from shared.runtime.unit_of_work import Context

LOOKED_AT, LOOKED_FURTHER = 1000, 12_000
COUNTED = 4 * LOOKED_AT  # tried before all are counted by the index
MARGIN = 1.3  # times what should hold a page: claims that pass are not spread evenly
COMMON = 0.05  # of those tried: a word that more have is not looked up, its list alone would take too long to read


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
        walked = _run(ctx, queries.number_passing(form), wanted, most + 1, COUNTED)
        looked_at, number = tuple(walked.one())
        if looked_at < COUNTED or number > most:
            return min(number, most + 1)
        return _run(ctx, queries.number_looked_up(form), _rare(ctx, wanted), most + 1).scalar_one()
    return _run(ctx, queries.number_tried(form), wanted, most + 1).scalar_one()


def _read(ctx: Context, wanted: Wanted, most: int) -> list[Any]:
    form = wanted.form
    if form.tried and _is_postgres(ctx):
        found = _walked(ctx, wanted, most)
        return _rows(ctx, queries.looked_up(form), _rare(ctx, wanted), most) if found is None else found
    plain = queries.tried if form.tried or form.states is None else queries.held
    return _rows(ctx, plain(form), wanted, most)


def _walked(ctx: Context, wanted: Wanted, most: int) -> list[Any] | None:
    """The rows that pass among the first of those that the index holds; None: there may be more further on."""
    looked_at = LOOKED_AT
    while True:
        rows = _rows(ctx, queries.passing(wanted.form), wanted, most, looked_at)
        if len(rows) == most or (rows and rows[0][queries.LOOKED_AT] < looked_at):
            return rows
        further = int(MARGIN * most * looked_at / len(rows)) if rows else LOOKED_FURTHER + 1
        if looked_at > LOOKED_AT or further > LOOKED_FURTHER:
            return None
        looked_at = further


def _rare(ctx: Context, wanted: Wanted) -> Wanted:
    """Of several words look up only those that few claims have: the others are tried on what was found."""
    if len(wanted.words) < 2:
        return wanted
    looked_at, *numbers = _run(ctx, queries.words_found(wanted.form), wanted, 1).one()
    rare = [word for word, number in zip(wanted.words, numbers, strict=True) if number <= COMMON * looked_at]
    return wanted.looking_up(rare) if rare else wanted


def _rows(ctx: Context, statement: Any, wanted: Wanted, most: int, looked_at: int = 0) -> list[Any]:
    return list(_run(ctx, statement, wanted, most, looked_at).mappings())


def _run(ctx: Context, statement: Any, wanted: Wanted, most: int, looked_at: int = 0) -> Any:
    values = {**wanted.values, "most": most, "looked_at": looked_at or LOOKED_AT}
    return ctx.connection.execute(statement, values)


def _is_postgres(ctx: Context) -> bool:
    return ctx.work.connection.dialect.name == "postgresql"
