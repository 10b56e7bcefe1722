"""Who was told, as part of a case's history: for staff."""

from __future__ import annotations

from typing import Any

from services.notification.queries import told_of_claim
from shared.kernel.errors import Forbidden
from shared.runtime.timeline import history
from shared.runtime.unit_of_work import Context


def timeline(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    if not ctx.principal.is_staff:
        raise Forbidden()
    keys = [("notification", id) for id in told_of_claim(ctx, args["claim_id"])]
    return history(ctx, "notification", keys, frozenset())
