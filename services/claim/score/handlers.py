"""Scores are counted a minute after claims changed, beside them: opening a claim costs nothing more for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from services.claim.model import Claim
from services.claim.score.model import SellerScore
from services.claim.score.queries import score_of, timer_stands, to_count
from shared.kernel.clock import moment, stamp
from shared.runtime.unit_of_work import Context

COUNT_SCORES = "count_scores"
EVERY = timedelta(minutes=1)
OVERLAP = timedelta(minutes=2)  # a claim is stamped before it is committed, and counting twice changes nothing

_AWAKE: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # tenants, by database: their timer was seen


def wake(ctx: Context, claim: Claim) -> None:
    """The first counted claim that this process opens for a tenant makes sure that its scores are counted.

    What is remembered is that the timer stands, not that it was asked for: that may have been rolled back.
    """
    if not claim.profile.counts_in_score:
        return
    awake = _AWAKE.setdefault(ctx.work.connection.engine, set())
    if ctx.tenant in awake:
        return
    if timer_stands(ctx, COUNT_SCORES, ctx.tenant):
        awake.add(ctx.tenant)
    else:
        ctx.schedule(COUNT_SCORES, ctx.tenant, ctx.now + EVERY, since=stamp(ctx.now - OVERLAP))


def count_scores(ctx: Context, timer: Any) -> None:
    """S2-26: count whoever's claims changed, tell what changed in it, and come again in a minute."""
    for seller_id in to_count(ctx, moment(timer.data["since"])):
        id = SellerScore.id_for(ctx.tenant, seller_id)
        kept = ctx.get(SellerScore, id) or SellerScore(
            id=id, tenant=ctx.tenant, seller_id=seller_id, computed_at=ctx.now
        )
        kept.take(score_of(ctx, seller_id), ctx.now)
        ctx.save(kept)
    ctx.schedule(COUNT_SCORES, ctx.tenant, ctx.now + EVERY, since=stamp(ctx.now - OVERLAP))
