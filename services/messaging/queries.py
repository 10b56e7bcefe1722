"""The read side: threads and messages, filtered in SQL for whoever asks.

A customer's answers are computed from the public side alone: no count, version or default of theirs can tell that a
private comment exists (S1-25, T02).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.messaging import policies
from services.messaging.access import JOINING, thread_of_claim
from services.messaging.attachments import queries as files
from services.messaging.composing.guidelines import GUIDELINES
from services.messaging.ledger import queries as ledger
from services.messaging.ledger.failures import undelivered_to
from services.messaging.mail_model import InboundMail
from services.messaging.model import HELD, POSTED, PRIVATE, PUBLIC, REDACTED, Message, PublicTalk
from services.messaging.storage import (
    STORAGE,
    inbound_mails,
    inclusions,
    messages,
    private_talks,
    public_talks,
    threads,
)
from services.messaging.waiting.queries import waiting_on_threads
from shared.contracts.messaging import AUTOMATIC
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import decode, encode, page

SUBJECTS = {
    "claim": threads.c.claim_id.is_not(None),
    "order": threads.c.claim_id.is_(None),
    "offer": threads.c.offer_id.is_not(None),
}
"""A question about an offer is a claim, too (A27)."""


def get_thread(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    id = args["thread_id"] if "thread_id" in args else thread_of_claim(args["claim_id"])
    row = ctx.connection.execute(_threads(ctx).where(threads.c.id == id)).mappings().first()
    if row is None:
        raise NotFound(kind="thread", id=id)
    return _thread_view(row, ctx.principal)


def list_threads(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Newest first."""
    statement = _threads(ctx)
    for name in ("claim_id", "order_id", "offer_id", "state"):
        if name in args:
            statement = statement.where(threads.c[name] == args[name])
    if "subject" in args:
        statement = statement.where(SUBJECTS[args["subject"]])
    if "cursor" in args:
        statement = statement.where(threads.c.id < args["cursor"])
    page = statement.order_by(threads.c.id.desc()).limit(args["limit"] + 1)
    rows = ctx.connection.execute(page).mappings().all()
    return _page([_thread_view(row, ctx.principal) for row in rows], args["limit"])


def list_messages(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Oldest first: of one thread, or of up to 500 claims or orders in one question (S0-09)."""
    principal = ctx.principal
    statement = (
        sa.select(*STORAGE.mappings[Message].raw_columns, public_talks.c.handled)
        .join(public_talks, public_talks.c.id == messages.c.thread_id)
        .where(_in_reach(principal, messages, messages.c.thread_id))
    )
    insider = _insider(principal, messages.c.thread_id)
    mine = sa.and_(messages.c.state == HELD, messages.c.writer == principal.id)
    statement = statement.where(
        _wanted(args),
        sa.or_(messages.c.visibility == PUBLIC, insider),
        sa.or_(messages.c.state.in_((POSTED, REDACTED)), mine),
    )
    if "author" in args:
        statement = statement.where(messages.c.author_type == args["author"])
    if "cursor" in args:
        at, id = decode(args["cursor"])
        bound = sa.tuple_(sa.literal(at, messages.c.posted_at.type), sa.literal(id, messages.c.id.type))
        statement = statement.where(sa.tuple_(messages.c.posted_at, messages.c.id) > bound)
    page = statement.order_by(messages.c.posted_at, messages.c.id).limit(args["limit"] + 1)
    found = [_with_talk(dict(row)) for row in ctx.connection.execute(page).mappings()]
    shown, more = found[: args["limit"]], len(found) > args["limit"]
    ledger.record_reads(ctx, [message for message, _ in shown])
    known = files.of_messages(ctx, [id for message, _ in shown for id in message.attachment_ids])
    items = [message_view(message, talk, principal, ctx.now, known) for message, talk in shown]
    last = shown[-1][0] if shown else None
    return {"items": items, "next_cursor": encode(last.posted_at, last.id) if more and last else None}


def private_texts(ctx: Context, thread_id: str) -> list[tuple[str, str]]:
    """(id, text) of each private comment of a thread, for comparing, never for showing."""
    comments = sa.select(messages.c.id, messages.c.text).where(
        messages.c.tenant == ctx.tenant,
        messages.c.thread_id == thread_id,
        messages.c.visibility == PRIVATE,
        messages.c.state == POSTED,
    )
    return [(row.id, row.text) for row in ctx.connection.execute(comments)]


def last_word(ctx: Context, message: Message) -> Message | None:
    """The last public message of the same side, but for this one and for what machines wrote."""
    side = policies.side_of(message.author_type)
    same_side = policies.HOUSE if side == "house" else {message.author_type}
    found = ctx.find(
        Message,
        messages.c.thread_id == message.thread_id,
        messages.c.visibility == PUBLIC,
        messages.c.number.is_not(None),
        messages.c.author_type.in_(same_side),
        messages.c.via != AUTOMATIC,
        messages.c.id != message.id,
        order_by=messages.c.number.desc(),
        limit=1,
    )
    return found[0] if found else None


def one_message_view(ctx: Context, message: Message, talk: PublicTalk) -> dict[str, Any]:
    """A message as the caller of a command is answered it."""
    return message_view(message, talk, ctx.principal, ctx.now, files.of_messages(ctx, message.attachment_ids))


def message_view(
    message: Message, talk: PublicTalk, principal: Principal, now: datetime, known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """A message as this reader sees it; the reader may read it, that was checked before. known: its files."""
    view = {
        "id": message.id,
        "thread_id": message.thread_id,
        "claim_id": message.claim_id,
        "order_id": message.order_id,
        "author": {"type": message.author_type, "id": message.author_id},
        "visibility": message.visibility,
        "via": message.via,
        "text": message.text,
        "origin": message.origin,
        "posted_at": stamp(message.posted_at),
        "state": message.state,
        "edited_at": stamp(message.edited_at) if message.edited_at else None,
        "revisions": message.revisions,
        "attachments": [known[id] for id in message.attachment_ids if id in known],
        "refund_agreement": message.agreement,
        "handled": talk.is_handled(message),
        "version": message.version,
        "allowed_actions": _message_actions(message, talk, principal, now),
    }
    if policies.may_see_disclosures(principal, message.author):
        view["undelivered_to"] = undelivered_to(message)
    if message.visibility == PRIVATE:
        view["asks"] = message.asks
    if message.release_at:
        view["undo_until"] = stamp(message.release_at)
    return view


def _threads(ctx: Context) -> sa.Select:
    principal = ctx.principal
    return (
        sa.select(
            threads,
            public_talks.c.version.label("public_version"),
            public_talks.c.count.label("public_count"),
            public_talks.c.last,
            sa.func.coalesce(private_talks.c.version, 0).label("private_version"),
            sa.func.coalesce(private_talks.c.count, 0).label("private_count"),
            _insider(principal, threads.c.id).label("insider"),
            (waiting_on_threads(ctx) if principal.is_staff else sa.literal(0)).label("mails_waiting"),
        )
        .join(public_talks, public_talks.c.id == threads.c.id)
        .outerjoin(private_talks, private_talks.c.id == threads.c.id)
        .where(_in_reach(principal, threads, threads.c.id))
    )


def _in_reach(principal: Principal, table: sa.Table, thread_id: sa.Column) -> sa.ColumnElement[bool]:
    """Rows of this table that the caller may know of; the same rule as `access.standing` (T01)."""
    of_tenant = table.c.tenant == principal.tenant
    if principal.is_staff or principal.role == "system":
        return of_tenant
    if principal.role == "customer" and principal.party:
        return sa.and_(of_tenant, table.c.customer_ref == principal.party)
    if principal.role == "integrator" and principal.party is None:
        return of_tenant  # a key of the whole shop reads; it writes as no seller
    if principal.role in ("seller", "integrator") and principal.party:
        return sa.and_(of_tenant, table.c.seller_id == principal.party)
    if principal.role in JOINING:
        return sa.and_(of_tenant, thread_id.in_(_included(principal)))
    return sa.false()


def _wanted(args: dict[str, Any]) -> sa.ColumnElement[bool]:
    if "thread_id" in args:
        return messages.c.thread_id == args["thread_id"]
    if "claim_ids" in args:
        return messages.c.claim_id.in_(args["claim_ids"])
    return messages.c.order_id.in_(args["order_ids"])


def _insider(principal: Principal, thread_id: sa.Column) -> sa.ColumnElement[bool]:
    """May the caller read the private comments of this thread? The same rule as `access.standing`."""
    if principal.role in JOINING:
        return thread_id.in_(_included(principal).where(inclusions.c.scope == "all"))
    return sa.literal(principal.role in policies.INSIDERS)


def _included(principal: Principal) -> sa.Select:
    kind, ref = policies.author_of(principal)
    return sa.select(inclusions.c.thread_id).where(
        inclusions.c.kind == kind, inclusions.c.ref == ref, inclusions.c.active.is_(True)
    )


def _thread_view(row: Any, principal: Principal) -> dict[str, Any]:
    insider = bool(row["insider"])
    last = row["last"]
    has_private = insider and row["private_count"] > 0
    view = {
        "id": row["id"],
        # what a reader may see moves the version, so that it can serve as ETag; what they may not see does not
        "version": row["version"] + row["public_version"] + (row["private_version"] if insider else 0),
        "state": row["state"],
        "subject": {"kind": "claim", "id": row["claim_id"]}
        if row["claim_id"]
        else {"kind": "order", "id": row["order_id"]},
        "claim_id": row["claim_id"],
        "order_id": row["order_id"],
        "offer_id": row["offer_id"],
        "seller_id": row["seller_id"],
        "customer_ref": row["customer_ref"],
        "opened_at": stamp(row["opened_at"]),
        "messages": row["public_count"],
        "awaits_answer": last.get("customer", [0])[0] > last.get("house", [0])[0],
        "compose_defaults": {
            "visibility": policies.default_visibility(insider, has_private),
            "guidelines": GUIDELINES.get(row["profile"] or "") if insider else None,
        },
        "allowed_actions": _thread_actions(row, principal),
    }
    if insider:
        view["private_messages"] = row["private_count"]
    if principal.is_staff:
        view["mails_waiting"] = row["mails_waiting"]
    return view


def _thread_actions(row: Any, principal: Principal) -> list[str]:
    actions = []
    if row["state"] == "open" or principal.role == "customer":
        actions.append("message.post")
    if row["state"] == "open" and principal.role in policies.MAY_CLOSE:
        actions.append("thread.close")
    return actions


def _message_actions(message: Message, talk: PublicTalk, principal: Principal, now: datetime) -> list[str]:
    if message.state == HELD:
        return ["message.undo"]
    if message.state != POSTED:
        return []
    actions = []
    if policies.may_change_visibility(principal, message.author, now - message.posted_at):
        actions.append("message.set_visibility")
    unhandled = message.visibility != PRIVATE and not talk.is_handled(message)
    if unhandled and policies.may_mark_handled(principal, message.author_type):
        actions.append("message.mark_handled")
    if policies.author_of(principal) == message.author:
        actions.append("message.edit")
    if principal.role in policies.MODERATORS:
        actions.append("message.redact")
    if policies.may_see_disclosures(principal, message.author):
        actions.append("disclosure.list")
    return actions


def _with_talk(row: dict[str, Any]) -> tuple[Message, PublicTalk]:
    talk = PublicTalk(id=row["thread_id"], tenant=row["tenant"], handled=row.pop("handled"))
    return STORAGE.mappings[Message].from_row(row), talk


def list_mails(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """What came from outside, newest first. For the staff: a quarantined mail is nobody else's yet (T25)."""
    if not ctx.principal.is_staff:
        raise Forbidden()
    statement = sa.select(*STORAGE.mappings[InboundMail].raw_columns).where(inbound_mails.c.tenant == ctx.tenant)
    for name in ("state", "thread_id"):
        if name in args:
            statement = statement.where(inbound_mails.c[name] == args[name])
    columns = inbound_mails.c
    return page(
        ctx.connection, statement, columns.received_at, columns.id, args["limit"], args.get("cursor"), _mail_row_view
    )


def _mail_row_view(row: Any) -> dict[str, Any]:
    return mail_view(STORAGE.mappings[InboundMail].from_row(dict(row)))


def mail_view(mail: InboundMail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "state": mail.state,
        "reason": mail.reason,
        "trust": mail.trust,
        "alias_id": mail.alias_id,
        "thread_id": mail.thread_id,
        "order_id": mail.order_id,
        "holder": {"type": mail.kind, "id": mail.ref} if mail.kind else None,
        "sender": mail.sender,
        "subject": mail.subject,
        "text": mail.text,
        "attachments": mail.attachments,
        "message_id": mail.message_id,
        "received_at": stamp(mail.received_at),
        "version": mail.version,
        "allowed_actions": _for_a_mail(mail),
    }


def _for_a_mail(mail: InboundMail) -> list[str]:
    """What the staff can do with it: only a holder's mail can be let in."""
    if mail.state != "quarantined":
        return []
    return ["mail.release", "mail.dismiss"] if mail.kind else ["mail.dismiss"]


def _page(items: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """The cursor is the id of the last item: ids sort by time, and say nothing that the item did not."""
    more = len(items) > limit
    return {"items": items[:limit], "next_cursor": items[limit - 1]["id"] if more else None}
