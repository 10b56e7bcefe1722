"""Disputes: the payer's bank (Stripe) or PayPal takes a payment back until somebody decides; opened and closed by hand.

Sources: docs.stripe.com/api/disputes, developer.paypal.com/docs/api/customer-disputes/v1.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from services.simulator import stripe_shapes
from services.simulator.currencies import paypal_text
from services.simulator.http import Response, json_response
from services.simulator.ledger import Refused
from services.simulator.paypal_shapes import not_found, time_text
from services.simulator.records import Payment, Records
from services.simulator.webhooks import Webhooks

_PAYPAL_OUTCOMES = {"won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"}


class UnknownDispute(Refused):
    """No such dispute."""


class DisputeClosed(Refused):
    """The dispute is closed already."""


class MoreThanPaid(Refused):
    """A dispute is about no more than was captured."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """One dispute of one payment; status: open, won (by the seller) or lost."""

    provider: str
    id: str
    payment: str
    charge: str
    currency: str  # lower case
    amount: int
    reason: str
    status: str
    created: int
    updated: int


class Disputes:
    """Opens and closes disputes, tells them by webhook, and answers both SDKs that ask about one."""

    def __init__(self, records: Records, webhooks: Webhooks):
        self._records = records
        self._db = records.db
        self._webhooks = webhooks
        self.stripe_routes = [("GET", "/v1/disputes/{id}", ("read", self.read_stripe))]
        self.paypal_routes = [("GET", "/v1/customer/disputes/{id}", ("read", self.read_paypal))]

    def open(self, payment: Payment, amount: int | None, reason: str) -> Dispute:
        """Dispute `amount` of a payment (None: all of it); MoreThanPaid. The caller holds `records.change()`."""
        amount = payment.captured if amount is None else amount
        if amount > payment.captured:
            raise MoreThanPaid
        now = int(time.time())
        tail = secrets.token_hex(12)
        id = f"dp_{tail}" if payment.provider == "stripe" else f"PP-R-{tail[:3].upper()}-{int(tail[3:11], 16)}"
        dispute = Dispute(payment.provider, id, payment.id, payment.charge, payment.currency, amount, reason, "open",
                          now, now)
        self._db.execute("INSERT INTO disputes VALUES (?,?,?,?,?,?,?,?,?,?)",
                         tuple(getattr(dispute, name) for name in Dispute.__slots__))
        self._tell(dispute, "charge.dispute.created", "CUSTOMER.DISPUTE.CREATED")
        return dispute

    def close(self, id: str, won: bool) -> Dispute:
        """Decide it; UnknownDispute, DisputeClosed. The caller holds `records.change()`."""
        if self.known(id).status != "open":
            raise DisputeClosed(id)
        self._db.execute("UPDATE disputes SET status = ?, updated = ? WHERE id = ?",
                         ("won" if won else "lost", int(time.time()), id))
        dispute = self.known(id)
        self._tell(dispute, "charge.dispute.closed", "CUSTOMER.DISPUTE.RESOLVED")
        return dispute

    def known(self, id: str) -> Dispute:
        """A dispute; UnknownDispute."""
        row = self._db.execute("SELECT * FROM disputes WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise UnknownDispute(id)
        return Dispute(**dict(row))

    def read_stripe(self, form: dict, effects: Mapping, key: str | None, id: str) -> Response:
        """A dispute at Stripe."""
        try:
            return json_response(stripe_object(self.known(id)))
        except UnknownDispute:
            raise stripe_shapes.missing("dispute", id, "id") from None

    def read_paypal(self, body: dict, effects: Mapping, key: str | None, prefer: str, id: str) -> Response:
        """A dispute at PayPal."""
        try:
            return json_response(paypal_object(self.known(id)))
        except UnknownDispute:
            raise not_found() from None

    def _tell(self, dispute: Dispute, stripe: str, paypal: str) -> None:
        if dispute.provider == "stripe":
            id, type = f"evt_{secrets.token_hex(12)}", stripe
            event = stripe_shapes.event_object(id, type, dispute.updated, stripe_object(dispute), None, None)
        else:
            id, type = f"WH-{secrets.token_hex(9).upper()}", paypal
            event = {"id": id, "event_version": "1.0", "create_time": time_text(dispute.updated),
                     "resource_type": "dispute", "resource_version": "1.0", "event_type": type,
                     "summary": "A dispute was opened." if dispute.status == "open" else "A dispute was resolved.",
                     "resource": paypal_object(dispute), "links": []}
        self._webhooks.announce(dispute.provider, id, type, event)


def stripe_object(dispute: Dispute) -> dict:
    """As Stripe tells it."""
    return {"id": dispute.id, "object": "dispute", "amount": dispute.amount, "balance_transactions": [],
            "charge": dispute.charge, "created": dispute.created, "currency": dispute.currency,
            "evidence_details": {"due_by": dispute.created + 7 * 86_400, "has_evidence": False, "past_due": False,
                                 "submission_count": 0},
            "is_charge_refundable": False, "livemode": False, "metadata": {}, "payment_intent": dispute.payment,
            "reason": dispute.reason, "status": "needs_response" if dispute.status == "open" else dispute.status}


def paypal_object(dispute: Dispute) -> dict:
    """As PayPal tells it."""
    over = dispute.status != "open"
    amount = {"currency_code": dispute.currency.upper(), "value": paypal_text(dispute.amount, dispute.currency)}
    return {"dispute_id": dispute.id, "create_time": time_text(dispute.created),
            "update_time": time_text(dispute.updated),
            "disputed_transactions": [{"buyer_transaction_id": f"B{dispute.payment[:16]}",
                                       "seller_transaction_id": dispute.payment,
                                       "transaction_status": "COMPLETED", "gross_amount": amount}],
            "reason": dispute.reason.upper(), "status": "RESOLVED" if over else "OPEN", "dispute_amount": amount,
            "dispute_life_cycle_stage": "CHARGEBACK", "dispute_channel": "INTERNAL",
            **({"dispute_outcome": {"outcome_code": _PAYPAL_OUTCOMES[dispute.status]}} if over else {}), "links": []}
