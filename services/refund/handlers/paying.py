"""Paying: the call to the provider outside any transaction, and what its answer means (REF-08 to REF-12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.refund.handlers.promises import issue_coupon
from services.refund.model import CreditNote, Refund, RefundLedger
from services.refund.policies import ASK_AT, ASK_FIRST_AFTER, IN_HOUSE, PAID_BY_HAND, next_question
from services.refund.ports import Outcome, Ports
from services.refund.storage import save_ledger
from shared.kernel.clock import moment, stamp
from shared.kernel.numbering import NumberSeries
from shared.runtime.jobs import JobRun
from shared.runtime.unit_of_work import Context

SERIES = "AV"  # avoir


def start_paying(ctx: Context, ledger: RefundLedger, refund: Refund) -> None:
    """REF-08: the provider is called after this commits, under the refund's id (M16). The caller saves both.

    A coupon or store credit is paid by giving it out, here and now.
    """
    refund.execute(ledger, ctx.now)
    if refund.provider == IN_HOUSE:
        complete(ctx, ledger, refund, issue_coupon(ctx, ledger, refund).id)
    else:
        call_provider(ctx, refund)


def pay_with(ctx: Context, ledger: RefundLedger, children: list[Refund]) -> None:
    """M14: the product's refund has succeeded, those of its subscriptions follow. The caller saves all of them.

    Where a bank has taken their money meanwhile (E7) they stay approved, for a person to decide.
    """
    for child in children:
        ready = child.kind == "linked_subscription" and child.state == "approved" and child.provider != PAID_BY_HAND
        if ready and not ledger.is_disputed(child.payment_id):
            start_paying(ctx, ledger, child)


def call_provider(ctx: Context, refund: Refund) -> None:
    """Pay after this commits; `since` tells whether it may have been sent before, and must be asked about first."""
    payload = {
        "tenant": refund.tenant,
        "order_id": refund.order_id,
        "provider": refund.provider,
        "payment_ref": refund.payment_ref,
        "amount": refund.amount,
        "currency": refund.currency,
        "since": stamp(refund.processing_at or ctx.now),
    }
    ctx.job("pay", refund.id, payload)


def pay(ports: Ports, payload: dict[str, Any], key: str) -> dict[str, Any]:
    """Send the refund; ask first when it may have been sent before. The same key pays once (M16, M17, R22).

    A refund that the provider does not know is sent again while it honours the key; later it is as the provider says.
    """
    provider = ports.providers[payload["provider"]]
    age = ports.clock.now() - moment(payload["since"])
    if age > ASK_FIRST_AFTER:
        found = provider.find(payload["payment_ref"], key)
        if found is not None:
            return found.data()
        if age > provider.honours_keys_for:
            return provider.after_that.data()
    metadata = {"refund_id": key, "order_id": payload["order_id"], "tenant": payload["tenant"]}
    return provider.refund(payload["payment_ref"], payload["amount"], payload["currency"], metadata, key).data()


def settle_payment(ctx: Context, job: JobRun, outcome: dict[str, Any]) -> timedelta | None:
    """REF-09 to REF-12: store what the provider said; the answer is when to ask again, None when all is known."""
    refund = ctx.need(Refund, job.key)
    return settle(ctx, refund, Outcome(**outcome)) if refund.can("succeed") else None


def settle(ctx: Context, refund: Refund, outcome: Outcome) -> timedelta | None:
    """One answer about a refund that is being paid, from the call, a question or a webhook."""
    ledger = ctx.need(RefundLedger, refund.order_id)
    if outcome.status == "succeeded" and not _same_money(refund, outcome):
        outcome = Outcome("unknown", outcome.provider_ref, code="amount_differs")
    if outcome.status == "succeeded":
        complete(ctx, ledger, refund, outcome.provider_ref)
        children = [ctx.need(Refund, id) for id in refund.children]
        pay_with(ctx, ledger, children)
        save_all(ctx, ledger, [refund, *children])
        return None
    if outcome.status == "refused":
        refund.fail(ledger, outcome.code, outcome.retryable, ctx.now)
        save_all(ctx, ledger, [refund, *drop_subscriptions(ctx, ledger, refund)])
        return None
    return _ask_later(ctx, ledger, refund, outcome)


def complete(ctx: Context, ledger: RefundLedger, refund: Refund, provider_ref: str | None) -> None:
    """REF-09: paid. Counters, double entry, credit note and its number in one transaction (M18, M19).

    The caller saves refund and ledger.
    """
    number = _next_number(ctx, ledger.marketplace)
    note_id = ctx.new_id("crn")
    refund.succeed(ledger, provider_ref, note_id, ctx.now)
    ctx.save(CreditNote.issue(note_id, refund, number, ledger.invoice_number, ctx.now))


def drop_subscriptions(ctx: Context, ledger: RefundLedger, refund: Refund) -> list[Refund]:
    """M14: the product stays bought, so its subscription does too. Answers those that were cancelled, to be saved."""
    dropped = []
    for id in refund.children:
        child = ctx.need(Refund, id)
        if child.kind == "linked_subscription" and child.can("cancel"):
            child.cancel(ledger, ctx.principal.actor, ctx.now)
            dropped.append(child)
    return dropped


def _ask_later(ctx: Context, ledger: RefundLedger, refund: Refund, outcome: Outcome) -> timedelta | None:
    """Pending goes on being asked about each day; unknown is asked about until the questions are used up (REF-12)."""
    delay = next_question(refund.asked)
    refund.asked += 1
    if outcome.status == "pending":
        refund.accept(outcome.provider_ref)
        save_refund(ctx, refund)
        return delay or ASK_AT[-1]
    refund.lose_sight(ledger, outcome.code, last=delay is None)
    save_refund(ctx, refund)
    return delay


def _same_money(refund: Refund, outcome: Outcome) -> bool:
    """REF-09's guard: amount and currency equal."""
    return (outcome.amount, outcome.currency) == (refund.amount, refund.currency)


def _next_number(ctx: Context, marketplace: str) -> str:
    """M19: gapless per tenant, series and year: whoever takes a number keeps the others waiting until it commits."""
    prefix = f"{SERIES}-{ctx.now.astimezone(ctx.settings.zone(marketplace)).year}"
    id = f"{ctx.tenant}:{prefix}"[:64]
    series = ctx.lock(NumberSeries, id) or NumberSeries(id=id, tenant=ctx.tenant, prefix=prefix)
    number = series.take()
    ctx.save(series)
    return number


def save_refund(ctx: Context, refund: Refund) -> None:
    """Store it as changed now: lists show the newest change first."""
    refund.updated_at = ctx.now
    ctx.save(refund)


def save_all(ctx: Context, ledger: RefundLedger, refunds: list[Refund]) -> None:
    for refund in refunds:
        save_refund(ctx, refund)
    save_ledger(ctx, ledger)
