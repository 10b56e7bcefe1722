"""Aliases: addresses under which participants write to each other without knowing each other's (ALI-01 to 04)."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Iterable
from typing import Any

from services.messaging import policies
from services.messaging.access import need_thread
from services.messaging.mail_model import LIFE, Alias, AliasBook, Holder, MaskedMailOff, Senders
from services.messaging.model import Message, OrderParties, Thread
from services.messaging.storage import STORAGE, aliases, inclusions
from shared.contracts import mail as contract
from shared.kernel.errors import Forbidden, NotFound, Refusal
from shared.runtime.tables import Command, Query
from shared.runtime.unit_of_work import Context
from shared.storage.rows import rows_by_key

ALPHABET = string.ascii_lowercase + string.digits
LETTERS = 18  # 93 bits: nobody guesses one (S0-13)
EXPIRE = "alias_expired"
WRITERS = frozenset(contract.HOLDERS) | {"integrator"}
DISCUSSION_CLOSED = "DISCUSSION_CLOSED"


class OrderNotSynced(Refusal):
    """The order has not arrived here yet: repeat in a second."""

    code, status, retry_after = "ORDER_NOT_SYNCED", 409, 1


def issue_for_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S0-12: the caller's address for writing about an order, to its customer or to its seller."""
    domain = _domain(ctx)
    order = ctx.get(OrderParties, args["order_id"])
    holder = _holder_on_order(ctx, order) if order is not None else None
    if holder is None:
        raise OrderNotSynced(order_id=args["order_id"])
    return _issued(_ensure(ctx, args["order_id"], holder, domain, order_id=args["order_id"])) | {
        "order_id": args["order_id"],
        "thread_id": None,
    }


def offer_for_orders(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S0-12: the contact address beside each order of a list; none for orders that are not the caller's."""
    domain = _domain(ctx)
    return {"results": [_for_order(ctx, id, domain) for id in dict.fromkeys(args["order_ids"])]}


def _for_order(ctx: Context, order_id: str, domain: str) -> dict[str, Any]:
    order = ctx.get(OrderParties, order_id)
    holder = _holder_on_order(ctx, order) if order is not None else None
    if holder is None:
        return {"order_id": order_id, "result": "NOT_FOUND", "address": None}
    entry = _ensure(ctx, order_id, holder, domain, order_id=order_id)
    return {"order_id": order_id, "result": "ISSUED", "address": entry["address"]}


def issue_for_threads(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S0-11: one address per discussion, each id answered by itself."""
    if ctx.principal.role not in WRITERS:
        raise Forbidden()
    domain = _domain(ctx)
    return {"results": [_for_thread(ctx, id, domain) for id in dict.fromkeys(args["thread_ids"])]}


def _for_thread(ctx: Context, thread_id: str, domain: str) -> dict[str, Any]:
    try:
        thread, _ = need_thread(ctx, {"thread_id": thread_id})
        if _no_writer(ctx):
            raise Forbidden()
    except Refusal as refusal:
        return {"thread_id": thread_id, "result": refusal.code, "alias": None}
    if thread.state == "closed":
        return {"thread_id": thread_id, "result": DISCUSSION_CLOSED, "alias": None}
    entry = _ensure(ctx, thread.id, policies.author_of(ctx.principal), domain, thread_id=thread.id)
    return {
        "thread_id": thread_id,
        "result": "ISSUED",
        "alias": _issued(entry) | {"thread_id": thread.id, "order_id": thread.order_id},
    }


def revoke(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """ALI-04, by the staff or by its holder."""
    found = ctx.find(Alias, aliases.c.alias_id == args["alias_id"], limit=1)
    mine = found and (ctx.principal.is_staff or policies.author_of(ctx.principal) == found[0].holder)
    if not mine:
        raise NotFound(kind="alias", id=args["alias_id"])
    alias = found[0]
    book = ctx.need(AliasBook, alias.subject_id)
    book.revoke(alias, args["reason"])
    ctx.save(alias)
    ctx.save(book)
    return {"alias_id": alias.alias_id, "state": "revoked", "allowed_actions": []}


def check(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """What addresses are worth to the mail server: active, late, or unknown (as revoked and long gone ones are)."""
    if ctx.principal.role != "system":
        raise Forbidden()
    ctx.work.prefetch((Alias, local_part(address)) for address in args["addresses"])
    found = {}
    for address in args["addresses"]:
        alias = of_any_tenant(ctx, Alias, local_part(address)) if _ours(ctx, address) else None
        state = "unknown"
        if alias is not None and alias.works(ctx.now):
            state = "active"
        elif alias is not None and alias.is_late(ctx.now):
            state = "late"
        found[address] = {"state": state, "tenant": alias.tenant if alias is not None and state != "unknown" else None}
    threads = {id: of_any_tenant(ctx, Message, message_in(id)) for id in args["references"]}
    return {"addresses": found, "references": {id: known.tenant for id, known in threads.items() if known}}


def expire(ctx: Context, timer: Any) -> None:
    """ALI-03."""
    alias = ctx.get(Alias, timer.ref)
    if alias is None or alias.revoked is not None:
        return
    book = ctx.need(AliasBook, alias.subject_id)
    book.expire(alias)
    ctx.save(book)


# what other handlers call


def equip(ctx: Context, thread: Thread, holders: Iterable[Holder] | None = None) -> None:
    """See to it that everybody on this thread can answer its mails by mail. Nothing while masked mail is off.

    Saved before what it is for, so that notification knows the address when it writes the mail.
    """
    domain = ctx.settings.relay_domain if ctx.settings else ""
    if not domain:
        return
    if holders is None:
        # nobody is let in by a command: no need to write first what earlier ones of the batch did
        rows = ctx.work.lists.get(("inclusion", thread.id))
        if rows is None:
            rows = rows_by_key(ctx.work.connection, inclusions, {"tenant": [ctx.tenant], "thread_id": [thread.id]})
        holders = [(row["kind"], row["ref"]) for row in rows if row["active"]]
    parties = [("customer", thread.customer_ref), ("seller", thread.seller_id), *holders]
    for kind, ref in parties:
        if ref and kind in contract.HOLDERS:
            _ensure(ctx, thread.id, (kind, ref), domain, thread_id=thread.id)


def redirect(ctx: Context, thread: Thread) -> None:
    """ALI-04: the claim was merged; what still arrives at its addresses belongs to the other thread."""
    if not ctx.settings or not ctx.settings.relay_domain:
        return
    book = ctx.get(AliasBook, thread.id)
    if book is None:
        return
    for alias in ctx.find(Alias, aliases.c.thread_id == thread.id):
        if alias.works(ctx.now):
            book.revoke(alias, "merged", redirect_to=thread.merged_into)
            ctx.save(alias)
    ctx.save(book)


def surviving(ctx: Context, thread_id: str | None) -> str | None:
    """Where this thread's conversation goes on: its claim may have been merged, and that one too."""
    while thread_id and (thread := ctx.get(Thread, thread_id)) is not None and thread.merged_into:
        thread_id = thread.merged_into
    return thread_id


def renewed(ctx: Context, alias: Alias) -> dict[str, Any]:
    """A fresh alias for the holder of one that is over."""
    subject = {"thread_id": surviving(ctx, alias.thread_id), "order_id": alias.order_id}
    subject_id = subject["thread_id"] or subject["order_id"] or ""
    return _ensure(ctx, subject_id, alias.holder, _domain(ctx), **subject)


def _ensure(
    ctx: Context,
    subject_id: str,
    holder: Holder,
    domain: str,
    thread_id: str | None = None,
    order_id: str | None = None,
) -> dict[str, Any]:
    """ALI-01, ALI-02: the alias of this holder on this subject, a new one when little is left of the old."""
    book = ctx.get(AliasBook, subject_id) or AliasBook(id=subject_id, tenant=ctx.tenant)
    current = book.current(holder, ctx.now)
    if current:
        return current
    alias = Alias(
        id=_fresh(ctx),
        tenant=ctx.tenant,
        alias_id=ctx.new_id("als"),
        thread_id=thread_id,
        order_id=order_id,
        kind=holder[0],
        ref=holder[1],
        issued_at=ctx.now,
        expires_at=ctx.now + LIFE,
    )
    book.issue(alias, f"{alias.id}@{domain}")
    ctx.save(alias)
    ctx.save(book)
    ctx.schedule(EXPIRE, alias.id, alias.expires_at)
    return book.entries[" ".join(holder)]


def _fresh(ctx: Context) -> str:
    """Never one that was ever issued (T28)."""
    while True:
        local = "c." + "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
        if not ctx.exists(Alias, local):
            return local


def _holder_on_order(ctx: Context, order: OrderParties) -> Holder | None:
    """As whom the caller may write about this order; None: it is not his (T01)."""
    who = ctx.principal
    if who.is_staff:
        return policies.author_of(who)
    if who.role == "customer":
        return ("customer", order.customer_ref) if who.party and who.party == order.customer_ref else None
    if who.role == "integrator" and who.party is None:
        return "seller", order.seller_id  # a key of the whole shop copies for its sellers (S0-12)
    return ("seller", order.seller_id) if who.acts_for_seller(order.seller_id) else None


def _no_writer(ctx: Context) -> bool:
    return policies.author_of(ctx.principal)[0] not in contract.HOLDERS or (
        ctx.principal.role == "integrator" and ctx.principal.party is None
    )


def _domain(ctx: Context) -> str:
    if not ctx.settings or not ctx.settings.relay_domain:
        raise MaskedMailOff()
    return ctx.settings.relay_domain


def _ours(ctx: Context, address: str) -> bool:
    domain = ctx.settings.relay_domain if ctx.settings else ""
    return bool(domain) and address.lower().endswith(f"@{domain.lower()}")


def message_in(reference: str) -> str:
    """The message that a Message-ID of ours names (`<msg_….ntf_…@domain>`); of any other, something that is none."""
    return reference.strip("<> ").partition("@")[0].partition(".")[0]


def of_any_tenant(ctx: Context, entity: type, id: str) -> Any | None:
    """For what arrives from outside with an id as its only right: the tenant is the one that the id belongs to."""
    mapping = STORAGE.mappings[entity]
    row = ctx.work.row(mapping, id)
    return mapping.from_row(row) if row is not None else None


def local_part(address: str) -> str:
    """Upper and lower case are the same: mail programs change it."""
    return address.rpartition("@")[0].lower()


def _issued(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "alias_id": entry["alias_id"],
        "address": entry["address"],
        "expires_at": entry["expires_at"],
        "allowed_actions": ["alias.revoke"],
    }


# who writes from where


def register_senders(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A seller's or supplier's mail tool sends from addresses or domains of its own: told by it, or by the staff."""
    who, party, ref = ctx.principal, args["party"], args["ref"]
    own = policies.author_of(who) == (party, ref) and who.role in ("seller", "supplier", "integrator")
    if not (who.is_staff or own):
        raise Forbidden()
    known = senders_of(ctx, (party, ref))
    known.addresses = sorted({address.lower() for address in args["addresses"]})
    known.domains = sorted({domain.lower() for domain in args["domains"]})
    ctx.save(known)
    return {
        "party": party,
        "ref": ref,
        "addresses": known.addresses,
        "domains": known.domains,
        "version": known.version,
        "allowed_actions": ["sender.register"],
    }


def keep_sender_when_contact_recorded(ctx: Context, event: Any) -> None:
    """Whoever is written to at an address may answer from it."""
    contact = event.data
    known = senders_of(ctx, (contact["party"], contact["ref"]))
    if known.contact != contact["email"].lower():
        known.contact = contact["email"].lower()
        ctx.save(known)


def senders_of(ctx: Context, holder: Holder) -> Senders:
    id = senders_id(ctx.tenant, holder)
    return ctx.get(Senders, id) or Senders(id=id, tenant=ctx.tenant, party=_sending(holder[0]), ref=holder[1])


def senders_id(tenant: str, holder: Holder) -> str:
    return "snd_" + hashlib.sha256(f"{tenant}\n{_sending(holder[0])}\n{holder[1]}".encode()).hexdigest()[:32]


def _sending(kind: str) -> str:
    return "platform" if kind == "platform_agent" else kind


COMMANDS = (
    Command(contract.ALIAS_ISSUE, issue_for_order),
    Command(
        contract.ALIAS_OFFER,
        offer_for_orders,
        loads=lambda args: [(entity, id) for id in args["order_ids"] for entity in (OrderParties, AliasBook)],
    ),
    Command(contract.ALIAS_ISSUE_MANY, issue_for_threads),
    Command(contract.ALIAS_REVOKE, revoke),
    Command(contract.SENDERS_REGISTER, register_senders),
)
QUERIES = (Query(contract.ALIAS_CHECK, check),)
REACTIONS = {"recipient.recorded": keep_sender_when_contact_recorded}
