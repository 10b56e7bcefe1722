"""The money's part of a case's history."""

from __future__ import annotations

from typing import Any

from services.refund.queries import refunds_of_claim
from shared.runtime.timeline import history
from shared.runtime.unit_of_work import Context

FOR_CUSTOMERS = frozenset(
    {"refund.requested", "refund.processing", "refund.succeeded", "refund.failed", "credit_note.issued"}
)


def timeline(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The refunds of the claim that the caller may see, and their credit notes."""
    keys = []
    for refund_id, note_id in refunds_of_claim(ctx, args["claim_id"]):
        keys += [("refund", refund_id), *([("credit_note", note_id)] if note_id else [])]
    return history(ctx, "refund", keys, FOR_CUSTOMERS)
