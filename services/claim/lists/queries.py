"""How a page of claims is read: at the same cost among a million claims as among ten thousand, whatever is asked.

1. What an index holds in the order of the page (claims by state, of a seller by state, of a customer, of an order, by
   awaited party, by assignee) is read off it: one short scan per state, merged.
2. Where more is asked, the newest LOOKED_AT of those are tried. Mostly enough of them pass, and the page is there.
3. Else what is asked for is rare: all of it is looked up by its words and marks (the index `claim_search`) and sorted.
   SQLite has no such index and tries every claim that the first step would read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from services.claim.access.queries import owned, seat_of, seated
from services.claim.model import Claim
from services.claim.model.parts import viewer
from services.claim.model.states import ALIVE, OPEN, STATES
from services.claim.model.words import sought
from services.claim.storage import SEARCHED, STORAGE, claims
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import decode

MAPPING = STORAGE.mappings[Claim]
LOOKED_AT = 4000
Where = list[sa.ColumnElement[bool]]
# What the search index holds of a claim beside its words, by the letter it is marked with.
MARKS = {"c": "category", "r": "reason_code", "m": "marketplace", "h": "handler", "b": "seller_id", "a": "assignee"}


@dataclass(slots=True)
class Wanted:
    """What is asked for. held: what one index holds in the order of the page, for each of `states`, if they are not
    None. tried: the rest, claim by claim. marks: what of it all the search index knows."""

    held: Where
    states: tuple[str, ...] | None
    tried: Where
    marks: list[str]

    def slices(self) -> list[Where]:
        if self.states is None:
            return [self.held]
        return [[*self.held, claims.c.state == state] for state in self.states] or [[sa.false()]]

    def all(self) -> Where:
        states = [] if self.states is None else [claims.c.state.in_(self.states)]
        return [*self.held, *states, *self.tried]


def page(ctx: Context, args: dict[str, Any]) -> tuple[list[sa.RowMapping], bool]:
    """At most `limit` rows in the order asked for, and whether there are more."""
    wanted = _wanted(ctx, args)
    limit, oldest = args["limit"], args.get("order") == "oldest"
    if "cursor" in args:
        at, id = decode(args["cursor"])
        bound = sa.tuple_(sa.literal(at, claims.c.updated_at.type), sa.literal(id, claims.c.id.type))
        place = sa.tuple_(claims.c.updated_at, claims.c.id)
        wanted.held.append(place > bound if oldest else place < bound)
    rows = _read(ctx, wanted, limit + 1, oldest)
    return rows[:limit], len(rows) > limit


def count(ctx: Context, args: dict[str, Any], most: int) -> int:
    """How many there are, counted up to one more than `most`."""
    wanted = _wanted(ctx, args)
    if not wanted.tried and wanted.states is not None:
        return _number(ctx, _merged(wanted.slices(), most + 1, oldest=False))
    if wanted.tried and _is_postgres(ctx):
        walked = _walked(wanted, oldest=False)
        passed = sa.select(sa.func.count(), sa.func.count().filter(walked.c.passes)).select_from(walked)
        looked_at, number = ctx.connection.execute(passed).one()
        if looked_at < LOOKED_AT or number > most:
            return min(number, most + 1)
        return _number(ctx, sa.select(claims.c.id).where(*wanted.all(), _marked(wanted)).limit(most + 1))
    return _number(ctx, sa.select(claims.c.id).where(*wanted.all()).limit(most + 1))


# what is asked

_EQUAL = ("category", "order_id", "seller_id", "customer_ref", "handler", "reason_code", "marketplace")
_WITHOUT_STATE = ("order_id", "customer_ref", "assignee", "awaiting")  # few claims each, or few of them alive


def _wanted(ctx: Context, args: dict[str, Any]) -> Wanted:
    who = ctx.principal
    equal = {name: args[name] for name in _EQUAL if name in args}
    if "awaiting" in args:
        equal["awaiting"] = viewer(who) if args["awaiting"] == "me" else args["awaiting"]
    if args.get("assignee", "none") != "none":
        equal["assignee"] = who.id if args["assignee"] == "me" else args["assignee"]
    states, by = _states(args), _index(who, equal)
    held: Where = [*owned(who), *(claims.c[by] == equal[by] for by in [by] if by in equal)]
    if "updated_after" in args:
        held.append(claims.c.updated_at > args["updated_after"])
    tried = [claims.c[name] == value for name, value in equal.items() if name != by] + _others(ctx, args)
    marks = _marks(who, states, equal, args)
    if by not in _WITHOUT_STATE:
        return Wanted(held, states, tried, marks)
    if len(states) < len(STATES) and not (by == "awaiting" and "state" not in args):
        tried.append(claims.c.state.in_(states))
    return Wanted(held, None, tried, marks)


def _index(who: Principal, equal: dict[str, Any]) -> str | None:
    """The column of the index to read by; None: by state alone. A seller's claims lie by state under the seller."""
    if who.role == "customer":
        return "customer_ref"
    of_one_seller = "seller_id" in equal or (who.role in ("seller", "integrator") and who.party is not None)
    named = [name for name in ("order_id", "customer_ref", "assignee") if name in equal]
    return named[0] if named else "seller_id" if of_one_seller else "awaiting" if "awaiting" in equal else None


def _states(args: dict[str, Any]) -> tuple[str, ...]:
    """Nobody is awaited on what is over, and only what is open is due."""
    due = "due_before" in args or args.get("overdue")
    possible = OPEN if due else ALIVE if "awaiting" in args else STATES
    return tuple(state for state in STATES if state in args.get("state", STATES) and state in possible)


def _others(ctx: Context, args: dict[str, Any]) -> Where:
    where: Where = [claims.c.words.contains(f" {word}") for word in sought(args.get("q", ""))]
    for kind, ref in (seat_of(ctx.principal), ("supplier", args.get("supplier_id"))):
        if ref is not None:
            where.append(claims.c.id.in_(seated(ctx.tenant, kind, ref)))
    if args.get("assignee") == "none":
        where.append(claims.c.assignee.is_(None))
    if "due_before" in args:
        where.append(claims.c.due_at <= args["due_before"])
    if "overdue" in args:
        late = claims.c.due_at < ctx.now
        where.append(late if args["overdue"] else sa.or_(claims.c.due_at.is_(None), ~late))
    return where


def _marks(who: Principal, states: tuple[str, ...], equal: dict[str, Any], args: dict[str, Any]) -> list[str]:
    """What the search index knows of what is asked for, in PostgreSQL's words."""
    marks = [_mark("t", who.tenant)]
    if 0 < len(states) < len(STATES):
        marks.append("(" + " | ".join(_mark("s", state) for state in states) + ")")
    if who.role in ("seller", "integrator") and who.party is not None:
        marks.append(_mark("b", who.party))
    marks += [_mark(letter, equal[name]) for letter, name in MARKS.items() if name in equal]
    return marks + [f"'{word}':*" for word in sought(args.get("q", ""))]


def _mark(letter: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{letter}:{quoted}'"


# reading


def _read(ctx: Context, wanted: Wanted, most: int, oldest: bool) -> list[sa.RowMapping]:
    if wanted.tried and _is_postgres(ctx):
        return _tried(ctx, wanted, most, oldest)
    if wanted.tried or wanted.states is None:
        return _rows(ctx, MAPPING.select().where(*wanted.all()), most, oldest)
    return _rows(ctx, MAPPING.select().where(claims.c.id.in_(_merged(wanted.slices(), most, oldest))), most, oldest)


def _tried(ctx: Context, wanted: Wanted, most: int, oldest: bool) -> list[sa.RowMapping]:
    walked = _walked(wanted, oldest)
    passing = sa.select(walked.c.id).where(walked.c.passes).order_by(*_by_change(walked.c, oldest)).limit(most)
    looked_at = sa.select(sa.func.count()).select_from(walked).scalar_subquery().label("looked_at")
    rows = _rows(ctx, MAPPING.select().add_columns(looked_at).where(claims.c.id.in_(passing)), most, oldest)
    if len(rows) == most or (rows and rows[0]["looked_at"] < LOOKED_AT):
        return rows
    found = _found(wanted)
    those = sa.select(found.c.id).order_by(*_by_change(found.c, oldest)).limit(most)
    return _rows(ctx, MAPPING.select().where(claims.c.id.in_(those)), most, oldest)


def _walked(wanted: Wanted, oldest: bool) -> sa.CTE:
    """The first LOOKED_AT of what the index holds, and which of them pass."""
    passes = sa.and_(*wanted.tried).label("passes")
    merged = _first(wanted.slices(), LOOKED_AT, oldest, passes)
    return merged.cte("walked").prefix_with("MATERIALIZED")


def _found(wanted: Wanted) -> sa.CTE:
    """All that passes. Materialised: found by what is rare in it, never by walking until enough pass."""
    those = sa.select(claims.c.id, claims.c.updated_at).where(*wanted.all(), _marked(wanted))
    return those.cte("found").prefix_with("MATERIALIZED")


def _marked(wanted: Wanted) -> sa.ColumnElement[bool]:
    return SEARCHED.op("@@")(sa.cast(sa.literal(" & ".join(wanted.marks)), TSQUERY))


def _rows(ctx: Context, statement: sa.Select, most: int, oldest: bool) -> list[sa.RowMapping]:
    return list(ctx.connection.execute(statement.order_by(*_by_change(claims.c, oldest)).limit(most)).mappings())


def _merged(slices: list[Where], most: int, oldest: bool) -> sa.Select:
    """The ids of the first `most` claims over all slices."""
    first = _first(slices, most, oldest).subquery()
    return sa.select(first.c.id).order_by(*_by_change(first.c, oldest)).limit(most)


def _first(slices: list[Where], most: int, oldest: bool, *more: Any) -> sa.Select:
    scans = [
        sa.select(claims.c.id, claims.c.updated_at, *more)
        .where(*each)
        .order_by(*_by_change(claims.c, oldest))
        .limit(most)
        .subquery()
        for each in slices
    ]
    merged = sa.union_all(*(sa.select(scan) for scan in scans)).subquery()
    return sa.select(merged).order_by(*_by_change(merged.c, oldest)).limit(most)


def _by_change(columns: Any, oldest: bool) -> list[sa.ColumnElement[Any]]:
    return [columns.updated_at, columns.id] if oldest else [columns.updated_at.desc(), columns.id.desc()]


def _is_postgres(ctx: Context) -> bool:
    return ctx.work.connection.dialect.name == "postgresql"


def _number(ctx: Context, some: sa.Select) -> int:
    return ctx.connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one()
