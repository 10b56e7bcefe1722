"""Threads, and the table of everything that messaging does."""

from __future__ import annotations

from typing import Any

from services.messaging import aliases, changing, inbound, policies, queries, writing
from services.messaging.access import need_thread
from services.messaging.aliases import OrderNotSynced
from services.messaging.attachments import handlers as files
from services.messaging.composing import signatures, templates
from services.messaging.drafts import handlers as drafts
from services.messaging.model import PUBLIC, OrderParties, PublicTalk, Thread
from services.messaging.opening import handlers as asking
from services.messaging.reactions import REACTIONS
from services.messaging.timeline import timeline
from services.messaging.writing import new_message
from shared.contracts import access, attachments, composing
from shared.contracts import messaging as contract
from shared.contracts.timeline import OF_THREAD
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, Refusal
from shared.runtime.tables import Command, Contents, Job, Query
from shared.runtime.unit_of_work import Context

OPENERS = frozenset({"seller", "integrator", "coordinator", "platform_agent"})
BOX = "box"  # the profile in which seller and customer write in one box per order (S4-13, S4-15)


def open_thread(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S0-02: the seller, or the staff, writes first about an order; no claim is needed. S4-15: so does the customer of
    an order that has a box, and all that is written there is in one place.
    """
    if ctx.principal.role not in OPENERS | {"customer"}:
        raise Forbidden()
    order = ctx.get(OrderParties, args["order_id"])
    # a foreign order is answered like one that is not known (yet): whether it exists is nobody's business (T01)
    if order is None or not _concerns(ctx, order):
        raise OrderNotSynced(order_id=args["order_id"])
    if ctx.principal.role == "customer" and order.profile != BOX:
        raise Forbidden()
    if order.profile == BOX and ctx.get(Thread, box_of(order.id)) is not None:
        posted = writing.post_message(ctx, {"thread_id": box_of(order.id), "text": args["text"], "visibility": PUBLIC})
        return {"id": box_of(order.id), "message": posted}
    author = policies.author_of(ctx.principal)
    thread = Thread(
        id=box_of(order.id) if order.profile == BOX else ctx.new_id("thr"),
        tenant=ctx.tenant,
        claim_id=None,
        order_id=order.id,
        customer_ref=order.customer_ref,
        seller_id=order.seller_id,
        profile=order.profile if order.profile == BOX else None,
        opened_at=ctx.now,
    )
    talk = PublicTalk(id=thread.id, tenant=ctx.tenant)
    message = new_message(ctx, thread, author, args["text"], PUBLIC, origin="thread.opened")
    thread.start(author)
    talk.post(message, stamp(ctx.now))
    aliases.equip(ctx, thread, ())
    for new in (thread, message, talk):
        ctx.save(new)
    return {"id": thread.id, "message": queries.one_message_view(ctx, message, talk)}


def box_of(order_id: str) -> str:
    return "thr_box_" + order_id.removeprefix("ord_")[-56:]


def _concerns(ctx: Context, order: OrderParties) -> bool:
    principal = ctx.principal
    if principal.role == "customer":
        return principal.party is not None and principal.party == order.customer_ref
    return principal.is_staff or principal.acts_for_seller(order.seller_id)


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


def _order(args: dict[str, Any]) -> list[tuple[type, str]]:
    return [(OrderParties, args["order_id"])]


CONTENTS = Contents(
    commands=(
        Command(contract.MESSAGE_POST, writing.post_message),
        Command(contract.MESSAGE_UNDO, writing.undo_message),
        Command(contract.MESSAGE_EDIT, changing.edit_message),
        Command(contract.MESSAGE_SET_VISIBILITY, changing.set_visibility),
        Command(contract.MESSAGE_MARK_HANDLED, changing.mark_handled),
        Command(contract.MESSAGE_REDACT, changing.redact_message),
        Command(contract.THREAD_OPEN, open_thread, loads=_order),
        Command(contract.THREAD_CLOSE, close_threads),
        Command(composing.TEMPLATE_SAVE, templates.save_template),
        Command(composing.TEMPLATE_REMOVE, templates.remove_template),
        Command(composing.SIGNATURE_SAVE, signatures.save_signature),
        Command(access.ACCESS_REQUEST, asking.request_access),
        Command(access.ACCESS_GRANT, asking.grant_access),
        Command(access.ACCESS_DECLINE, asking.decline_access),
        Command(access.ACCESS_REVOKE, asking.revoke_access),
        Command(attachments.ATTACHMENT_OFFER, files.offer_attachment),
        Command(attachments.ATTACHMENT_RECEIVED, files.receive_attachment),
        Command(attachments.ATTACHMENT_REMOVE, files.remove_attachment),
        *aliases.COMMANDS,
        *inbound.commands(writing.post_message),
        *drafts.commands(writing.post_message),
    ),
    queries=(
        Query(contract.THREAD_GET, queries.get_thread),
        Query(contract.THREAD_LIST, queries.list_threads),
        Query(contract.THREAD_MESSAGES, queries.list_messages),
        Query(contract.DISCLOSURE_LIST, changing.list_disclosures),
        Query(composing.TEMPLATE_LIST, templates.list_templates),
        Query(composing.TEMPLATE_GET, templates.fill_template),
        Query(composing.SIGNATURE_GET, signatures.get_signatures),
        Query(access.ACCESS_LIST, asking.list_access),
        Query(attachments.ATTACHMENT_GET, files.get_attachment),
        *aliases.QUERIES,
        *inbound.QUERIES,
        Query(OF_THREAD, timeline),
        *drafts.QUERIES,
    ),
    reactions={**REACTIONS, **aliases.REACTIONS},
    timers={
        writing.RELEASE: writing.release_message,
        asking.EXPIRE: asking.expire_access,
        files.EXPIRE: files.expire_attachment,
        aliases.EXPIRE: aliases.expire,
        **inbound.TIMERS,
        **drafts.TIMERS,
    },
    jobs={
        files.INSPECT: Job(files.inspect, files.settle_inspection),
        files.ERASE: Job(files.delete_bytes, files.settle_deletion),
    },
)
