"""The claim's part of a case's history."""

from __future__ import annotations

from typing import Any

from services.claim.queries import visible_claim
from shared.runtime.timeline import INSIDE, history
from shared.runtime.unit_of_work import Context

# Not: who is assigned, awaited or watching, what was asked of whom, and what becomes of the seller's money.
FOR_CUSTOMERS = frozenset(
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


def timeline(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Raises NotFound for a claim that the caller may not see. Names the order, for the other services' parts."""
    claim = visible_claim(ctx, args["claim_id"])
    keys = [("claim", claim.id)]
    if ctx.principal.role in INSIDE and claim.order_id:
        keys.append(("claim", claim.order_id))  # what the settlement was answered
    return {"order_id": claim.order_id, **history(ctx, "claim", keys, FOR_CUSTOMERS)}
