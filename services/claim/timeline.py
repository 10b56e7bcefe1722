"""The claim's part of a case's history."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.claim.queries import visible_claim
from services.claim.storage import returns, withdrawals
from shared.contracts.registry import EVENTS
from shared.runtime.timeline import INSIDE, Key, history
from shared.runtime.unit_of_work import Context

# Not: who is assigned, awaited or watching, what was asked of whom, and what becomes of the seller's money.
OF_CLAIMS = frozenset(
    f"claim.{fact}"
    for fact in (
        "opened",
        "started",
        "resolution_chosen",
        "resolution_executed",
        "solution_proposed",
        "solution_rejected",
        "resolved",
        "refused",
        "escalated",
        "handed_back",
        "appealed",
        "reopened",
        "closed",
        "withdrawn",
        "merged",
    )
)
OF_RETURNS = frozenset(type for type in EVENTS if type.startswith("return."))
FOR_CUSTOMERS = OF_CLAIMS | OF_RETURNS | {"withdrawal.received"}


def timeline(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Raises NotFound for a claim that the caller may not see. Names the order, for the other services' parts."""
    claim = visible_claim(ctx, args["claim_id"])
    keys = [("claim", claim.id), ("sla", claim.id), *_following(ctx, claim.id)]
    if ctx.principal.role in INSIDE and claim.order_id:
        keys.append(("claim", claim.order_id))  # what the settlement was answered
    return {"order_id": claim.order_id, **history(ctx, "claim", keys, FOR_CUSTOMERS)}


def _following(ctx: Context, claim_id: str) -> list[Key]:
    """The streams of the returns and of the withdrawal that belong to the claim."""
    stored = {"return": returns, "withdrawal": withdrawals}
    parts = [
        sa.select(sa.literal(stream), table.c.id).where(table.c.tenant == ctx.tenant, table.c.claim_id == claim_id)
        for stream, table in stored.items()
    ]
    return [(stream, id) for stream, id in ctx.connection.execute(sa.union_all(*parts))]
