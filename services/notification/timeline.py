"""Who was told, as part of a case's history: for staff."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.notification.storage import notifications
from shared.kernel.errors import Forbidden
from shared.runtime.timeline import history
from shared.runtime.unit_of_work import Context


def timeline(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    if not ctx.principal.is_staff:
        raise Forbidden()
    mine = sa.select(notifications.c.id).where(
        notifications.c.claim_id == args["claim_id"], notifications.c.tenant == ctx.tenant
    )
    keys = [("notification", id) for id in ctx.connection.execute(mine).scalars()]
    return history(ctx, "notification", keys, frozenset())
