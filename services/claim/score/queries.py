"""Counting a seller's orders and issues, and who reads the result."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from services.claim.model.states import MERGED, OPEN, REFUSED, STATES, WITHDRAWN
from services.claim.profiles import PROFILES
from services.claim.score.model import HINTS, NAMED, Numbers, SellerScore, Tally, score
from services.claim.storage import claims, order_cases, seller_scores
from shared.contracts.claim import CATEGORIES
from shared.kernel.errors import NotFound
from shared.runtime.unit_of_work import Context
from shared.storage.json_items import JsonItems

NOT_COUNTED = frozenset({REFUSED, WITHDRAWN, MERGED})
DELIVERED = ("delivered", "completed")
AT_A_TIME = 300
STALE = timedelta(hours=1)  # deliveries and the passing of days move a rate too, slowly


def get_score(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """N7, S2-27: the seller's own, or staff. Counted now. A seller who never sold here is not found (T01)."""
    who, seller_id = ctx.principal, args["seller_id"]
    known = sa.select(order_cases.c.id).where(order_cases.c.tenant == ctx.tenant, order_cases.c.seller_id == seller_id)
    sold = ctx.connection.execute(known.limit(1)).first() is not None
    if not sold or not (who.is_staff or who.acts_for_seller(seller_id)):
        raise NotFound(kind="seller", id=seller_id)
    found = score_of(ctx, seller_id)
    return {"seller_id": seller_id, **found, "reminder": HINTS[found["level"]]}


def score_of(ctx: Context, seller_id: str) -> dict[str, Any]:
    numbers = numbers_of(ctx.settings)
    return score(_tally(ctx, seller_id, numbers), numbers)


def numbers_of(settings: Any) -> Numbers:
    """The four configurable numbers (A16)."""
    return Numbers(
        window_days=settings.score_window_days,
        threshold=Decimal(settings.score_threshold_percent),
        least_orders=settings.score_least_orders,
        issues_per_order=settings.score_issues_per_order,
    )


def _tally(ctx: Context, seller_id: str, numbers: Numbers) -> Tally:
    """Counted by the database: a large seller has more claims in the window than a process should hold."""
    since = ctx.now - timedelta(days=numbers.window_days)
    cohort = (
        order_cases.c.tenant == ctx.tenant,
        order_cases.c.seller_id == seller_id,
        order_cases.c.placed_at >= since,
    )
    delivered = sa.select(sa.func.count()).where(*cohort, order_cases.c.phase.in_(DELIVERED))
    tally = Tally(orders=ctx.connection.execute(delivered).scalar_one())
    issues = claims.join(order_cases, order_cases.c.id == claims.c.order_id)
    where = [claims.c.tenant == ctx.tenant, claims.c.seller_id == seller_id, *cohort]
    profiles = _count_states(ctx, tally, issues, where)
    where += [claims.c.profile.in_(profiles), claims.c.state.not_in(NOT_COUNTED)]
    _count_orders(ctx, tally, issues, where, numbers.issues_per_order)
    tally.by_product = _count_products(ctx, issues, where)
    return tally


def _count_states(ctx: Context, tally: Tally, issues: Any, where: list[Any]) -> list[str]:
    """Take in what became of the claims and why they were opened. The profiles that count."""
    kinds = (claims.c.profile, claims.c.state, claims.c.reason_code)
    found = sa.select(*kinds, sa.func.count().label("claims")).select_from(issues).where(*where).group_by(*kinds)
    rows = [row for row in ctx.connection.execute(found) if PROFILES.frozen(row.profile).counts_in_score]
    counted = [row for row in rows if row.state not in NOT_COUNTED]
    tally.decided = sum(row.claims for row in rows if row.state not in OPEN)
    tally.dropped = sum(row.claims for row in rows) - sum(row.claims for row in counted)
    reasons: Counter[str] = Counter()
    for row in counted:
        reasons[row.reason_code] += row.claims
    tally.by_reason = dict(reasons)
    return sorted({row.profile for row in counted})


def _count_orders(ctx: Context, tally: Tally, issues: Any, where: list[Any], least: int) -> None:
    """Take in the orders with issues, and those on which nothing is decided yet."""
    decided = sa.func.max(sa.case((claims.c.state.in_(OPEN), 0), else_=1)).label("decided")
    orders = sa.select(decided).select_from(issues).where(*where).group_by(claims.c.order_id)
    bad = orders.having(sa.func.count() >= least).subquery()
    count = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(1 - bad.c.decided), 0)).select_from(bad)
    tally.issues, tally.open_issues = ctx.connection.execute(count).one()


def _count_products(ctx: Context, issues: Any, where: list[Any]) -> dict[str, int]:
    """How many claims name a line of each product; of those that are named at all."""
    dialect = ctx.connection.dialect.name
    named, ordered = JsonItems(claims.c.lines, dialect, "named"), JsonItems(order_cases.c.lines, dialect, "ordered")
    lines = issues.join(named.source, sa.true()).join(ordered.source, ordered.text("line_id") == named.text("line_id"))
    product, count = ordered.text("product_id").label("product"), sa.func.count(claims.c.id.distinct()).label("claims")
    found = sa.select(product, count).select_from(lines).where(*where).group_by(product)
    ranked = ctx.connection.execute(found.order_by(count.desc(), product).limit(NAMED))
    return {row.product: row.claims for row in ranked}


def to_count(ctx: Context, since: datetime) -> list[str]:
    """The sellers whose claims changed since then, and those not counted for an hour."""
    changed = sa.select(claims.c.seller_id).where(
        claims.c.tenant == ctx.tenant,
        claims.c.category.in_(CATEGORIES),
        claims.c.state.in_(STATES),
        claims.c.updated_at > since,
        claims.c.seller_id.is_not(None),
    )
    stale = sa.select(seller_scores.c.seller_id).where(
        seller_scores.c.tenant == ctx.tenant, seller_scores.c.computed_at < ctx.now - STALE
    )
    found = ctx.connection.execute(changed.distinct()).scalars().all()
    late = ctx.connection.execute(stale.order_by(seller_scores.c.computed_at).limit(AT_A_TIME)).scalars().all()
    return sorted({*found, *late})


def timer_stands(ctx: Context, kind: str, ref: str) -> bool:
    timer = ctx.work.storage.runtime.timer.c
    return bool(ctx.connection.execute(sa.select(sa.exists().where(timer.id == f"{kind}:{ref}"))).scalar())


__all__ = ["SellerScore", "get_score", "score_of", "timer_stands", "to_count"]
