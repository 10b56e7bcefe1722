"""At which address each reader answers the mails about a thread or an order: kept as messaging tells it."""

from __future__ import annotations

from typing import Any

from services.notification.model import ReplyBook
from shared.runtime.unit_of_work import Context


def keep_reply_address(ctx: Context, event: Any) -> None:
    """Where the holder's mails about this thread or order are answered from now on."""
    alias = event.data
    book = ctx.get(ReplyBook, event.aggregate_id) or ReplyBook(id=event.aggregate_id, tenant=ctx.tenant)
    book.entries[f"{alias['kind']} {alias['ref']}"] = [alias["alias_id"], alias["address"], alias["expires_at"]]
    ctx.save(book)


def forget_reply_address(ctx: Context, event: Any) -> None:
    alias = event.data
    book = ctx.get(ReplyBook, event.aggregate_id)
    key = f"{alias['kind']} {alias['ref']}"
    if book is not None and book.entries.get(key, [None])[0] == alias["alias_id"]:
        del book.entries[key]
        ctx.save(book)


REACTIONS = {
    "alias.issued": keep_reply_address,
    "alias.expired": forget_reply_address,
    "alias.revoked": forget_reply_address,
}
