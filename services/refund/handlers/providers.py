"""What providers tell by webhook: verified over the raw body, handled once per event id (M16, T33)."""

from __future__ import annotations

from typing import Any

from services.refund import queries
from services.refund.adapters.paypal import event_of as paypal_event
from services.refund.adapters.paypal import said_by as paypal_said
from services.refund.adapters.stripe import outcome_of, verified
from services.refund.handlers.paying import save_refund, settle
from services.refund.model import Chargeback, Refund, RefundLedger
from services.refund.ports import Outcome, Ports, Said
from services.refund.storage import provider_events, save_ledger
from shared.kernel.principal import system
from shared.runtime.jobs import JobRun
from shared.runtime.unit_of_work import Context

NOTHING_TAKEN = frozenset({"won", "warning_closed"})  # the latter: an inquiry that became no dispute
STRIPE_REFUNDS = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})


def hear_provider(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A webhook. Its signature is its only right: who carried it here does not matter.

    Stripe's is verified here; PayPal's only PayPal can verify, so it is asked by a job, under the event's id.
    """
    if args["provider"] == "paypal":
        return _ask_paypal(ctx, args)
    event = verified(args["headers"], args["body"], ctx.settings.stripe_webhook_secret)
    return {"received": True, "duplicate": not _once(ctx, "stripe", event["id"], event["type"], _stripe_said(event))}


def _ask_paypal(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    event = paypal_event(args["body"])
    if queries.event_known(ctx, "paypal", event["id"]):
        return {"received": True, "duplicate": True}
    ctx.job("verify", event["id"][:128], {"provider": "paypal", "headers": args["headers"], "body": args["body"]})
    return {"received": True, "duplicate": False}


def verify(ports: Ports, payload: dict[str, Any], key: str) -> dict[str, Any]:
    """Ask the provider whether it sent this."""
    return {"genuine": ports.listeners[payload["provider"]].is_genuine(payload["headers"], payload["body"])}


def settle_verified(ctx: Context, job: JobRun, outcome: dict[str, Any]) -> None:
    """What PayPal really sent is handled, once; a forgery is forgotten."""
    if outcome["genuine"]:
        event = paypal_event(job.payload["body"])
        _once(ctx, "paypal", event["id"], event["type"], paypal_said(event))


def _stripe_said(event: dict[str, Any]) -> Said | None:
    """A Stripe event in the words of this service; None for what does not matter here."""
    told = event["object"]
    payment = told.get("payment_intent")
    if event["type"] in STRIPE_REFUNDS:
        ours = (told.get("metadata") or {}).get("refund_id", "")
        return Said("refund", told["id"], payment, outcome_of(told), ours)
    if event["type"] == "charge.dispute.created":
        return Said("dispute_opened", told["id"], payment, Outcome("pending", amount=told["amount"]))
    if event["type"] == "charge.dispute.closed":
        won = told.get("status") in NOTHING_TAKEN
        return Said("dispute_closed", told["id"], payment, Outcome("pending", amount=told["amount"]), won=won)
    return None


def _once(ctx: Context, provider: str, event_id: str, type: str, said: Said | None) -> bool:
    """Handle an event that the provider surely sent; False when it was handled before (M16)."""
    if queries.event_known(ctx, provider, event_id):
        return False
    ctx.insert(provider_events, provider=provider, event_id=event_id, type=type[:64], received_at=ctx.now)
    if said is not None:
        {"refund": _refund_moved, "dispute_opened": _dispute_opened, "dispute_closed": _dispute_closed}[said.what](
            ctx, provider, said
        )
    return True


def _refund_moved(ctx: Context, provider: str, said: Said) -> None:
    outcome = said.outcome
    refund = _refund_of(ctx, provider, said)
    if refund is None:
        if outcome.status == "succeeded":
            _record_external(ctx, provider, said)
    elif refund.can("succeed"):
        settle(ctx, refund, outcome)
    elif outcome.status == "refused" and refund.can("reverse"):
        ledger = ctx.need(RefundLedger, refund.order_id)
        refund.reverse(ledger, outcome.code, ctx.now)
        save_refund(ctx, refund)
        save_ledger(ctx, ledger)


def _refund_of(ctx: Context, provider: str, said: Said) -> Refund | None:
    """Ours by the id we sent along, or one that was recorded under the provider's own."""
    found = queries.refund_at_provider(ctx, provider, said.refund_id, said.ref)
    if found is None:
        return None
    ctx.principal = system(found.tenant, via="webhook")
    return ctx.need(Refund, found.id)


def _record_external(ctx: Context, provider: str, said: Said) -> None:
    """REF-15: paid back in the provider's own dashboard."""
    found = _payment_of(ctx, provider, said.payment_ref)
    if found is not None:  # else a payment that is none of ours
        ledger, payment_id = found
        book_external(ctx, ledger, provider, payment_id, said.payment_ref or "", said.outcome)


def book_external(
    ctx: Context, ledger: RefundLedger, provider: str, payment_id: str, payment_ref: str, outcome: Outcome
) -> Refund:
    """A refund that we did not make is booked, and flagged when it went over the cap (REF-15)."""
    amount = outcome.amount or 0
    refund_id = ctx.new_id("rfd")
    over_cap = ledger.book_external(refund_id, payment_id, amount, ctx.now)
    refund = Refund.external(
        ledger,
        ctx.now,
        over_cap,
        id=refund_id,
        provider=provider,
        payment_id=payment_id,
        payment_ref=payment_ref,
        amount=amount,
        reason_code="external",
        requested_by={"type": "system", "id": provider, "via": "webhook"},
        provider_ref=outcome.provider_ref,
    )
    save_refund(ctx, refund)
    save_ledger(ctx, ledger)
    return refund


def _dispute_opened(ctx: Context, provider: str, said: Said) -> None:
    """N1: the bank took the money; the cap shrinks and automatic refunds of the order stop (E7)."""
    found = _payment_of(ctx, provider, said.payment_ref)
    if found is None or ctx.get(Chargeback, said.ref) is not None:
        return
    ledger, payment_id = found
    ctx.save(_opened(ctx, ledger, payment_id, said))
    save_ledger(ctx, ledger)


def _opened(ctx: Context, ledger: RefundLedger, payment_id: str, said: Said) -> Chargeback:
    return Chargeback.open(said.ref, ledger, payment_id, said.outcome.amount or 0, ctx.now)


def _dispute_closed(ctx: Context, provider: str, said: Said) -> None:
    """Its end may be told before its beginning, which says nothing new then (I14)."""
    found = _payment_of(ctx, provider, said.payment_ref)
    if found is None:
        return
    ledger, payment_id = found
    chargeback = ctx.get(Chargeback, said.ref) or _opened(ctx, ledger, payment_id, said)
    if chargeback.state != "open":
        return
    chargeback.close(ledger, said.won, ctx.now)
    ctx.save(chargeback)
    save_ledger(ctx, ledger)


def _payment_of(ctx: Context, provider: str, payment_ref: str | None) -> tuple[RefundLedger, str] | None:
    """The ledger and payment that a provider's payment belongs to; from here on the webhook acts in its tenant."""
    found = queries.payment_at_provider(ctx, provider, payment_ref)
    if found is None:
        return None
    ctx.principal = system(found.tenant, via="webhook")
    return ctx.need(RefundLedger, found.order_id), found.payment_id
