"""What happens to a message after it was posted: MSG-03 to MSG-06 and MSG-08."""

from __future__ import annotations

from typing import Any

from services.messaging import policies, queries
from services.messaging.access import standing
from services.messaging.attachments import handlers as files
from services.messaging.composing import signatures
from services.messaging.ledger import queries as ledger
from services.messaging.model import HELD, PRIVATE, PUBLIC, WITHDRAWN, Message, PrivateTalk, PublicTalk, Thread
from services.messaging.refusals import EditNotYours, NotYoursToChange
from services.messaging.writing import private_side, refuse_quotes, refuse_secrets
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.unit_of_work import Context


def set_visibility(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-03 and MSG-04. The answer to hiding says who knows the text anyway (N3)."""
    message, talk, _ = need_message(ctx, args["message_id"])
    ctx.check_version(message)
    if not policies.may_change_visibility(ctx.principal, message.author, ctx.now - message.posted_at):
        raise NotYoursToChange()
    message.need_posted("change its visibility")
    private = private_side(ctx, message.thread_id)
    by = policies.author_of(ctx.principal)
    known: list[dict[str, Any]] = []
    if args["visibility"] == PRIVATE:
        known = ledger.disclosed(ctx, message)
        talk.hide(message, private, by, known, queries.last_word(ctx, message))
    else:
        # the author's own, whoever reveals it: from now on it is mailed like any public message of his
        signature = signatures.of(ctx, message.author, message.writer)
        talk.reveal(message, private, by, args["confirm"], signature)
    for changed in (message, talk, private):
        ctx.save(changed)
    return {**queries.one_message_view(ctx, message, talk), "already_disclosed_to": known}


def mark_handled(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-06, S4-16."""
    message, talk, _ = need_message(ctx, args["message_id"])
    ctx.check_version(message)
    if not policies.may_mark_handled(ctx.principal, message.author_type):
        raise Forbidden()
    message.need_posted("be marked handled")
    talk.mark_handled(message, policies.author_of(ctx.principal), ctx.now)
    ctx.save(message)
    ctx.save(talk)
    return queries.one_message_view(ctx, message, talk)


def edit_message(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-05: without a trace within ten minutes where nobody outside received it, else beside the original."""
    message, talk, insider = need_message(ctx, args["message_id"])
    ctx.check_version(message)
    by = policies.author_of(ctx.principal)
    if by != message.author:
        raise EditNotYours()
    refuse_secrets(ctx.need(Thread, message.thread_id), message.author_type, args["text"])
    private = private_side(ctx, message.thread_id)
    if message.visibility == PUBLIC and insider:
        refuse_quotes(ctx, private, args["text"], args["confirm"])
    told = [who["type"] for who in ledger.disclosed(ctx, message)]
    replaced = policies.vanishes(ctx.now - message.posted_at, told)
    at = stamp(ctx.now)
    message.rewrite(args["text"], at, ctx.now, replaced)
    side: PublicTalk | PrivateTalk = talk if message.visibility == PUBLIC else private
    side.edited(message, by, at, replaced)
    ctx.save(message)
    ctx.save(side)
    return queries.one_message_view(ctx, message, talk)


def redact_message(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-08: text, earlier texts and files are gone; that there was a message stays."""
    message, talk, _ = need_message(ctx, args["message_id"])
    ctx.check_version(message)
    if ctx.principal.role not in policies.MODERATORS:
        raise Forbidden()
    files.erase(ctx, message)
    message.redact()
    side: PublicTalk | PrivateTalk = talk if message.visibility == PUBLIC else private_side(ctx, message.thread_id)
    side.redacted(message, policies.author_of(ctx.principal), args["reason"])
    ctx.save(message)
    ctx.save(side)
    return queries.one_message_view(ctx, message, talk)


def list_disclosures(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """N3: who received this message, by which channel, when."""
    message, _, _ = need_message(ctx, args["message_id"])
    if not policies.may_see_disclosures(ctx.principal, message.author):
        raise Forbidden()
    return {"items": ledger.disclosed(ctx, message)}


def need_message(ctx: Context, message_id: str) -> tuple[Message, PublicTalk, bool]:
    """A message the caller may read, its thread's public side, and whether he is an insider. NotFound else (T01)."""
    message = ctx.need(Message, message_id)
    role = standing(ctx, ctx.need(Thread, message.thread_id))
    hidden = role == "outsider" and message.visibility == PRIVATE
    unborn = message.state == WITHDRAWN or (message.state == HELD and message.writer != ctx.principal.id)
    if role is None or hidden or unborn:
        raise NotFound(kind="message", id=message_id)
    return message, ctx.need(PublicTalk, message.thread_id), role == "insider"
