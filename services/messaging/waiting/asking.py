"""Mails in the quarantine that a person should look at: the staff are told, and their thread shows them (5.4, T07)."""

from __future__ import annotations

from datetime import timedelta

from services.messaging.mail_model import InboundMail
from services.messaging.model import Thread
from services.messaging.waiting import queries
from shared.runtime.unit_of_work import Context

ASK_EVERY = timedelta(hours=24)
"""A leaked address or a flood of forged mails costs the staff one mail a day and thread, not one each (T26)."""

ANSWERED_OTHERWISE = ("alias_expired", "alias_revoked", "unknown_alias")
"""The writer has the notice with its link (N8), was stopped on purpose, or nobody knows what it is about."""


def ask_for_a_look(ctx: Context, mail: InboundMail) -> None:
    """Say that this mail waits, unless another one of its thread or order did within a day."""
    if mail.reason in ANSWERED_OTHERWISE or not (mail.thread_id or mail.order_id):
        return
    if queries.others_wait(ctx, mail, ASK_EVERY, but=ANSWERED_OTHERWISE):
        return
    thread = ctx.get(Thread, mail.thread_id) if mail.thread_id else None
    mail.wait(thread.claim_id if thread else None, thread.order_id if thread else mail.order_id)
