"""What messaging does: load, decide, save."""

from __future__ import annotations

from typing import Any

from services.messaging import aliases, inbound, policies, queries
from services.messaging.access import need_thread, standing
from services.messaging.aliases import OrderNotSynced
from services.messaging.model import (
    PRIVATE,
    PUBLIC,
    AskIsPrivate,
    Inclusion,
    Message,
    NotYoursToChange,
    OrderParties,
    PrivateNotAllowed,
    PrivateTalk,
    PublicTalk,
    Thread,
    Who,
)
from services.messaging.reactions import REACTIONS
from services.messaging.storage import inclusions, messages
from services.messaging.timeline import timeline
from shared.contracts import messaging as contract
from shared.contracts.timeline import OF_THREAD
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotFound, Refusal
from shared.runtime.tables import Command, Contents, Query
from shared.runtime.unit_of_work import Context

WRITERS = policies.INSIDERS | {"customer"}
OPENERS = frozenset({"seller", "integrator", "coordinator", "platform_agent"})


def post_message(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-01, with the visibility the server decides when the caller does not (S1-31)."""
    if ctx.principal.role not in WRITERS:
        raise Forbidden()
    thread, insider = need_thread(ctx, args)
    talk = ctx.need(PublicTalk, thread.id)
    private = ctx.get(PrivateTalk, thread.id) or PrivateTalk(id=thread.id, tenant=ctx.tenant)
    visibility = args.get("visibility") or policies.default_visibility(insider, private.count > 0)
    if visibility == PRIVATE and not insider:
        raise PrivateNotAllowed()
    if visibility == PUBLIC and "asks" in args:
        raise AskIsPrivate()
    author = policies.author_of(ctx.principal)
    if thread.admit(author[0]):
        thread.reopen(author)
        ctx.save(thread)
    aliases.equip(ctx, thread)
    message = _message(ctx, thread, author, args["text"], visibility, asks=args.get("asks"))
    if args["automatic"]:
        message.via = contract.AUTOMATIC
    side = talk if visibility == PUBLIC else private
    side.post(message, stamp(ctx.now))
    ctx.save(message)
    ctx.save(side)
    return queries.message_view(message, talk, ctx.principal, ctx.now)


def set_visibility(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-03 and MSG-04."""
    message, talk = _need_message(ctx, args["message_id"])
    ctx.check_version(message)
    if not policies.may_change_visibility(ctx.principal, message.author, ctx.now - message.posted_at):
        raise NotYoursToChange()
    private = ctx.get(PrivateTalk, message.thread_id) or PrivateTalk(id=message.thread_id, tenant=ctx.tenant)
    by = policies.author_of(ctx.principal)
    if args["visibility"] == PRIVATE:
        talk.hide(message, private, by, _readers(ctx, message), _earlier(ctx, message))
    else:
        talk.reveal(message, private, by, args["confirm"])
    for changed in (message, talk, private):
        ctx.save(changed)
    return queries.message_view(message, talk, ctx.principal, ctx.now)


def mark_handled(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-06."""
    message, talk = _need_message(ctx, args["message_id"])
    ctx.check_version(message)
    if not policies.may_mark_handled(ctx.principal, message.author_type):
        raise Forbidden()
    talk.mark_handled(message, policies.author_of(ctx.principal), ctx.now)
    ctx.save(message)
    ctx.save(talk)
    return queries.message_view(message, talk, ctx.principal, ctx.now)


def open_thread(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S0-02: the seller, or the staff, writes first about an order; no claim is needed."""
    if ctx.principal.role not in OPENERS:
        raise Forbidden()
    order = ctx.get(OrderParties, args["order_id"])
    # a foreign order is answered like one that is not known (yet): whether it exists is nobody's business (T01)
    if order is None or not (ctx.principal.is_staff or ctx.principal.acts_for_seller(order.seller_id)):
        raise OrderNotSynced(order_id=args["order_id"])
    author = policies.author_of(ctx.principal)
    thread = Thread(
        id=ctx.new_id("thr"),
        tenant=ctx.tenant,
        claim_id=None,
        order_id=order.id,
        customer_ref=order.customer_ref,
        seller_id=order.seller_id,
        profile=None,
        opened_at=ctx.now,
    )
    talk = PublicTalk(id=thread.id, tenant=ctx.tenant)
    message = _message(ctx, thread, author, args["text"], PUBLIC, origin="thread.opened")
    thread.start(author)
    talk.post(message, stamp(ctx.now))
    aliases.equip(ctx, thread, ())
    for new in (thread, message, talk):
        ctx.save(new)
    return {"id": thread.id, "message": queries.message_view(message, talk, ctx.principal, ctx.now)}


def close_threads(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S0-22: each id is answered by itself: CLOSED, NOT_FOUND, ALREADY_CLOSED or the rule that forbids it."""
    if ctx.principal.role not in policies.MAY_CLOSE:
        raise Forbidden()
    return {"results": [{"thread_id": id, "result": _close(ctx, id)} for id in args["thread_ids"]]}


def _close(ctx: Context, thread_id: str) -> str:
    try:
        thread, _ = need_thread(ctx, {"thread_id": thread_id})
        thread.close(policies.author_of(ctx.principal), ctx.need(PublicTalk, thread_id))
    except Refusal as refusal:
        return refusal.code
    ctx.save(thread)
    return "CLOSED"


def _message(
    ctx: Context,
    thread: Thread,
    author: Who,
    text: str,
    visibility: str,
    origin: str = "post",
    asks: dict[str, str] | None = None,
) -> Message:
    return Message(
        id=ctx.new_id("msg"),
        tenant=ctx.tenant,
        thread_id=thread.id,
        claim_id=thread.claim_id,
        order_id=thread.order_id,
        customer_ref=thread.customer_ref,
        seller_id=thread.seller_id,
        author_type=author[0],
        author_id=author[1],
        visibility=visibility,
        via=ctx.principal.via,
        text=text,
        origin=origin,
        posted_at=ctx.now,
        asks=asks,
    )


def _need_message(ctx: Context, message_id: str) -> tuple[Message, PublicTalk]:
    """A message the caller may read, with the public side of its thread. NotFound else (T01)."""
    message = ctx.need(Message, message_id)
    role = standing(ctx, ctx.need(Thread, message.thread_id))
    if role is None or (role == "outsider" and message.visibility == PRIVATE):
        raise NotFound(kind="message", id=message_id)
    return message, ctx.need(PublicTalk, message.thread_id)


def _readers(ctx: Context, message: Message) -> list[Who]:
    """Everybody outside the staff who could read this message while it was public: they may know it (T03)."""
    included = ctx.find(Inclusion, inclusions.c.thread_id == message.thread_id, inclusions.c.active.is_(True))
    readers = [("customer", message.customer_ref), ("seller", message.seller_id), *((i.kind, i.ref) for i in included)]
    return [(kind, ref) for kind, ref in readers if ref and (kind, ref) != message.author]


def _earlier(ctx: Context, message: Message) -> Message | None:
    """The last other public message of the same side."""
    side = policies.side_of(message.author_type)
    same_side = policies.HOUSE if side == "house" else {message.author_type}
    found = ctx.find(
        Message,
        messages.c.thread_id == message.thread_id,
        messages.c.visibility == PUBLIC,
        messages.c.author_type.in_(same_side),
        messages.c.id != message.id,
        order_by=messages.c.number.desc(),
        limit=1,
    )
    return found[0] if found else None


CONTENTS = Contents(
    commands=(
        Command(contract.MESSAGE_POST, post_message),
        Command(contract.MESSAGE_SET_VISIBILITY, set_visibility),
        Command(contract.MESSAGE_MARK_HANDLED, mark_handled),
        Command(contract.THREAD_OPEN, open_thread),
        Command(contract.THREAD_CLOSE, close_threads),
        *aliases.COMMANDS,
        *inbound.commands(post_message),
    ),
    queries=(
        Query(contract.THREAD_GET, queries.get_thread),
        Query(contract.THREAD_LIST, queries.list_threads),
        Query(contract.THREAD_MESSAGES, queries.list_messages),
        *aliases.QUERIES,
        *inbound.QUERIES,
        Query(OF_THREAD, timeline),
    ),
    reactions=REACTIONS,
    timers={aliases.EXPIRE: aliases.expire, **inbound.TIMERS},
)
