"""Reading drafts: one's own, who else is there, and what was written since."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.messaging import policies
from services.messaging.access import need_thread
from services.messaging.drafts.model import PRESENT, Draft, begun, draft_id, draft_view
from services.messaging.model import PUBLIC
from services.messaging.storage import drafts, messages, visits
from shared.kernel.clock import stamp
from shared.runtime.unit_of_work import Context

MOST = 50  # people of one conversation


def get_draft(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One's own draft in this conversation; an empty one where nothing is written yet."""
    thread, insider = need_thread(ctx, args)
    return draft_view(my_draft(ctx, thread.id, insider))


def my_draft(ctx: Context, thread_id: str, insider: bool) -> Draft:
    found = ctx.get(Draft, draft_id(thread_id, ctx.principal))
    return found or begun(thread_id, ctx.principal, newest(ctx, thread_id, insider), ctx.now)


def present(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Which colleagues read or answer here now. A customer learns of nobody, and nobody learns what is written."""
    thread, _ = need_thread(ctx, args)
    if ctx.principal.role not in policies.INSIDERS:
        return {"items": []}
    parts = [
        sa.select(table.c.author_type, table.c.author_id, table.c.updated_at, text.label("text")).where(
            table.c.thread_id == thread.id,
            table.c.author_type.in_(sorted(policies.INSIDERS)),
            table.c.updated_at > ctx.now - PRESENT,
        )
        for table, text in ((drafts, drafts.c.text), (visits, sa.literal("")))
    ]
    there = sa.union_all(*parts).order_by(sa.desc("updated_at")).limit(MOST)
    people: dict[tuple[str, str], dict[str, Any]] = {}
    for row in ctx.connection.execute(there).mappings():
        who = (row["author_type"], row["author_id"])
        if who not in people or row["text"]:
            people[who] = _person(row)
    people.pop((ctx.principal.role, ctx.principal.id), None)
    return {"items": list(people.values())}


def newest(ctx: Context, thread_id: str, insider: bool) -> str:
    """The id of the newest message that the caller may read; empty where there is none."""
    last = sa.select(sa.func.max(messages.c.id)).where(messages.c.thread_id == thread_id, *_readable(insider))
    return ctx.connection.execute(last).scalar() or ""


def written_since(ctx: Context, thread_id: str, seen: str, insider: bool) -> list[dict[str, Any]]:
    """What others wrote since that message, as far as the caller may read it. A seller's people write as the seller, so
    what one of them wrote counts for each."""
    later = sa.select(messages).where(messages.c.thread_id == thread_id, messages.c.id > seen, *_readable(insider))
    rows = ctx.connection.execute(later.order_by(messages.c.id).limit(20)).mappings()
    return [
        {
            "id": row["id"],
            "author": {"type": row["author_type"], "id": row["author_id"]},
            "visibility": row["visibility"],
            "text": row["text"],
            "posted_at": stamp(row["posted_at"]),
        }
        for row in rows
        if (row["author_type"], row["author_id"]) != (ctx.principal.role, ctx.principal.id)
    ]


def _readable(insider: bool) -> list[sa.ColumnElement[bool]]:
    return [] if insider else [messages.c.visibility == PUBLIC]


def _person(row: Any) -> dict[str, Any]:
    return {
        "author": {"type": row["author_type"], "id": row["author_id"]},
        "doing": "answering" if row["text"] else "reading",
        "since": stamp(row["updated_at"]),
    }
