"""Reading files: how many a thread holds, and what messages show of theirs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.messaging.attachments.model import COUNTED
from services.messaging.storage import attachments
from shared.runtime.unit_of_work import Context

SHOWN = ("id", "name", "type", "size", "state", "reason")


def count_on_thread(ctx: Context, thread_id: str) -> int:
    """Those that were announced, are inspected or are clean."""
    count = sa.select(sa.func.count()).where(
        attachments.c.tenant == ctx.tenant,
        attachments.c.thread_id == thread_id,
        attachments.c.state.in_(COUNTED),
    )
    return ctx.connection.execute(count).scalar_one()


def of_messages(ctx: Context, ids: list[str]) -> dict[str, dict[str, Any]]:
    """The files with these ids as their messages show them."""
    if not ids:
        return {}
    rows = sa.select(attachments).where(attachments.c.tenant == ctx.tenant, attachments.c.id.in_(ids))
    return {row["id"]: {name: row[name] for name in SHOWN} for row in ctx.connection.execute(rows).mappings()}
