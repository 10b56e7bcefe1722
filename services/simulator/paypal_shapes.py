"""PayPal's objects and errors on the wire. Source: developer.paypal.com/docs/api/payments/v2."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from services.simulator.currencies import paypal_text
from services.simulator.http import Response, json_response
from services.simulator.records import Payment, Refund

_STATUSES = {"succeeded": "COMPLETED", "pending": "PENDING", "failed": "FAILED"}
_EVENTS = {"succeeded": "PAYMENT.CAPTURE.REFUNDED", "pending": "PAYMENT.REFUND.PENDING",
           "failed": "PAYMENT.REFUND.FAILED"}
_MESSAGES = {
    "UNPROCESSABLE_ENTITY": "The requested action could not be performed, semantically incorrect, or failed business "
                            "validation.",
    "INVALID_REQUEST": "Request is not well-formed, syntactically incorrect, or violates schema.",
    "RESOURCE_NOT_FOUND": "The specified resource does not exist.",
    "RESOURCE_CONFLICT": "The server has detected a conflict while processing this request.",
    "RATE_LIMIT_REACHED": "Too many requests. Blocked due to rate limiting.",
    "INTERNAL_SERVER_ERROR": "An internal server error has occurred.",
}
DESCRIPTIONS = {
    "REFUND_AMOUNT_EXCEEDED": "The refund amount must be less than or equal to the capture amount that has not yet "
                              "been refunded.",
    "CAPTURE_FULLY_REFUNDED": "The capture has already been fully refunded.",
    "REFUND_CAPTURE_CURRENCY_MISMATCH": "Refund must be in the same currency as the capture.",
    "CURRENCY_NOT_SUPPORTED": "The currency code is not currently supported.",
    "REFUND_FAILED_INSUFFICIENT_FUNDS": "Capture could not be refunded due to insufficient funds.",
    "INVALID_RESOURCE_ID": "Specified resource ID does not exist. Please check the resource ID and try again.",
    "PREVIOUS_REQUEST_IN_PROGRESS": "A previous request on this resource is currently in progress. Please wait for "
                                    "some time and try again.",
    "MISSING_REQUIRED_PARAMETER": "A required field / parameter is missing.",
    "INVALID_PARAMETER_VALUE": "The value of a field is invalid.",
    "INVALID_PARAMETER_SYNTAX": "The value of a field does not conform to the expected format.",
    "MALFORMED_REQUEST_JSON": "The request JSON is not well formed.",
    "PENDING_CAPTURE": "Cannot initiate a refund for this capture as the capture is pending.",
    "CANNOT_BE_ZERO_OR_NEGATIVE": "Must be greater than zero.",
    "TRANSACTION_DISPUTED": "Partial refunds cannot be offered at this time because there is an open case on this "
                            "transaction.",
}


class PayPalError(Exception):
    """An error answer: a name, one issue and where it is."""

    def __init__(self, status: int, name: str, issue: str, *, field: str | None = None, value: str | None = None,
                 description: str | None = None):
        super().__init__(issue)
        detail = {"issue": issue, "field": field, "value": value, "location": "body" if field else None,
                  "description": description or DESCRIPTIONS.get(issue, "The refund was refused.")}
        self.status = status
        self.debug_id = secrets.token_hex(6)
        self.body = {"name": name, "message": _MESSAGES[name], "debug_id": self.debug_id,
                     "details": [{k: v for k, v in detail.items() if v is not None}],
                     "links": [{"href": f"https://developer.paypal.com/docs/api/payments/v2/#error-{issue}",
                                "rel": "information_link"}]}

    def response(self) -> Response:
        """The answer that tells it."""
        return json_response(self.body, self.status, PayPal_Debug_Id=self.debug_id)


def unprocessable(issue: str, **more) -> PayPalError:
    """A 422: understood and refused."""
    return PayPalError(422, "UNPROCESSABLE_ENTITY", issue, **more)


def malformed(issue: str, **more) -> PayPalError:
    """A 400: not understood."""
    return PayPalError(400, "INVALID_REQUEST", issue, **more)


def not_found() -> PayPalError:
    """A 404."""
    return PayPalError(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


time_text = _time


def _money(amount: int, currency: str) -> dict:
    return {"currency_code": currency.upper(), "value": paypal_text(amount, currency)}


def _link(base: str, path: str, rel: str, method: str = "GET") -> dict:
    return {"href": f"{base}{path}", "rel": rel, "method": method}


def minimal_refund(refund: Refund, base: str) -> dict:
    """A refund as `Prefer: return=minimal` (the default) shows it."""
    return {"id": refund.id, "status": _STATUSES[refund.status],
            "links": [_link(base, f"/v2/payments/refunds/{refund.id}", "self"),
                      _link(base, f"/v2/payments/captures/{refund.payment}", "up")]}


def refund_object(refund: Refund, payment: Payment, base: str) -> dict:
    """A whole refund; invoice, custom id and note are kept in the refund's metadata."""
    money, zero = _money(refund.amount, refund.currency), _money(0, refund.currency)
    details = {"pending": {"status_details": {"reason": "ECHECK"}}}.get(refund.status, {})
    return {**minimal_refund(refund, base), **details, "amount": money, **refund.metadata,
            "seller_payable_breakdown": {"gross_amount": money, "paypal_fee": zero, "net_amount": money,
                                         "total_refunded_amount": _money(payment.refunded, payment.currency)},
            "create_time": _time(refund.created), "update_time": _time(refund.updated)}


def capture_object(payment: Payment, base: str) -> dict:
    """A capture."""
    status = "COMPLETED" if payment.refunded == 0 else "PARTIALLY_REFUNDED" if payment.left else "REFUNDED"
    path, money = f"/v2/payments/captures/{payment.id}", _money(payment.captured, payment.currency)
    known = {k: payment.metadata[k] for k in ("invoice_id", "custom_id") if k in payment.metadata}
    return {"id": payment.id, "status": status if payment.captured else "PENDING", "amount": money,
            "final_capture": True, **known,
            "seller_receivable_breakdown": {"gross_amount": money, "paypal_fee": _money(0, payment.currency),
                                            "net_amount": money},
            "create_time": _time(payment.created), "update_time": _time(payment.created),
            "links": [_link(base, path, "self"), _link(base, f"{path}/refund", "refund", "POST")]}


def event_object(id: str, refund: Refund, about: Mapping) -> dict:
    """A webhook event about a refund."""
    return {"id": id, "event_version": "1.0", "create_time": _time(refund.updated), "resource_type": "refund",
            "resource_version": "2.0", "event_type": _EVENTS[refund.status],
            "summary": f"A refund of {about['amount']['value']} {about['amount']['currency_code']} is "
                       f"{refund.status}.", "resource": about, "links": []}
