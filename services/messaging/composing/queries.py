"""Reading templates."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.messaging.composing.model import Template
from services.messaging.storage import STORAGE, templates
from shared.runtime.unit_of_work import Context


def templates_of(ctx: Context, owners: list[str], args: dict[str, Any]) -> tuple[list[Template], bool]:
    """A page of the tenant's templates and of these owners', and whether there are more."""
    mapping = STORAGE.mappings[Template]
    statement = mapping.select().where(
        templates.c.tenant == ctx.tenant,
        templates.c.removed.is_(False),
        sa.or_(templates.c.owner.is_(None), templates.c.owner.in_(owners)),
    )
    if "locale" in args:
        statement = statement.where(templates.c.locale == args["locale"])
    if "cursor" in args:
        statement = statement.where(templates.c.id > args["cursor"])
    rows = ctx.connection.execute(statement.order_by(templates.c.id).limit(args["limit"] + 1)).mappings().all()
    return [mapping.from_row(dict(row)) for row in rows[: args["limit"]]], len(rows) > args["limit"]
