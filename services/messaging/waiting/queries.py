"""Reading what waits in the quarantine."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from services.messaging.mail_model import KEEP, InboundMail
from services.messaging.storage import inbound_mails, threads
from shared.runtime.unit_of_work import Context


def others_wait(ctx: Context, mail: InboundMail, within: timedelta, but: tuple[str, ...]) -> bool:
    """Did another mail of its thread, else of its order, come into the quarantine lately? but: for other reasons.

    One that was dismissed counts: who sends a flood away mail by mail is not told of each that follows (T26).
    """
    table = inbound_mails.c
    same = table.thread_id == mail.thread_id if mail.thread_id else table.order_id == mail.order_id
    others = sa.select(table.id).where(
        table.tenant == ctx.tenant,
        same,
        table.state.in_(("quarantined", "dismissed")),
        table.reason.not_in(but),
        table.received_at > ctx.now - within,
        table.id != mail.id,
    )
    return ctx.connection.execute(others.limit(1)).first() is not None


def waiting_on_threads(ctx: Context) -> sa.ColumnElement[int]:
    """How many mails wait in the quarantine of each thread; those whose text is forgotten wait no longer."""
    table = inbound_mails.c
    waiting = sa.select(sa.func.count()).where(
        table.thread_id == threads.c.id, table.state == "quarantined", table.received_at > ctx.now - KEEP
    )
    return waiting.scalar_subquery()
