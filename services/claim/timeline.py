"""The claim's part of a case's history."""

from __future__ import annotations

from typing import Any

from services.claim.queries import streams_of_claim, visible_claim
from shared.contracts.registry import EVENTS
from shared.runtime.timeline import INSIDE, history
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
    keys = [("claim", claim.id), ("sla", claim.id), *streams_of_claim(ctx, claim.id)]
    if ctx.principal.role in INSIDE and claim.order_id:
        keys.append(("claim", claim.order_id))  # what the settlement was answered
    return {"order_id": claim.order_id, **history(ctx, "claim", keys, FOR_CUSTOMERS)}
