"""Counting a seller's orders and issues, and who reads the result."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from services.claim.model.states import MERGED, OPEN, REFUSED, STATES, WITHDRAWN
from services.claim.profiles import PROFILES
from services.claim.score.model import HINTS, Numbers, SellerScore, Tally, score
from services.claim.storage import claims, order_cases, seller_scores
from shared.contracts.claim import CATEGORIES
from shared.kernel.errors import NotFound
from shared.runtime.unit_of_work import Context

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
    since = ctx.now - timedelta(days=numbers.window_days)
    cohort = (
        order_cases.c.tenant == ctx.tenant,
        order_cases.c.seller_id == seller_id,
        order_cases.c.placed_at >= since,
    )
    delivered = sa.select(sa.func.count()).where(*cohort, order_cases.c.phase.in_(DELIVERED))
    tally = Tally(orders=ctx.connection.execute(delivered).scalar_one())
    found = (
        sa.select(claims.c.order_id, claims.c.state, claims.c.profile, claims.c.reason_code, claims.c.lines)
        .add_columns(order_cases.c.lines.label("ordered"))
        .join(order_cases, order_cases.c.id == claims.c.order_id)
        .where(claims.c.tenant == ctx.tenant, claims.c.seller_id == seller_id, *cohort)
    )
    _count(tally, list(ctx.connection.execute(found).mappings()), numbers)
    return tally


def _count(tally: Tally, rows: list[Any], numbers: Numbers) -> None:
    rows = [row for row in rows if PROFILES.frozen(row["profile"]).counts_in_score]
    counted = [row for row in rows if row["state"] not in NOT_COUNTED]
    per_order = Counter(row["order_id"] for row in counted)
    bad = {order_id for order_id, issues in per_order.items() if issues >= numbers.issues_per_order}
    decided_orders = {row["order_id"] for row in counted if row["state"] not in OPEN}
    tally.issues = len(bad)
    tally.open_issues = len(bad - decided_orders)
    tally.decided = sum(row["state"] not in OPEN for row in rows)
    tally.dropped = len(rows) - len(counted)
    tally.by_reason = dict(Counter(row["reason_code"] for row in counted))
    products: Counter[str] = Counter()
    for row in counted:
        named = {line["line_id"] for line in row["lines"]}
        products.update({line["product_id"] for line in row["ordered"] if line["line_id"] in named})
    tally.by_product = dict(products)


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
