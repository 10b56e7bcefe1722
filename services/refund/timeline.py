"""The money's part of a case's history."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.refund.queries import refund_scope
from services.refund.storage import refunds
from shared.runtime.timeline import history
from shared.runtime.unit_of_work import Context

FOR_CUSTOMERS = frozenset(
    {"refund.requested", "refund.processing", "refund.succeeded", "refund.failed", "credit_note.issued"}
)


def timeline(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The refunds of the claim that the caller may see, and their credit notes."""
    mine = sa.select(refunds.c.id, refunds.c.credit_note_id).where(
        refunds.c.claim_id == args["claim_id"], *refund_scope(ctx.principal)
    )
    keys = []
    for refund_id, note_id in ctx.connection.execute(mine):
        keys += [("refund", refund_id), *([("credit_note", note_id)] if note_id else [])]
    return history(ctx, "refund", keys, FOR_CUSTOMERS)
