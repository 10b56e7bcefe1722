"""The statements that read a page of claims, each built once per form of what is asked for (wanted.py).

Values come as parameters of the same names as in `Wanted.values`; `most` is how many rows are read, `looked_at` how
many are tried at most.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from services.claim.access.queries import held as owned
from services.claim.access.queries import seated
from services.claim.lists.wanted import EQUAL, Form
from services.claim.model import Claim
from services.claim.model.words import MOST
from services.claim.storage import SEARCHED, STORAGE, claims, order_cases

FORMS = 512  # kept: people ask for few of those that are possible
Where = list[sa.ColumnElement[bool]]


def _value(name: str, column: Any = None) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=None if column is None else column.type)


_PLACE = sa.tuple_(claims.c.updated_at, claims.c.id)
_FROM = sa.tuple_(_value("place_at", claims.c.updated_at), _value("place_id", claims.c.id))
_LATE = claims.c.due_at < _value("now", claims.c.due_at)
_MOST, _LOOKED_AT = _value("most", sa.literal(0)), _value("looked_at", sa.literal(0))
CONDITIONS: dict[str, sa.ColumnElement[bool]] = {
    **owned(_value("tenant", claims.c.tenant), _value("party", claims.c.seller_id)),
    **{name: claims.c[name] == _value(name, claims.c[name]) for name in (*EQUAL, "awaiting", "assignee")},
    **{f"word{place}": claims.c.words.like(_value(f"word{place}", claims.c.words)) for place in range(MOST)},
    "updated_after": claims.c.updated_at > _value("updated_after", claims.c.updated_at),
    "earlier": _PLACE < _FROM,
    "later": _PLACE > _FROM,
    "states": claims.c.state.in_(sa.bindparam("states", expanding=True)),
    "seat": claims.c.id.in_(seated(_value("tenant"), _value("seat_kind"), _value("seat_ref"))),
    "supplier": claims.c.id.in_(seated(_value("tenant"), "supplier", _value("supplier"))),
    "unassigned": claims.c.assignee.is_(None),
    "due_before": claims.c.due_at <= _value("due_before", claims.c.due_at),
    "overdue": _LATE,
    "in_time": sa.or_(claims.c.due_at.is_(None), ~_LATE),
}
_MARKED = SEARCHED.op("@@")(sa.cast(_value("marks", claims.c.words), TSQUERY))

# The columns of a row of a page: the claim's, and what an answer needs to know of its order.
PHASE, CLEARED, LOOKED_AT = "order_phase", "order_cleared", "looked_at"


@lru_cache(FORMS)
def held(form: Form) -> sa.Select:
    """What the index holds in the order of the page: nothing else was asked."""
    return _whole(form, _merged(form))


@lru_cache(FORMS)
def passing(form: Form) -> sa.Select:
    """Those of the first that pass, and beside each row how many were looked at."""
    walked = _walked(form)
    those = sa.select(walked.c.id).where(walked.c.passes).order_by(*_order(walked.c, form)).limit(_MOST)
    looked_at = sa.select(sa.func.count()).select_from(walked).scalar_subquery().label(LOOKED_AT)
    return _whole(form, those, looked_at)


@lru_cache(FORMS)
def words_found(form: Form) -> sa.Select:
    """How many were looked at, and of them how many have each word."""
    words = [name for name in form.tried if name.startswith("word")]
    first = _first(form, _LOOKED_AT, *(CONDITIONS[name].label(name) for name in words)).subquery()
    return sa.select(sa.func.count(), *(sa.func.count().filter(first.c[name]) for name in words)).select_from(first)


@lru_cache(FORMS)
def looked_up(form: Form) -> sa.Select:
    """All that passes, from the search index. Materialised: found by what is rare in it, never by walking until enough
    pass."""
    those = sa.select(claims.c.id, claims.c.updated_at).where(*_all(form), _MARKED)
    found = those.cte("found").prefix_with("MATERIALIZED")
    return _whole(form, sa.select(found.c.id).order_by(*_order(found.c, form)).limit(_MOST))


@lru_cache(FORMS)
def tried(form: Form) -> sa.Select:
    """All that passes, one by one: for few, and for a database without the search index."""
    return _page().where(*_all(form)).order_by(*_order(claims.c, form)).limit(_MOST)


@lru_cache(FORMS)
def number_held(form: Form) -> sa.Select:
    return _number(_merged(form))


@lru_cache(FORMS)
def number_passing(form: Form) -> sa.Select:
    """How many were looked at, and how many of them pass."""
    walked = _walked(form)
    return sa.select(sa.func.count(), sa.func.count().filter(walked.c.passes)).select_from(walked)


@lru_cache(FORMS)
def number_looked_up(form: Form) -> sa.Select:
    return _number(sa.select(claims.c.id).where(*_all(form), _MARKED).limit(_MOST))


@lru_cache(FORMS)
def number_tried(form: Form) -> sa.Select:
    return _number(sa.select(claims.c.id).where(*_all(form)).limit(_MOST))


# their parts


def _whole(form: Form, ids: sa.Select, *more: Any) -> sa.Select:
    """The rows of these claims, in order."""
    return _page(*more).where(claims.c.id.in_(ids)).order_by(*_order(claims.c, form)).limit(_MOST)


def _page(*more: Any) -> sa.Select:
    columns = STORAGE.mappings[Claim].raw_columns
    order = sa.and_(order_cases.c.id == claims.c.order_id, order_cases.c.tenant == claims.c.tenant)
    known = (order_cases.c.phase.label(PHASE), order_cases.c.cleared.label(CLEARED))
    return sa.select(*columns, *known, *more).select_from(claims.outerjoin(order_cases, order))


def _walked(form: Form) -> sa.CTE:
    """The first `looked_at` of what the index holds, and which of them pass."""
    passes = sa.and_(*(CONDITIONS[name] for name in form.tried)).label("passes")
    return _first(form, _LOOKED_AT, passes).cte("walked").prefix_with("MATERIALIZED")


def _merged(form: Form) -> sa.Select:
    """The ids of the first over all slices."""
    first = _first(form, _MOST).subquery()
    return sa.select(first.c.id).order_by(*_order(first.c, form)).limit(_MOST)


def _first(form: Form, most: Any, *more: Any) -> sa.Select:
    scans = [
        sa.select(claims.c.id, claims.c.updated_at, *more)
        .where(*each)
        .order_by(*_order(claims.c, form))
        .limit(most)
        .subquery()
        for each in _slices(form)
    ]
    merged = sa.union_all(*(sa.select(scan) for scan in scans)).subquery()
    return sa.select(merged).order_by(*_order(merged.c, form)).limit(most)


def _slices(form: Form) -> list[Where]:
    """What to scan: one short scan per state, merged; without states a single one."""
    held = [CONDITIONS[name] for name in form.held]
    if form.states is None:
        return [held]
    states = [claims.c.state == _value(f"state{place}", claims.c.state) for place in range(form.states)]
    return [[*held, state] for state in states] or [[sa.false()]]


def _all(form: Form) -> Where:
    states = [] if form.states is None else [CONDITIONS["states"]]
    return [*(CONDITIONS[name] for name in form.held), *states, *(CONDITIONS[name] for name in form.tried)]


def _order(columns: Any, form: Form) -> list[sa.ColumnElement[Any]]:
    if form.oldest:
        return [columns.updated_at, columns.id]
    return [columns.updated_at.desc(), columns.id.desc()]


def _number(some: sa.Select) -> sa.Select:
    return sa.select(sa.func.count()).select_from(some.subquery())
