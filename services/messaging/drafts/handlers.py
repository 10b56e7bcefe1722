"""Saving, discarding and sending a draft."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.messaging import policies
from services.messaging.access import need_thread
from services.messaging.drafts.model import PRESENT, AnsweredMeanwhile, NothingToSend, Visit, draft_view, visit_of
from services.messaging.drafts.queries import get_draft, my_draft, newest, present, written_since
from services.messaging.writing import refuse_secrets
from shared.contracts import drafts as contract
from shared.contracts.messaging import MESSAGE_POST
from shared.kernel.errors import Forbidden
from shared.runtime.tables import Command, Query
from shared.runtime.unit_of_work import Context

Post = Callable[[Context, dict[str, Any]], dict[str, Any]]
LEFT = "visit.left"  # timer


def save_draft(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Keep what is written so far; without a text, only that one reads along. Raises LooksLikeCredentials (S3-07)."""
    thread, insider = need_thread(ctx, {"thread_id": args["thread_id"]})
    refuse_secrets(thread, policies.author_of(ctx.principal)[0], args["text"])
    draft, seen = my_draft(ctx, thread.id, insider), args.get("seen")
    ctx.check_version(draft)
    if not draft.text and seen is None:  # a new answer begins here
        seen = newest(ctx, thread.id, insider)
    draft.write(args["text"], args.get("visibility"), seen, ctx.now)
    ctx.save(draft)
    return draft_view(draft)


def discard_draft(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    thread, insider = need_thread(ctx, {"thread_id": args["thread_id"]})
    draft = my_draft(ctx, thread.id, insider)
    draft.empty(ctx.now)
    ctx.save(draft)
    return draft_view(draft)


def attend(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The caller has the claim or conversation open: say so about once a minute. Answers which colleagues have."""
    thread, _ = need_thread(ctx, args)
    if ctx.principal.role not in policies.INSIDERS:
        raise Forbidden(action="draft.attend")
    visit = visit_of(thread.id, ctx.principal, ctx.now)
    known = ctx.get(Visit, visit.id) or visit
    known.updated_at = ctx.now
    ctx.save(known)
    ctx.schedule(LEFT, known.id, ctx.now + PRESENT)
    return present(ctx, {"thread_id": thread.id})


def leave(ctx: Context, timer: Any) -> None:
    """Whoever has not said for two minutes that he is there is not, and nothing is kept of his having been."""
    visit = ctx.get(Visit, timer.ref)
    if visit is not None and visit.updated_at + PRESENT <= ctx.now:
        ctx.forget(visit)


def sending(post: Post) -> Post:
    """draft.send: the message, unless others wrote since its author last read."""

    def send_draft(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
        thread, insider = need_thread(ctx, {"thread_id": args["thread_id"]})
        draft = my_draft(ctx, thread.id, insider)
        if not draft.text:
            raise NothingToSend()
        if later := written_since(ctx, thread.id, args.get("seen") or draft.seen, insider):
            raise AnsweredMeanwhile(messages=later)
        message = {"thread_id": thread.id, "text": draft.text}
        if draft.visibility:
            message["visibility"] = draft.visibility
        posted = post(ctx, MESSAGE_POST.schema.load(message))
        draft.empty(ctx.now)
        ctx.save(draft)
        return posted

    return send_draft


def commands(post: Post) -> tuple[Command, ...]:
    return (
        Command(contract.SAVE, save_draft),
        Command(contract.DISCARD, discard_draft),
        Command(contract.SEND, sending(post)),
        Command(contract.ATTEND, attend),
    )


TIMERS = {LEFT: leave}
QUERIES = (Query(contract.GET, get_draft), Query(contract.PRESENT, present))
