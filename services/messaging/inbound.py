"""Mail from outside: the checks of 5.4 in their order, then a message like any other, or the quarantine."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from services.messaging import policies, queries
from services.messaging.aliases import (
    local_part,
    message_in,
    of_any_tenant,
    renewed,
    senders_id,
    senders_of,
    surviving,
)
from services.messaging.attachments import mailed
from services.messaging.mail_model import (
    KEEP,
    MOST_PER_HOUR,
    SUBJECT_LENGTH,
    Alias,
    AliasBook,
    Holder,
    InboundMail,
    MailPair,
    NothingToRenew,
    Senders,
    fitting,
)
from services.messaging.model import Inclusion, Message, OrderParties, PrivateTalk, PublicTalk, Thread
from services.messaging.storage import STORAGE, aliases, inbound_mails, inclusions, threads
from services.messaging.waiting.asking import ask_for_a_look
from shared.contracts import mail as contract
from shared.kernel.errors import Forbidden, NotInThisState, Refusal
from shared.kernel.principal import Principal, system
from shared.runtime.tables import Command, Query
from shared.runtime.unit_of_work import Context, UnitOfWork
from shared.storage.rows import Read

FORGET = "mail_forgotten"
EXPIRED = "alias_expired"
OBSERVER = "observer"  # a mail observer's, which a coordinator has to accept (T07)
Post = Callable[[Context, dict[str, Any]], dict[str, Any]]


def receive(ctx: Context, args: dict[str, Any], post: Post) -> dict[str, Any]:
    """One mail for one recipient. Coming again it changes nothing."""
    if ctx.principal.role != "system":
        raise Forbidden()
    local = local_part(args["recipient"])
    id = _mail_id(ctx.tenant, local, _name(args))
    alias = ctx.get(Alias, local)
    known = ctx.get(InboundMail, id)
    if known is not None:
        return _answer(ctx, known, duplicate=True)
    mail = _mail(ctx, id, alias, args)
    pair = _pair(ctx, local, args["sender"])
    crowded = pair.count(ctx.now) > MOST_PER_HOUR
    if args["automatic"] or crowded:
        mail.ignore(args["automatic"] or "too_many_in_an_hour")
    elif alias is None:
        _from_reference(ctx, mail, args, post)
    else:
        _to_alias(ctx, mail, alias, pair, args, post)
    if mail.state == "quarantined" and mail.kind and mail.ref:  # a person may let it in, with its files
        mailed.of_mail(ctx, mail, mail.thread_id, (mail.kind, mail.ref))
    if mail.state == "quarantined":
        ask_for_a_look(ctx, mail)
    ctx.save(pair)
    ctx.save(mail)
    ctx.schedule(FORGET, mail.id, ctx.now + KEEP)
    return _answer(ctx, mail)


def _to_alias(ctx: Context, mail: InboundMail, alias: Alias, pair: MailPair, args: dict[str, Any], post: Post) -> None:
    """The token says who writes; the sender's address and its proof must not contradict (T25)."""
    known_sender = senders_of(ctx, alias.holder).knows(args["sender"])
    mail.trust = "high" if known_sender and args["authentic"] else "low"
    if alias.is_late(ctx.now):
        if mail.trust == "high" and pair.may_notice(ctx.now):
            _notice(ctx, mail, alias)
        mail.quarantine(EXPIRED)
    elif not alias.works(ctx.now):
        mail.quarantine("alias_revoked")
    elif mail.trust == "low":
        mail.quarantine("unknown_sender" if not known_sender else "not_authentic")
    else:
        _let_in(ctx, mail, alias.holder, post)


def _from_reference(ctx: Context, mail: InboundMail, args: dict[str, Any], post: Post) -> None:
    """No alias left in the recipients: the mails it answers name the thread, never its subject.

    Then nothing but the sender's address says who writes, so it has to be proved, and a participant's.
    """
    for reference in args["references"]:
        message = ctx.get(Message, message_in(reference))
        if message is None:
            continue
        mail.thread_id, mail.order_id = surviving(ctx, message.thread_id), message.order_id
        holder = _participant(ctx, mail.thread_id, message, args["sender"])
        if holder is None or not args["authentic"]:
            mail.quarantine("unknown_sender" if holder is None else "not_authentic")
            return
        mail.trust = "high"
        mail.kind, mail.ref = holder
        _let_in(ctx, mail, holder, post)
        return
    mail.quarantine("unknown_alias")


def _participant(ctx: Context, thread_id: str | None, message: Message, sender: str) -> Holder | None:
    included = ctx.find(Inclusion, inclusions.c.thread_id == thread_id, inclusions.c.active.is_(True))
    holders = [("customer", message.customer_ref), ("seller", message.seller_id), *((i.kind, i.ref) for i in included)]
    return next((h for h in ((k, r) for k, r in holders if r) if senders_of(ctx, h).knows(sender)), None)


def _let_in(ctx: Context, mail: InboundMail, holder: Holder, post: Post) -> None:
    """A participant's mail becomes his message; that of one who only follows by mail waits for a coordinator (T07)."""
    if holder[0] == policies.MAIL_OBSERVER:
        mail.quarantine(OBSERVER)
    else:
        _post(ctx, mail, holder, post)


def _post(ctx: Context, mail: InboundMail, holder: Holder, post: Post) -> None:
    """MSG-01 as the holder, with every rule that holds for him in person. What he may not do, a person looks at."""
    text = mail.text or "\n".join(f"[{each['name']}]" for each in mail.attachments)
    if not text:
        mail.quarantine("empty")
        return
    asked_by, ctx.principal = ctx.principal, _principal(ctx.tenant, holder)
    try:
        thread_id = mail.thread_id or _thread_on_order(ctx, mail.order_id or "")
        ids = mailed.of_mail(ctx, mail, thread_id, holder)
        view = post(ctx, {"thread_id": thread_id, "text": text, "attachment_ids": ids, "mail_id": mail.id})
    except Refusal as refusal:
        mail.quarantine(refusal.code.lower())
    else:
        mail.post(view["id"], thread_id)
    finally:
        ctx.principal = asked_by


def _thread_on_order(ctx: Context, order_id: str) -> str:
    """The open discussion of the order without a claim; a new one where there is none (S0-02)."""
    order = ctx.need(OrderParties, order_id)
    on_order = (threads.c.order_id == order_id, threads.c.claim_id.is_(None), threads.c.state == "open")
    if found := ctx.find(Thread, *on_order, order_by=threads.c.id.desc(), limit=1):
        return found[0].id
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
    thread.start(policies.author_of(ctx.principal))
    ctx.save(thread)
    ctx.save(PublicTalk(id=thread.id, tenant=ctx.tenant))
    return thread.id


def _notice(ctx: Context, mail: InboundMail, alias: Alias) -> None:
    """N8: to the holder, whose address is proved and known, once a day: nobody else is ever written to (T26)."""
    secret = secrets.token_urlsafe(18)
    mail.token = _hashed(secret)
    thread = ctx.get(Thread, mail.thread_id) if mail.thread_id else None
    book = ctx.need(AliasBook, alias.subject_id)
    book.tell_late(alias, mail, thread.claim_id if thread else None, f"{mail.id}.{secret}")
    ctx.save(book)


def renew(ctx: Context, args: dict[str, Any], post: Post) -> dict[str, Any]:
    """N8: the holder opened the link of the notice: a fresh address, and what waited is let in."""
    if ctx.principal.role != "system":
        raise Forbidden()
    mail_id, _, secret = args["token"].partition(".")
    mail = of_any_tenant(ctx, InboundMail, mail_id)
    if mail is None or not mail.token or not hmac.compare_digest(mail.token, _hashed(secret)):
        raise NothingToRenew()
    ctx.principal = system(mail.tenant, via="email")
    alias = ctx.need(Alias, _local_of(ctx, mail))
    entry = renewed(ctx, alias)
    waiting = ctx.find(
        InboundMail,
        inbound_mails.c.alias_id == alias.alias_id,
        inbound_mails.c.state == "quarantined",
        inbound_mails.c.reason == EXPIRED,
        inbound_mails.c.trust == "high",
        order_by=inbound_mails.c.received_at,
    )
    for each in waiting:
        each.token = None
        _let_in(ctx, each, alias.holder, post)
        ctx.save(each)
    released = sum(each.state == "posted" for each in waiting)
    return {"address": entry["address"], "expires_at": entry["expires_at"], "released": released}


def _local_of(ctx: Context, mail: InboundMail) -> str:
    return ctx.find(Alias, aliases.c.alias_id == mail.alias_id, limit=1)[0].id


def release(ctx: Context, args: dict[str, Any], post: Post) -> dict[str, Any]:
    """A person looked at a quarantined mail and found that it is its holder's."""
    if not ctx.principal.is_staff:
        raise Forbidden()
    mail = ctx.get_for_change(InboundMail, args["mail_id"])
    if mail.state != "quarantined" or not mail.kind or not mail.ref or not (mail.text or mail.attachments):
        raise NotInThisState(kind="mail", state=mail.state, action="be released")
    _post(ctx, mail, (mail.kind, mail.ref), post)
    ctx.save(mail)
    return queries.mail_view(mail)


def dismiss(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A person looked at a quarantined mail and found that nobody waits for an answer to it: neither does it."""
    if not ctx.principal.is_staff:
        raise Forbidden()
    mail = ctx.get_for_change(InboundMail, args["mail_id"])
    mail.dismiss()
    ctx.save(mail)
    return queries.mail_view(mail)


def forget(ctx: Context, timer: Any) -> None:
    """After 30 days the quarantine and the proof are gone; the message, if it became one, stays."""
    mail = ctx.get(InboundMail, timer.ref)
    if mail is not None:
        mailed.forget(ctx, mail)
        mail.forget()
        ctx.save(mail)


def _mail(ctx: Context, id: str, alias: Alias | None, args: dict[str, Any]) -> InboundMail:
    return InboundMail(
        id=id,
        tenant=ctx.tenant,
        alias_id=alias.alias_id if alias else None,
        thread_id=surviving(ctx, alias.thread_id) if alias else None,
        order_id=alias.order_id if alias else None,
        kind=alias.kind if alias else None,
        ref=alias.ref if alias else None,
        sender=args["sender"],
        subject=fitting(args["subject"], SUBJECT_LENGTH),
        text=fitting(args["text"]),
        trust="low",
        attachments=args["attachments"],
        raw=args["raw"],
        received_at=ctx.now,
    )


def _pair_id(tenant: str, local: str, sender: str) -> str:
    return "pair_" + hashlib.sha256(f"{tenant}\n{local}\n{sender.lower()}".encode()).hexdigest()[:32]


def _pair(ctx: Context, local: str, sender: str) -> MailPair:
    id = _pair_id(ctx.tenant, local, sender)
    return ctx.get(MailPair, id) or MailPair(id=id, tenant=ctx.tenant)


def _principal(tenant: str, holder: Holder) -> Principal:
    party = holder[1] if holder[0] in ("customer", "seller", "supplier") else None
    return Principal(holder[0], holder[1], tenant, party=party, via="email")


def _name(args: dict[str, Any]) -> str:
    return args["message_id"] or args["content_hash"]


def _mail_id(tenant: str, local: str, name: str) -> str:
    """De-duplication: one recipient, one Message-ID (or content, where a mail has none)."""
    return "mail_" + hashlib.sha256(f"{tenant}\n{local}\n{name.strip()}".encode()).hexdigest()[:24]


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _answer(ctx: Context, mail: InboundMail, duplicate: bool = False) -> dict[str, Any]:
    """files: those whose bytes are still to be brought."""
    return {
        "mail_id": mail.id,
        "state": mail.state,
        "reason": mail.reason,
        "trust": mail.trust,
        "thread_id": mail.thread_id,
        "message_id": mail.message_id,
        "files": mailed.expected(ctx, mail),
        "duplicate": duplicate,
    }


def commands(post: Post) -> tuple[Command, ...]:
    """post: the handler of message.post, by which a mail becomes a message."""
    return (
        Command(contract.MAIL_RECEIVE, partial(receive, post=post), loads=_loads, then=_load_more),
        Command(contract.ALIAS_RENEW, partial(renew, post=post)),
        Command(contract.MAIL_RELEASE, partial(release, post=post)),
        Command(contract.MAIL_DISMISS, dismiss),
    )


def _loads(args: dict[str, Any]) -> list[tuple[type, str]]:
    return [(Alias, local_part(args["recipient"]))]


def _load_more(work: UnitOfWork, mails: list[tuple[str, dict[str, Any]]]) -> None:
    """What mails to these aliases will want, in one round trip instead of nine for each."""
    wanted: list[tuple[type, str]] = []
    talks: set[str] = set()
    for tenant, args in mails:
        local = local_part(args["recipient"])
        wanted.append((InboundMail, _mail_id(tenant, local, _name(args))))
        wanted.append((MailPair, _pair_id(tenant, local, args["sender"])))
        row = work.row(STORAGE.mappings[Alias], local)
        if row is None or row["tenant"] != tenant:
            continue
        wanted.append((Senders, senders_id(tenant, (row["kind"], row["ref"]))))
        if row["thread_id"]:
            talks.add(row["thread_id"])
    wanted += [(part, id) for id in sorted(talks) for part in (Thread, PublicTalk, PrivateTalk, AliasBook)]
    [included] = work.prefetch(wanted, [Read(inclusions, {"thread_id": talks})])
    work.lists |= {("inclusion", id): [row for row in included if row["thread_id"] == id] for id in talks}


QUERIES = (Query(contract.MAIL_LIST, queries.list_mails),)
TIMERS = {FORGET: forget}
