"""Stripe's objects and errors on the wire. Source: docs.stripe.com/api (refunds, charges, payment_intents, errors)."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from services.simulator.http import Response, json_response
from services.simulator.records import Payment, Refund

API_VERSION = "2026-10-28.endive"  # the version that stripe 16.1 pins


class StripeError(Exception):
    """An error answer; `kept` says whether Stripe stores it under the idempotency key.

    Stripe stores what the endpoint answered once it ran, not what its parameter checks refused.
    """

    def __init__(self, status: int, type: str, message: str, *, code: str | None = None, param: str | None = None,
                 kept: bool = False, **more: object):
        super().__init__(message)
        error = {"code": code, "message": message, "param": param, "type": type, **more}
        if code:
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        self.status = status
        self.kept = kept
        self.body = {"error": {name: value for name, value in error.items() if value is not None}}

    def response(self) -> Response:
        """The answer that tells it."""
        return json_response(self.body, self.status)


def invalid(message: str, *, status: int = 400, **more) -> StripeError:
    """An `invalid_request_error`."""
    return StripeError(status, "invalid_request_error", message, **more)


def missing(noun: str, id: str, param: str, status: int = 404) -> StripeError:
    """`resource_missing`: 404 when the id is in the path, 400 when it is a parameter."""
    return invalid(f"No such {noun}: '{id}'", status=status, code="resource_missing", param=param)


def form_of(text: str) -> dict:
    """Stripe's form encoding to nested mappings: `metadata[order]=7&expand[0]=charge`; a list keeps its indexes."""
    form: dict = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *rest = name.replace("]", "").split("[")
        inner = form
        for step in rest:
            nested = inner.setdefault(head, {})
            if not isinstance(nested, dict):
                raise invalid("Invalid object", param=head)
            inner, head = nested, step or str(len(nested))
        inner[head] = value
    return form


def refund_object(refund: Refund) -> dict:
    """A refund."""
    return {
        "id": refund.id, "object": "refund", "amount": refund.amount, "balance_transaction": f"txn_{refund.id[3:]}",
        "charge": refund.charge, "created": refund.created, "currency": refund.currency,
        "destination_details": {"card": {"reference_status": "pending", "reference_type":
                                         "acquirer_reference_number", "type": "refund"}, "type": "card"},
        **({"failure_reason": refund.failure, "failure_balance_transaction": f"txn_f{refund.id[3:]}"}
           if refund.failure else {}),
        "metadata": refund.metadata, "payment_intent": refund.payment,
        **({"pending_reason": "processing"} if refund.status == "pending" else {}),
        "reason": refund.reason, "receipt_number": None, "source_transfer_reversal": None, "status": refund.status,
        "transfer_reversal": None,
    }


def charge_object(payment: Payment) -> dict:
    """The charge of a payment."""
    return {
        "id": payment.charge, "object": "charge", "amount": payment.amount, "amount_captured": payment.captured,
        "amount_refunded": payment.refunded, "balance_transaction": f"txn_{payment.charge[3:]}",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": payment.captured > 0, "created": payment.created, "currency": payment.currency, "customer": None,
        "description": None, "disputed": False, "failure_code": None, "failure_message": None, "invoice": None,
        "livemode": False, "metadata": payment.metadata, "paid": payment.captured > 0,
        "payment_intent": payment.id, "payment_method": payment.method,
        "refunded": payment.captured > 0 and payment.left == 0,
        "status": "succeeded" if payment.captured else "pending",
    }


def intent_object(payment: Payment) -> dict:
    """A payment intent."""
    return {
        "id": payment.id, "object": "payment_intent", "amount": payment.amount, "amount_capturable": 0,
        "amount_received": payment.captured, "canceled_at": None, "capture_method": "automatic_async",
        "client_secret": f"{payment.id}_secret_simulated", "confirmation_method": "automatic",
        "created": payment.created, "currency": payment.currency, "customer": None, "description": None,
        "last_payment_error": None, "latest_charge": payment.charge if payment.captured else None, "livemode": False,
        "metadata": payment.metadata, "next_action": None, "payment_method": payment.method,
        "payment_method_types": ["card"], "processing": None, "status": payment.status,
    }


def list_object(url: str, data: list[dict], has_more: bool) -> dict:
    """A page."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def event_object(id: str, type: str, created: int, about: Mapping, key: str | None, previous: Mapping | None) -> dict:
    """An event; `previous` are the values that an update replaced."""
    data = {"object": about, **({"previous_attributes": previous} if previous else {})}
    return {"id": id, "object": "event", "api_version": API_VERSION, "created": created, "data": data,
            "livemode": False, "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": key}, "type": type}
