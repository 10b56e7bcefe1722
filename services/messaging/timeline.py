"""The conversation's part of a case's history: that somebody wrote, not what; private comments for insiders only."""

from __future__ import annotations

from typing import Any

from services.messaging.access import need_thread
from shared.runtime.timeline import history
from shared.runtime.unit_of_work import Context

FOR_CUSTOMERS = frozenset({"thread.opened", "thread.closed", "thread.reopened", "message.posted"})


def timeline(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Raises NotFound for a conversation that the caller is no part of."""
    thread, insider = need_thread(ctx, {"claim_id": args["claim_id"]})
    streams = ("thread", "message", "private_message") if insider else ("thread", "message")
    return history(ctx, "messaging", [(stream, thread.id) for stream in streams], FOR_CUSTOMERS)
