"""Writing on a thread: MSG-01 and MSG-02. What is checked once is not checked again when the undo window ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.messaging import agreements, aliases, policies, queries, quoting
from services.messaging.access import need_thread
from services.messaging.aliases import OrderNotSynced
from services.messaging.attachments import handlers as files
from services.messaging.composing import signatures
from services.messaging.model import (
    HELD,
    PRIVATE,
    PUBLIC,
    Message,
    OrderParties,
    PrivateTalk,
    PublicTalk,
    Thread,
    Who,
)
from services.messaging.opening import credentials
from services.messaging.refusals import (
    AgreementNotOffered,
    AskIsPrivate,
    LooksLikeCredentials,
    PrivateNotAllowed,
    QuotesPrivate,
)
from shared.contracts.messaging import AUTOMATIC
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.unit_of_work import Context

RELEASE = "message.release"  # the timer that ends an undo window


def post_message(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-01, with the visibility the server decides when the caller does not (S1-31)."""
    if not policies.may_write(ctx.principal):
        raise Forbidden()
    thread, insider = need_thread(ctx, args)
    talk = ctx.need(PublicTalk, thread.id)
    private = private_side(ctx, thread.id)
    visibility = args.get("visibility") or policies.default_visibility(insider, private.count > 0, ctx.principal.role)
    if visibility == PRIVATE and not (insider or policies.follows_by_mail(ctx.principal)):
        raise PrivateNotAllowed()
    if visibility == PUBLIC and "asks" in args:
        raise AskIsPrivate()
    author = policies.author_of(ctx.principal)
    thread.admit(author[0])
    talk.room()
    refuse_secrets(thread, author[0], args["text"])
    if visibility == PUBLIC and insider:
        refuse_quotes(ctx, private, args["text"], args.get("confirm", False))
    aliases.equip(ctx, thread)
    message = new_message(ctx, thread, author, args["text"], visibility, asks=args.get("asks"))
    if args.get("automatic"):
        message.via = AUTOMATIC
    if "refund_agreement" in args:
        message.agreement = _agreement(ctx, thread, talk, message, args["refund_agreement"])
    if ids := args.get("attachment_ids"):
        files.attach(ctx, message, ids, args.get("mail_id"))
    if policies.held(ctx.principal, visibility) and ctx.settings.undo_seconds:
        until = ctx.now + timedelta(seconds=ctx.settings.undo_seconds)
        message.hold(until)
        ctx.schedule(RELEASE, message.id, until)
        ctx.save(message)
    else:
        publish(ctx, thread, message, talk, private)
    return queries.one_message_view(ctx, message, talk)


def publish(ctx: Context, thread: Thread, message: Message, talk: PublicTalk, private: PrivateTalk) -> None:
    """Others learn of it now. A customer's message opens a closed thread again."""
    if thread.state == "closed" and message.author_type == "customer":
        thread.reopen(message.author)
        ctx.save(thread)
    at = stamp(ctx.now)
    side: PublicTalk | PrivateTalk
    if message.visibility == PUBLIC:
        talk.post(message, at)
        side = talk
    else:
        private.post(message, at)
        message.announce_private(at)
        side = private
    ctx.save(message)
    ctx.save(side)


def undo_message(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """MSG-02: its writer, while it is held. For everybody else there is no such message."""
    message = ctx.get(Message, args["message_id"])
    if message is None or message.writer != ctx.principal.id or message.author != policies.author_of(ctx.principal):
        raise NotFound(kind="message", id=args["message_id"])
    ctx.check_version(message)
    files.detach(ctx, message)
    text = message.text
    message.undo()
    ctx.unschedule(RELEASE, message.id)
    ctx.save(message)
    view = queries.one_message_view(ctx, message, ctx.need(PublicTalk, message.thread_id))
    return {**view, "text": text}  # back to the composer, for the last time


def release_message(ctx: Context, timer: Any) -> None:
    """The undo window is over. One that was undone meanwhile stays undone."""
    message = ctx.need(Message, timer.ref)
    if message.state != HELD:
        return
    message.release(ctx.now)
    thread = ctx.need(Thread, message.thread_id)
    publish(ctx, thread, message, ctx.need(PublicTalk, thread.id), private_side(ctx, thread.id))


def refuse_secrets(thread: Thread, author_type: str, text: str) -> None:
    """S3-07: asked for access, a customer sends no password: in a message, by editing one, in what he begins to write.

    Raises LooksLikeCredentials.
    """
    if thread.access_asked and author_type == "customer" and credentials.suspected(text):
        raise LooksLikeCredentials()


def refuse_quotes(ctx: Context, private: PrivateTalk, text: str, confirm: bool) -> None:
    """N3: eight words in a row of a private comment of this thread. Asked of insiders only: to others the answer itself
    would tell what private comments say. Raises QuotesPrivate, with the place and none of the words.
    """
    if confirm or private.count == 0:
        return
    if found := quoting.first_quote(text, queries.private_texts(ctx, private.id)):
        message_id, start, end = found
        raise QuotesPrivate(message_id=message_id, start=start, end=end)


def new_message(
    ctx: Context,
    thread: Thread,
    author: Who,
    text: str,
    visibility: str,
    origin: str = "post",
    asks: dict[str, str] | None = None,
) -> Message:
    return thread.message(
        ctx.new_id("msg"),
        author,
        text,
        visibility=visibility,
        at=ctx.now,
        via=ctx.principal.via,
        origin=origin,
        asks=asks,
        writer=ctx.principal.id,
        signature=signatures.of(ctx, author, ctx.principal.id) if visibility == PUBLIC else None,
    )


def private_side(ctx: Context, thread_id: str) -> PrivateTalk:
    return ctx.get(PrivateTalk, thread_id) or PrivateTalk(id=thread_id, tenant=ctx.tenant)


def _agreement(
    ctx: Context, thread: Thread, talk: PublicTalk, message: Message, asked: dict[str, Any]
) -> dict[str, Any]:
    """S3-17: an agreement that does not hold refuses the whole message."""
    if thread.order_id is None:
        raise AgreementNotOffered()
    order = ctx.get(OrderParties, thread.order_id)
    if order is None:
        raise OrderNotSynced(order_id=thread.order_id)
    contacted = talk.last.get("customer", [0])[0] > 0
    zone = ctx.settings.zone(order.marketplace)
    return agreements.agreed(order, asked, message.author_type, message.visibility, contacted, ctx.now, zone)
