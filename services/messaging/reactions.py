"""What messaging does when it hears of orders and claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.messaging import aliases, policies
from services.messaging.access import inclusion_id, thread_of_claim
from services.messaging.ledger import failures
from services.messaging.ledger import queries as ledger
from services.messaging.model import PUBLIC, Inclusion, Message, OrderParties, PublicTalk, Thread, Who
from services.messaging.storage import threads
from shared.contracts.messaging import AGREEMENT_PROFILES
from shared.kernel.clock import moment, stamp
from shared.runtime.tables import Reaction
from shared.runtime.unit_of_work import Context

OBSERVING = {"account": "account_observer", "supplier": "supplier", "mail": policies.MAIL_OBSERVER}  # as claims say it


def keep_parties_when_order_placed(ctx: Context, event: Any) -> None:
    """Whose it is; and what it cost, which an agreement to refund it must not exceed (S3-17)."""
    order = event.data
    agreeable = order["profile"] in AGREEMENT_PROFILES
    ctx.save(
        OrderParties(
            id=order["order_id"],
            tenant=ctx.tenant,
            customer_ref=order["customer_ref"],
            seller_id=order["seller_id"],
            marketplace=order["marketplace"],
            profile=order["profile"],
            currency=order["currency"],
            total=order["total"]["amount"],
            placed_at=moment(order["placed_at"]),
            lines=[{"line_id": line["line_id"], "gross": line["gross"]} for line in order["lines"] if agreeable],
        )
    )


def follow_lines_when_order_changed(ctx: Context, event: Any) -> None:
    """ORD-13: more can be agreed to once what was added is paid (S3-17)."""
    data = event.data
    order = ctx.need(OrderParties, data["order_id"])
    if order.profile not in AGREEMENT_PROFILES:
        return
    if event.type == "order.line_added":
        line = data["line"]
        order.add_line(line["line_id"], line["gross"], unpaid=data["amount_due"]["amount"] > 0)
    elif event.type == "order.line_withdrawn":
        order.drop_line(data["line_id"])
    elif not order.pay(data["captured_total"]["amount"]):
        return
    ctx.save(order)


def keep_disclosure_when_mailed(ctx: Context, event: Any) -> None:
    """N3: a mail with these messages has left."""
    told = event.data
    for message_id in told["message_ids"]:
        message = ctx.get(Message, message_id)
        if message is not None:
            recipient = (told["recipient_kind"], told["recipient_ref"])
            ledger.record_mail(ctx, message, recipient, told["channel"], told["provider_ref"], event.time)
            if failures.record_success(message, recipient):
                ctx.save(message)


def keep_failure_when_mail_did_not_arrive(ctx: Context, event: Any) -> None:
    """B14: its author sees whom the message did not reach."""
    for message_id in event.data["message_ids"]:
        message = ctx.get(Message, message_id)
        if message is not None and failures.record_failure(message, event.data):
            ctx.save(message)


def open_thread_when_claim_opened(ctx: Context, event: Any) -> None:
    """The claim's first message is public: everybody on the claim must know what it is about (S1-27)."""
    claim = event.data
    author = _written_by(claim["requester"]["type"], claim["requester"]["id"], claim)
    thread = Thread(
        id=thread_of_claim(claim["claim_id"]),
        tenant=ctx.tenant,
        claim_id=claim["claim_id"],
        order_id=claim.get("order_id"),
        customer_ref=claim["customer_ref"],
        seller_id=claim["seller_id"],
        profile=claim["profile"],
        offer_id=claim.get("offer_id"),
        opened_at=event.time,
        cancel_pending=policies.asks_to_cancel(claim["category"], claim["reason_code"]),
    )
    aliases.equip(ctx, thread, [("supplier", supplier_id) for supplier_id in claim["supplier_ids"]])
    thread.start(author)
    ctx.save(thread)
    _say(ctx, event, thread, PublicTalk(id=thread.id, tenant=ctx.tenant), author)
    for supplier_id in claim["supplier_ids"]:
        _include(ctx, thread.id, "supplier", supplier_id, scope="all", active=True)


def post_proposal_when_solution_proposed(ctx: Context, event: Any) -> None:
    """CLM-07: a solution is proposed in words that the requester can read and answer."""
    thread = _thread(ctx, event)
    type, id, _ = event.actor.split("/")
    _say(ctx, event, thread, ctx.need(PublicTalk, thread.id), _written_by(type, id, event.data))


def close_thread_when_claim_ended(ctx: Context, event: Any) -> None:
    thread = _thread(ctx, event)
    if thread.state == "open":
        thread.end(_actor(event))
        ctx.save(thread)


def reopen_thread_when_claim_reopened(ctx: Context, event: Any) -> None:
    thread = _thread(ctx, event)
    if thread.state == "closed":
        thread.reopen(_actor(event))
        ctx.save(thread)


def allow_closing_when_claim_decided(ctx: Context, event: Any) -> None:
    """S0-22: a request to cancel no longer waits."""
    thread = _thread(ctx, event)
    if thread.cancel_pending:
        thread.cancel_pending = False
        ctx.save(thread)


def allow_closing_when_order_left_or_cancelled(ctx: Context, event: Any) -> None:
    """S0-22: shipping or cancelling the order decides a request to cancel it by fact."""
    for thread in ctx.find(Thread, threads.c.order_id == event.data["order_id"], threads.c.cancel_pending.is_(True)):
        thread.cancel_pending = False
        ctx.save(thread)


def let_in_when_observer_added(ctx: Context, event: Any) -> None:
    newcomer = _observer(ctx, event, active=True)
    thread = ctx.get(Thread, thread_of_claim(event.data["claim_id"]))
    if thread is not None:
        aliases.equip(ctx, thread, [newcomer])


def merge_thread_when_claim_merged(ctx: Context, event: Any) -> None:
    """ALI-04: what is still written to this thread's addresses, or answers its mails, goes to the other claim's."""
    thread = _thread(ctx, event)
    if thread.state == "open":
        thread.end(_actor(event))
    thread.merged_into = thread_of_claim(event.data["target_id"])
    ctx.save(thread)
    aliases.redirect(ctx, thread)


def let_out_when_observer_removed(ctx: Context, event: Any) -> None:
    """T06: from here on this observer reads nothing more, old messages included."""
    _observer(ctx, event, active=False)


def _observer(ctx: Context, event: Any, active: bool) -> Who:
    data = event.data
    observer = data["observer"]
    kind = OBSERVING[observer["kind"]]
    _include(ctx, thread_of_claim(data["claim_id"]), kind, observer["id"], observer["scope"], active)
    return kind, observer["id"]


def _include(ctx: Context, thread_id: str, kind: str, ref: str, scope: str, active: bool) -> None:
    id = inclusion_id(thread_id, kind, ref)
    inclusion = ctx.get(Inclusion, id) or Inclusion(id=id, tenant=ctx.tenant, thread_id=thread_id, kind=kind, ref=ref)
    inclusion.scope, inclusion.active = scope, active
    ctx.save(inclusion)


def _say(ctx: Context, event: Any, thread: Thread, talk: PublicTalk, author: Who) -> None:
    """Post the public message that came with a claim's event, under the id that the claim gave it."""
    said = event.data["message"]
    message = thread.message(
        said["message_id"],
        author,
        said["text"],
        visibility=PUBLIC,
        at=event.time,
        via=event.actor.rsplit("/", 1)[-1],
        origin=event.type,
    )
    talk.post(message, stamp(event.time))
    ctx.save(message)
    ctx.save(talk)


def _thread(ctx: Context, event: Any) -> Thread:
    return ctx.need(Thread, thread_of_claim(event.data["claim_id"]))


def _actor(event: Any) -> Who:
    type, id, _ = event.actor.split("/")
    return _written_by(type, id, event.data)


def _written_by(type: str, id: str, claim: dict[str, Any]) -> Who:
    """A party writes as the party, whoever of its people or programs did (5.1)."""
    if type == "customer":
        return type, claim["customer_ref"]
    if type in ("seller", "integrator"):
        return "seller", claim["seller_id"]
    return type, id


def _thread_and_talk(claim: dict[str, Any]) -> list[tuple[type, str]]:
    id = thread_of_claim(claim["claim_id"])
    return [(Thread, id), (PublicTalk, id)]


def _order(data: dict[str, Any]) -> list[tuple[type, str]]:
    return [(OrderParties, data["order_id"])]


def _told(data: dict[str, Any]) -> list[tuple[type, str]]:
    return [(Message, id) for id in data["message_ids"]]


REACTIONS: dict[str, Callable | Reaction] = {
    "order.placed": keep_parties_when_order_placed,
    "order.line_added": Reaction(follow_lines_when_order_changed, loads=_order),
    "order.line_withdrawn": Reaction(follow_lines_when_order_changed, loads=_order),
    "order.payment_captured": Reaction(follow_lines_when_order_changed, loads=_order),
    "order.shipped": allow_closing_when_order_left_or_cancelled,
    "order.cancelled": allow_closing_when_order_left_or_cancelled,
    "claim.opened": open_thread_when_claim_opened,
    "claim.solution_proposed": Reaction(post_proposal_when_solution_proposed, loads=_thread_and_talk),
    "claim.closed": Reaction(close_thread_when_claim_ended, loads=_thread_and_talk),
    "claim.withdrawn": Reaction(close_thread_when_claim_ended, loads=_thread_and_talk),
    "claim.merged": Reaction(merge_thread_when_claim_merged, loads=_thread_and_talk),
    "claim.reopened": Reaction(reopen_thread_when_claim_reopened, loads=_thread_and_talk),
    "claim.resolved": Reaction(allow_closing_when_claim_decided, loads=_thread_and_talk),
    "claim.refused": Reaction(allow_closing_when_claim_decided, loads=_thread_and_talk),
    "claim.observer_added": let_in_when_observer_added,
    "claim.observer_removed": let_out_when_observer_removed,
    "disclosure.made": Reaction(keep_disclosure_when_mailed, loads=_told),
    "disclosure.failed": Reaction(keep_failure_when_mail_did_not_arrive, loads=_told),
}
