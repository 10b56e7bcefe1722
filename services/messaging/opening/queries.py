"""Reading requests for access."""

from __future__ import annotations

from typing import Any

from services.messaging.opening.model import AccessRequest
from services.messaging.storage import STORAGE, access_requests
from shared.runtime.unit_of_work import Context


def requests_on(ctx: Context, args: dict[str, Any]) -> tuple[list[AccessRequest], bool]:
    """A page of the requests on a thread, oldest first, and whether there are more."""
    mapping, columns = STORAGE.mappings[AccessRequest], access_requests.c
    statement = mapping.select().where(columns.tenant == ctx.tenant, columns.thread_id == args["thread_id"])
    if "cursor" in args:
        statement = statement.where(columns.id > args["cursor"])
    rows = ctx.connection.execute(statement.order_by(columns.id).limit(args["limit"] + 1)).mappings().all()
    return [mapping.from_row(dict(row)) for row in rows[: args["limit"]]], len(rows) > args["limit"]
