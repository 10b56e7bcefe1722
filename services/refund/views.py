"""What each audience gets to see of refunds, credit notes and envelopes: built field by field (T08)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.refund.model import Coupon, CreditNote, Line, Part, Refund, RefundLedger, SettlementLine
from services.refund.model.credit_note import shipment_data, tax_table
from services.refund.model.refund import line_data
from services.refund.model.states import IN_FLIGHT
from services.refund.policies import REASONS, is_inside, may
from shared.kernel.clock import stamp
from shared.kernel.money import Money
from shared.kernel.principal import Principal

RELEASED = ("failed", "rejected", "cancelled", "reversed")  # their money is refundable again


def refund_view(refund: Refund, who: Principal, allowed_actions: list[str]) -> dict[str, Any]:
    """The refund as `who` may see it; who decided, why, and what the provider said stays inside."""
    view = {
        "id": refund.id,
        "version": refund.version,
        "order_id": refund.order_id,
        "claim_id": refund.claim_id,
        "parent_id": refund.parent_id,
        "retry_of": refund.retry_of,
        "return_id": refund.return_id,
        "seller_id": refund.seller_id,
        "customer_ref": refund.customer_ref,
        "kind": refund.kind,
        "instrument": refund.instrument,
        "state": refund.state,
        "amount": Money(refund.amount, refund.currency).data(),
        "tax_total": refund.tax_total,
        "lines": [line_data(piece) for piece in refund.slices if piece.kind == "line"],
        "shipping": [shipment_data(piece) for piece in refund.slices if piece.kind == "shipment"],
        "taxes": tax_table(refund.slices),
        "deductions": refund.deductions,
        "reason": {"code": refund.reason_code, "label": REASONS.get(refund.reason_code)},
        "requested_at": stamp(refund.requested_at),
        "updated_at": stamp(refund.updated_at),
        "succeeded_at": _stamp(refund.succeeded_at),
        "credit_note_id": refund.credit_note_id,
        "allowed_actions": allowed_actions,
    }
    return view | _inside(refund) if is_inside(who) else view


def _inside(refund: Refund) -> dict[str, Any]:
    return {
        "payment_id": refund.payment_id,
        "children": refund.children,
        "provider": refund.provider,
        "provider_ref": refund.provider_ref,
        "funding": refund.funding,
        "requested_by": refund.requested_by,
        "decided_by": refund.decided_by,
        "decided_at": _stamp(refund.decided_at),
        "decision_code": refund.decision_code,
        "failure": refund.failure,
        "given_up": refund.is_given_up,
        "verdicts": refund.verdicts,
    }


def _stamp(at: datetime | None) -> str | None:
    return stamp(at) if at else None


def coupon_view(coupon: Coupon, who: Principal) -> dict[str, Any]:
    """The code is for its owner, who spends it, and for the seller, who takes it; staff do not need it."""
    shown = who.role == "customer" or who.acts_for_seller(coupon.seller_id)
    alive = coupon.state in ("issued", "partly_used")
    return {
        "id": coupon.id,
        "version": coupon.version,
        "form": coupon.form,
        "state": coupon.state,
        "code": coupon.code if shown else None,
        "order_id": coupon.order_id,
        "refund_id": coupon.refund_id,
        "seller_id": coupon.seller_id,
        "customer_ref": coupon.customer_ref,
        "value": Money(coupon.value, coupon.currency).data(),
        "remaining": Money(coupon.remaining, coupon.currency).data(),
        "uses": coupon.uses,
        "issued_at": stamp(coupon.issued_at),
        "expires_at": _stamp(coupon.expires_at),
        "allowed_actions": [one for one in ("redeem", "revoke") if alive and may(who, one, coupon.seller_id)],
    }


def settlement_line_view(line: SettlementLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "version": line.version,
        "provider": line.provider,
        "kind": line.kind,
        "provider_ref": line.provider_ref,
        "refund_id": line.refund_id,
        "order_id": line.order_id,
        "currency": line.currency,
        "expected": line.expected,
        "found": line.found,
        "late_days": line.late_days,
        "seen_at": stamp(line.seen_at),
        "allowed_actions": [],
    }


def credit_note_view(note: CreditNote) -> dict[str, Any]:
    """The credit note as data; documents are rendered from it."""
    return {"id": note.id, "version": note.version, **note.facts(), "allowed_actions": []}


def envelope_view(ledger: RefundLedger, refunds: list[Refund], coupons: list[Coupon], who: Principal) -> dict[str, Any]:
    """N1: what the order, each payment, line, shipment and tax can still give back, and why not when it cannot."""
    view = {
        "order_id": ledger.id,
        "version": ledger.version,
        "currency": ledger.currency,
        "captured": ledger.captured,
        "succeeded": ledger.succeeded,
        "reserved": ledger.reserved,
        "reserved_by": [one.id for one in refunds if one.state in IN_FLIGHT],
        "released": sum(one.amount for one in refunds if one.state in RELEASED),
        "chargeback": {
            "amount": ledger.chargeback,
            "open": ledger.open_chargeback,
            "state": _dispute(ledger.chargeback, ledger.open_chargeback),
        },
        "available": ledger.available,
        "nothing_left_because": _why_nothing(ledger),
        "lines": [_line(ledger, line) for line in ledger.lines],
        "shipments": [{"shipment_id": one.id, **_part(one)} for one in ledger.shipments],
        "taxes": _taxes(ledger),
        "allowed_actions": ["request"] if ledger.available and may(who, "request", ledger.seller_id) else [],
    }
    if is_inside(who):
        view["payments"] = [_payment(one, refunds) for one in ledger.payments]
        view["coupons_outstanding"] = sum(one.remaining for one in coupons if one.state in ("issued", "partly_used"))
    return view


def _why_nothing(ledger: RefundLedger) -> str | None:
    if ledger.available:
        return None
    if not ledger.captured:
        return "not_paid"
    if ledger.reserved:
        return "reserved"
    return "chargeback" if ledger.chargeback else "refunded"


def _dispute(amount: int, is_open: bool) -> str:
    """What became of the disputes: a won one leaves nothing behind."""
    if is_open:
        return "open"
    return "lost" if amount else "none"


def _line(ledger: RefundLedger, line: Any) -> dict[str, Any]:
    return {
        "line_id": line.id,
        **_part(line),
        "qty": line.ordered,
        "refundable_before_shipment": line.before_left,
        "refundable_after_shipment": line.after_left,
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "gross": part.gross,
        "succeeded": part.given.succeeded + part.goodwill.succeeded,
        "reserved": part.given.reserved + part.goodwill.reserved,
        "available": part.remaining,
        "withheld": part.withheld,
        "nothing_left_because": None if part.remaining else _why_part(part),
        "taxes": [_tax(tax) for tax in part.taxes],
    }


def _why_part(part: Part) -> str:
    if not part.gross:
        return "free"
    if isinstance(part, Line) and part.unpaid:
        return "not_paid"
    return "reserved" if part.given.reserved + part.goodwill.reserved else "refunded"


def _tax(tax: Any) -> dict[str, Any]:
    return {
        "code": tax.code,
        "rate": tax.rate,
        "amount": tax.amount,
        "succeeded": tax.given.succeeded,
        "reserved": tax.given.reserved,
        "available": tax.left,
    }


def _taxes(ledger: RefundLedger) -> list[dict[str, Any]]:
    """Per tax code of the whole order."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for part in ledger.parts:
        for tax in part.taxes:
            shown = _tax(tax)
            known = sums.setdefault((tax.code, tax.rate), {**shown, **dict.fromkeys(_TAX_AMOUNTS, 0)})
            for name in _TAX_AMOUNTS:
                known[name] += shown[name]
    return list(sums.values())


_TAX_AMOUNTS = ("amount", "succeeded", "reserved", "available")


def _payment(payment: Any, refunds: list[Refund]) -> dict[str, Any]:
    mine = [one for one in refunds if one.payment_id == payment.id]
    return {
        "payment_id": payment.id,
        "provider": payment.provider,
        "instrument": payment.instrument,
        "captured": payment.captured,
        "succeeded": payment.given.succeeded,
        "reserved": payment.given.reserved,
        "reserved_by": [one.id for one in mine if one.state in IN_FLIGHT],
        "released": sum(one.amount for one in mine if one.state in RELEASED),
        "chargeback": {
            "amount": payment.chargeback,
            "open": payment.chargeback_open > 0,
            "state": _dispute(payment.chargeback, payment.chargeback_open),
        },
        "excess": payment.excess,
        "available": payment.available,
    }
