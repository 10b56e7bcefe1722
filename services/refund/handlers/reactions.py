"""What the refund service does when it hears of orders and claims. A refusal becomes an event, never an error."""

from __future__ import annotations

from typing import Any

from services.refund.access import asked_of
from services.refund.decision import Wanted
from services.refund.handlers.paying import pay_with, save_all
from services.refund.handlers.requests import begin
from services.refund.model import ClaimFacts, Payment, Refund, RefundLedger, ReturnFacts
from services.refund.model.refusals import OrderNotSynced, ZeroRefund
from services.refund.policies import Asked, AskedLine, refused, synced
from services.refund.queries import order_behind
from services.refund.storage import payment_refs, save_ledger
from shared.kernel.clock import stamp
from shared.kernel.errors import Refusal
from shared.kernel.principal import Principal, system
from shared.runtime.envelope import Envelope
from shared.runtime.unit_of_work import Context

# orders


def open_ledger_when_order_placed(ctx: Context, event: Envelope) -> None:
    """The tax snapshot of the order, frozen here as it was placed (M3)."""
    save_ledger(ctx, RefundLedger.from_order(ctx.tenant, event.data))


def book_captured_payment(ctx: Context, event: Envelope) -> None:
    """Money to give back. What comes in after the order was cancelled goes back at once."""
    data = event.data
    ledger = ctx.need(RefundLedger, data["order_id"])
    ledger.capture(
        Payment(
            data["payment_id"],
            data["provider"],
            data["provider_ref"],
            data["instrument"],
            data["amount"]["amount"],
            stamp(event.time),
        )
    )
    ctx.insert(
        payment_refs,
        order_id=ledger.id,
        payment_id=data["payment_id"],
        tenant=ctx.tenant,
        provider=data["provider"],
        provider_ref=data["provider_ref"],
    )
    save_ledger(ctx, ledger)
    if ledger.cancelled:
        _owe(ctx, ledger, Wanted(Asked("cancellation"), "order_cancelled"))  # new money goes back as it came


def count_shipped_units(ctx: Context, event: Envelope) -> None:
    """E1: these units are on the path after shipment from now on."""
    data = event.data
    ledger = ctx.need(RefundLedger, data["order_id"])
    for line in data["lines"]:
        ledger.ship(line["line_id"], line["qty"])
    save_ledger(ctx, ledger)


def follow_added_line(ctx: Context, event: Envelope) -> None:
    """ORD-13: something more was bought, or what was added and never paid left again."""
    data = event.data
    ledger = ctx.need(RefundLedger, data["order_id"])
    if event.type == "order.line_added":
        ledger.add_line(data["line"], unpaid=data["amount_due"]["amount"] > 0)
    else:
        ledger.drop_line(data["line_id"])
    save_ledger(ctx, ledger)


def refund_when_line_refused(ctx: Context, event: Envelope) -> None:
    """S0-17: exactly the refused units are refunded before shipment, when they were paid."""
    data = event.data
    ledger = ctx.need(RefundLedger, data["order_id"])
    ledger.refuse_units(data["line_id"], data["qty"])
    save_ledger(ctx, ledger)
    if ledger.captured:
        asked = Asked("pre_shipment", (AskedLine(data["line_id"], data["qty"]),))
        _owe(ctx, ledger, Wanted(asked, data["reason_code"]))


def refund_when_order_cancelled(ctx: Context, event: Envelope) -> None:
    """All that was captured and is still here goes back, by the instrument that was chosen (S4-09, S4-10)."""
    data = event.data
    ledger = ctx.need(RefundLedger, data["order_id"])
    ledger.cancel_order()
    save_ledger(ctx, ledger)
    if ledger.captured:
        _owe(ctx, ledger, Wanted(Asked("cancellation"), data["reason_code"], data.get("refund_instrument", "original")))


def keep_invoice_number(ctx: Context, event: Envelope) -> None:
    """M19: credit notes from now on name the invoice that they correct."""
    ledger = synced(ctx.get(RefundLedger, event.data["order_id"]))
    ledger.invoice_number = event.data["number"]
    save_ledger(ctx, ledger)


def refund_subscription_of_another_order(ctx: Context, event: Envelope) -> None:
    """M14 across orders: its product is paid back, so the subscription that was bought elsewhere follows at once."""
    for line in event.data["owed"]:
        ledger = synced(ctx.get(RefundLedger, line["order_id"]))
        if ledger.line(line["line_id"]).used_up:
            continue
        asked = Asked("linked_subscription", (AskedLine(line["line_id"]),))
        made = _owe(ctx, ledger, Wanted(asked, "linked_subscription"))
        pay_with(ctx, ledger, made)
        save_all(ctx, ledger, made)


# claims


def keep_claim_facts(ctx: Context, event: Envelope) -> None:
    """What E5 and E4 need: whose claim it is to decide, and since when after-sales knows of a problem."""
    data = event.data
    if data["order_id"] is None:
        return  # a question about an offer or the site: there is nothing to refund
    ctx.save(
        ClaimFacts(
            id=data["claim_id"],
            tenant=ctx.tenant,
            order_id=data["order_id"],
            reason_code=data["reason_code"],
            handler=data["handler"],
            opened_at=event.time,
            after_sales=data["category"] not in ("prospect", "offer_question"),
        )
    )


def follow_claim_handler(ctx: Context, event: Envelope) -> None:
    """Escalated to the platform, or handed back: the decision moved."""
    data = event.data
    if data["order_id"] is None:
        return
    claim = ctx.need(ClaimFacts, data["claim_id"])
    claim.handler = data["handler"]
    ctx.save(claim)


def refund_when_resolution_chosen(ctx: Context, event: Envelope) -> None:
    """CLM-04, S2-14: the refund that the claim names, for the one who chose it; a refusal lets the claim go CLM-06.

    Raises OrderNotSynced while the order has not arrived, or something of it waits here to be tried again: what is
    refused by what was known before it (`nothing is captured yet`) may be right a moment later.
    """
    data = event.data
    wish = data.get("refund")
    if not wish:
        return
    ledger = synced(ctx.get(RefundLedger, data["order_id"]))
    who = _chooser(event, data)
    try:
        wanted = Wanted(
            asked_of(ledger, wish),
            wish["reason_code"],
            wish.get("instrument", "original"),
            data["claim_id"],
            data["refund_id"],
            asked_at=event.time,
            quote_id=wish.get("quote_id"),
        )
        begin(ctx, ledger, who, wanted, ctx.get(ClaimFacts, data["claim_id"]))
    except Refusal as refusal:
        if order_behind(ctx, ledger.id):
            raise OrderNotSynced() from refusal
        _reject(ctx, who, Wanted(Asked(wish["kind"]), wish["reason_code"], claim_id=data["claim_id"]), data, refusal)


def _chooser(event: Envelope, data: dict[str, Any]) -> Principal:
    """The actor of the event: whoever chose the resolution asks for the refund, and does not approve it."""
    role, id, via = event.actor.split("/", 2)
    party = data["seller_id"] if role in ("seller", "integrator") else None
    return Principal(role, id, event.tenant, party=party, via=via)


def refund_when_return_closed(ctx: Context, event: Envelope) -> None:
    """RET-08, E6: the units that came back fit, less what the customer bears; at 0 there is no refund (M15)."""
    data = event.data
    units = {one["line_id"]: one["qty"] for one in data["refundable"]}
    ctx.save(
        ReturnFacts(
            id=data["return_id"], tenant=ctx.tenant, order_id=data["order_id"], claim_id=data["claim_id"], units=units
        )
    )
    if not units or data["refund_id"] is None:
        return
    ledger = synced(ctx.get(RefundLedger, data["order_id"]))
    kept = (("return_shipping", data["deduction"]),) if data["deduction"] else ()
    lines = tuple(AskedLine(line_id, qty) for line_id, qty in units.items())
    wanted = Wanted(
        Asked("return", lines, data["shipping"], deductions=kept),
        "returned",
        claim_id=data["claim_id"],
        refund_id=data["refund_id"],
        return_id=data["return_id"],
    )
    _owe(ctx, ledger, wanted, data["refund_id"])


def refund_when_agreed(ctx: Context, event: Envelope) -> None:
    """S3-17 to S3-19: what the seller agreed to in a message is a refund; who pays it out, the profile says."""
    data = event.data
    ledger = synced(ctx.get(RefundLedger, data["order_id"]))
    who = _chooser(event, data)
    lines = tuple(AskedLine(line_id) for line_id in data["line_ids"]) if data["scope"] == "lines" else ()
    amount = (data.get("amount") or {}).get("amount")
    whole = amount is None and not lines
    asked = Asked("claim_resolution", () if amount else lines, whole, amount=amount)
    wanted = Wanted(asked, data["reason_code"], claim_id=data.get("claim_id"), refund_id=ctx.new_id("rfd"))
    try:
        begin(ctx, ledger, who, wanted, None)
    except Refusal as refusal:
        if order_behind(ctx, ledger.id):
            raise OrderNotSynced() from refusal
        _reject(ctx, who, wanted, {"order_id": ledger.id, "refund_id": wanted.refund_id}, refusal)


# what both owe


def _owe(ctx: Context, ledger: RefundLedger, wanted: Wanted, refund_id: str | None = None) -> list[Refund]:
    """A refund that the order's own course owes. Nothing left to give back is no refusal, but the end of the matter."""
    try:
        return begin(ctx, ledger, system(ctx.tenant), wanted, None)
    except ZeroRefund:
        return []
    except Refusal as refusal:
        data = {"order_id": ledger.id, "refund_id": refund_id or ctx.new_id("rfd")}
        _reject(ctx, system(ctx.tenant), wanted, data, refusal)
        return []


def _reject(ctx: Context, who: Principal, wanted: Wanted, data: dict[str, Any], refusal: Refusal) -> None:
    """Say that the refund was refused, and by which rule. The ledger is read anew: nothing was reserved."""
    refund = Refund.refused(
        ctx.need(RefundLedger, data["order_id"]),
        refusal.code,
        ctx.now,
        id=data["refund_id"],
        claim_id=wanted.claim_id,
        parent_id=None,
        retry_of=None,
        return_id=wanted.return_id,
        kind=wanted.asked.kind,
        instrument=wanted.instrument,
        amount=0,
        reason_code=wanted.reason_code,
        requested_by=who.actor,
    )
    refund.verdicts = [refused(refusal).data()]
    ctx.save(refund)
