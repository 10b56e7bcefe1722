"""PayPal's routes: token, captures, refunds, webhook verification. Source: developer.paypal.com/docs/api."""

import hmac
import re
import secrets
from collections.abc import Mapping

from services.simulator import paypal_shapes as shapes
from services.simulator.courses import course_of
from services.simulator.currencies import TooPrecise, paypal_knows, paypal_minor
from services.simulator.http import Response, json_response
from services.simulator.ledger import (
    AlreadyRefunded,
    Ledger,
    NothingCaptured,
    TooMuch,
    UnknownPayment,
    UnknownRefund,
)
from services.simulator.paypal_shapes import malformed, not_found, unprocessable
from services.simulator.records import Payment, Records, Refund
from services.simulator.webhooks import Webhooks, paypal_signature

_LABELS = ("invoice_id", "custom_id", "note_to_payer")
_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,10})?")


class PayPalApi:
    """Answers PayPal calls. Every method takes the body, the path values and the effects of the switches."""

    name = "paypal"

    def __init__(self, records: Records, ledger: Ledger, webhooks: Webhooks):
        self._records = records
        self._ledger = ledger
        self._webhooks = webhooks
        self.base = "http://127.0.0.1"  # of links in answers; known once the port is
        self.routes = [
            ("POST", "/v2/payments/captures/{id}/refund", ("refund", self.create_refund)),
            ("GET", "/v2/payments/captures/{id}", ("read", self.read_capture)),
            ("GET", "/v2/payments/refunds/{id}", ("read", self.read_refund)),
            ("POST", "/v1/notifications/verify-webhook-signature", ("read", self.verify)),
        ]

    def create_refund(self, body: dict, effects: Mapping, key: str | None, prefer: str, id: str) -> Response:
        """Give back `amount` of a capture, or all that is left of it."""
        payment = self._capture(id)
        amount = _asked(body, payment)
        if "refuse" in effects:
            raise _refusal(effects["refuse"])
        labels = {name: body[name] for name in _LABELS if isinstance(body.get(name), str)}
        try:
            refund = self._ledger.refund(payment, amount, course_of(payment, effects), key=key, metadata=labels)
        except NothingCaptured:
            raise unprocessable("PENDING_CAPTURE") from None
        except AlreadyRefunded:
            raise unprocessable("CAPTURE_FULLY_REFUNDED") from None
        except TooMuch:
            raise unprocessable("REFUND_AMOUNT_EXCEEDED", field="/amount/value",
                                value=body["amount"]["value"]) from None
        self.announce_created(refund)
        return self.shown(refund, prefer, 201)

    def read_refund(self, body: dict, effects: Mapping, key: str | None, prefer: str, id: str) -> Response:
        """A refund."""
        try:
            refund = self._ledger.refund_by_id(self.name, id)
        except UnknownRefund:
            raise not_found() from None
        return self.shown(refund, "return=representation", 200)

    def read_capture(self, body: dict, effects: Mapping, key: str | None, prefer: str, id: str) -> Response:
        """A capture."""
        return json_response(shapes.capture_object(self._capture(id), self.base))

    def replayed(self, refund_id: str, prefer: str) -> Response:
        """What a repeated request id gets: not the first answer but the latest status, with 200."""
        return self.shown(self._ledger.refund_by_id(self.name, refund_id), prefer, 200)

    def shown(self, refund: Refund, prefer: str, status: int) -> Response:
        """A refund, whole or minimal."""
        if "return=representation" in prefer:
            return json_response(self._whole(refund), status)
        return json_response(shapes.minimal_refund(refund, self.base), status)

    def verify(self, body: dict, effects: Mapping, key: str | None, prefer: str) -> Response:
        """Tell whether a webhook's signature is genuine."""
        target = next((t for t in self._webhooks.targets(self.name) if t["id"] == body.get("webhook_id")), None)
        genuine = target is not None and isinstance(body.get("webhook_event"), dict) and hmac.compare_digest(
            paypal_signature(target["secret"], str(body.get("transmission_id")), str(body.get("transmission_time")),
                             target["id"], body["webhook_event"]), str(body.get("transmission_sig")))
        return json_response({"verification_status": "SUCCESS" if genuine else "FAILURE"})

    def announce_created(self, refund: Refund) -> None:
        """Write the event of a new refund down."""
        id = f"WH-{secrets.token_hex(9).upper()}"
        event = shapes.event_object(id, refund, self._whole(refund))
        self._webhooks.announce(self.name, id, event["event_type"], event)

    def announce_settled(self, refund: Refund, before: str) -> None:
        """Write the event of a refund that moved down; PayPal's event does not tell from where."""
        self.announce_created(refund)

    def _whole(self, refund: Refund) -> dict:
        return shapes.refund_object(refund, self._ledger.payment(self.name, refund.payment), self.base)

    def _capture(self, id: str) -> Payment:
        try:
            return self._ledger.payment(self.name, id)
        except UnknownPayment:
            raise not_found() from None


def _asked(body: Mapping, payment: Payment) -> int | None:
    """The amount in minor units, None for all; refuses wrong currencies and decimals."""
    money = body.get("amount")
    if money is None:
        return None
    for name in ("currency_code", "value"):
        if not isinstance(money, dict) or name not in money:
            raise malformed("MISSING_REQUIRED_PARAMETER", field=f"/amount/{name}")
    currency, text = str(money["currency_code"]), money["value"]
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise malformed("INVALID_PARAMETER_SYNTAX", field="/amount/value", value=str(text))
    if not paypal_knows(currency):
        raise unprocessable("CURRENCY_NOT_SUPPORTED", field="/amount/currency_code", value=currency)
    if currency.lower() != payment.currency:
        raise unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH", field="/amount/currency_code", value=currency)
    return _minor(text, currency)


def _minor(text: str, currency: str) -> int:
    try:
        amount = paypal_minor(text, currency)
    except TooPrecise as error:
        sentence = ("The value of the field should not be more than two decimal places." if error.args[0]
                    else "The currency does not support decimals.")
        raise unprocessable("DECIMAL_PRECISION", field="/amount/value", value=text, description=sentence) from None
    if amount <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", field="/amount/value", value=text)
    return amount


def _refusal(code: str) -> shapes.PayPalError:
    if code in ("rate_limit", "RATE_LIMIT_REACHED"):
        return shapes.PayPalError(429, "RATE_LIMIT_REACHED", "RATE_LIMIT_REACHED")
    return unprocessable(code.upper())
