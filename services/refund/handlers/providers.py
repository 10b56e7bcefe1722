"""What providers tell by webhook: verified over the raw body, handled once per event id (M16, T33)."""

from __future__ import annotations

from typing import Any

from services.refund import queries
from services.refund.adapters.stripe import outcome_of, verified
from services.refund.handlers.paying import save_refund, settle
from services.refund.model import Chargeback, Refund, RefundLedger
from services.refund.ports import Outcome
from services.refund.storage import provider_events, save_ledger
from shared.kernel.principal import system
from shared.runtime.unit_of_work import Context

REFUNDS = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})


def hear_provider(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A signed webhook. Its signature is its only right: who carried it here does not matter."""
    provider = args["provider"]
    event = verified(args["headers"], args["body"], ctx.settings.stripe_webhook_secret)
    if queries.event_known(ctx, provider, event["id"]):
        return {"received": True, "duplicate": True}
    ctx.insert(provider_events, provider=provider, event_id=event["id"], type=event["type"], received_at=ctx.now)
    if event["type"] in REFUNDS:
        _refund_moved(ctx, provider, event["object"])
    elif event["type"] == "charge.dispute.created":
        _dispute_opened(ctx, provider, event["object"])
    elif event["type"] == "charge.dispute.closed":
        _dispute_closed(ctx, event["object"])
    return {"received": True, "duplicate": False}


def _refund_moved(ctx: Context, provider: str, told: dict[str, Any]) -> None:
    outcome = outcome_of(told)
    refund = _refund_of(ctx, provider, told)
    if refund is None:
        if outcome.status == "succeeded":
            _record_external(ctx, provider, told, outcome)
    elif refund.can("succeed"):
        settle(ctx, refund, outcome)
    elif outcome.status == "refused" and refund.can("reverse"):
        ledger = ctx.need(RefundLedger, refund.order_id)
        refund.reverse(ledger, outcome.code, ctx.now)
        save_refund(ctx, refund)
        save_ledger(ctx, ledger)


def _refund_of(ctx: Context, provider: str, told: dict[str, Any]) -> Refund | None:
    """Ours by the id we sent along, or one that was recorded under the provider's own."""
    ours = (told.get("metadata") or {}).get("refund_id", "")
    found = queries.refund_at_provider(ctx, provider, ours, told["id"])
    if found is None:
        return None
    ctx.principal = system(found.tenant, via="webhook")
    return ctx.need(Refund, found.id)


def _record_external(ctx: Context, provider: str, told: dict[str, Any], outcome: Outcome) -> None:
    """REF-15: paid back in the provider's own dashboard; flagged when it went over the cap."""
    found = _payment_of(ctx, provider, told.get("payment_intent"))
    if found is None:
        return  # a payment that is none of ours
    ledger, payment_id = found
    amount = outcome.amount or 0
    refund_id = ctx.new_id("rfd")
    over_cap = ledger.book_external(refund_id, payment_id, amount, ctx.now)
    refund = Refund.external(
        ledger,
        ctx.now,
        over_cap,
        id=refund_id,
        claim_id=None,
        parent_id=None,
        retry_of=None,
        provider=provider,
        payment_id=payment_id,
        payment_ref=told["payment_intent"],
        amount=amount,
        reason_code="external",
        requested_by={"type": "system", "id": provider, "via": "webhook"},
        provider_ref=outcome.provider_ref,
    )
    save_refund(ctx, refund)
    save_ledger(ctx, ledger)


def _dispute_opened(ctx: Context, provider: str, told: dict[str, Any]) -> None:
    """N1: the bank took the money; the cap shrinks and automatic refunds of the order stop (E7)."""
    found = _payment_of(ctx, provider, told.get("payment_intent"))
    if found is None or ctx.get(Chargeback, told["id"]) is not None:
        return
    ledger, payment_id = found
    ctx.save(Chargeback.open(told["id"], ledger, payment_id, told["amount"], ctx.now))
    save_ledger(ctx, ledger)


def _dispute_closed(ctx: Context, told: dict[str, Any]) -> None:
    found = _payment_of(ctx, "stripe", told.get("payment_intent"))
    if found is None:
        return
    ledger, _ = found
    chargeback = ctx.get(Chargeback, told["id"])
    if chargeback is None or chargeback.state != "open":
        return
    chargeback.close(ledger, told.get("status") == "won", ctx.now)
    ctx.save(chargeback)
    save_ledger(ctx, ledger)


def _payment_of(ctx: Context, provider: str, payment_ref: str | None) -> tuple[RefundLedger, str] | None:
    """The ledger and payment that a provider's payment belongs to; from here on the webhook acts in its tenant."""
    found = queries.payment_at_provider(ctx, provider, payment_ref)
    if found is None:
        return None
    ctx.principal = system(found.tenant, via="webhook")
    return ctx.need(RefundLedger, found.order_id), found.payment_id
