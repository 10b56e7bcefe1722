"""Stripe's routes: payment intents, charges, refunds, events. Source: docs.stripe.com/api."""

import base64
import secrets
import time
from collections.abc import Mapping

from services.simulator import stripe_checks as checks
from services.simulator import stripe_shapes as shapes
from services.simulator.courses import course_of
from services.simulator.http import Request, Response, json_response
from services.simulator.ledger import (
    AlreadyRefunded,
    Ledger,
    NothingCaptured,
    TooMuch,
    UnknownPayment,
    UnknownRefund,
)
from services.simulator.records import Payment, Records, Refund
from services.simulator.stripe_shapes import StripeError, invalid, missing
from services.simulator.webhooks import Webhooks


def secret_key(request: Request) -> str:
    """The key of a call by Bearer or Basic; a 401 StripeError when it is absent or not a test key."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[0]
        except ValueError:
            value = ""
    if not value or scheme.lower() not in ("basic", "bearer"):
        raise invalid("You did not provide an API key. You need to provide your API key in the Authorization header, "
                      "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').", status=401)
    if not value.startswith("sk_test_") or len(value) < 12:
        raise invalid(f"Invalid API Key provided: {value[:8]}****{value[-4:]}", status=401)
    return value


class StripeApi:
    """Answers Stripe calls. Every method takes the parameters, the path values and the effects of the switches."""

    name = "stripe"

    def __init__(self, records: Records, ledger: Ledger, webhooks: Webhooks):
        self._records = records
        self._ledger = ledger
        self._webhooks = webhooks
        # method, path, (kind of call for the switches, action)
        self.routes = [
            ("POST", "/v1/payment_intents", ("payment", self.create_intent)),
            ("GET", "/v1/payment_intents/{id}", ("read", self.read_intent)),
            ("POST", "/v1/payment_intents/{id}/confirm", ("payment", self.confirm_intent)),
            ("GET", "/v1/charges/{id}", ("read", self.read_charge)),
            ("POST", "/v1/refunds", ("refund", self.create_refund)),
            ("GET", "/v1/refunds", ("read", self.list_refunds)),
            ("GET", "/v1/refunds/{id}", ("read", self.read_refund)),
            ("POST", "/v1/refunds/{id}", ("payment", self.update_refund)),
            ("GET", "/v1/events", ("read", self.list_events)),
        ]

    def create_intent(self, form: dict, effects: Mapping, key: str | None) -> Response:
        """A payment; captured at once with `confirm=true`."""
        currency = str(form.get("currency", ""))
        amount = checks.amount_of(form, currency)
        if amount is None:
            raise invalid("Missing required param: amount.", code="parameter_missing", param="amount")
        if not (len(currency) == 3 and currency.isalpha()):
            raise invalid(f"Invalid currency: {currency}", param="currency")
        method = str(form.get("payment_method", "pm_card_visa"))
        payment = self._ledger.open_payment(
            self.name, currency, amount, captured=0, status="requires_confirmation", method=method,
            metadata=checks.metadata_of(form))
        if form.get("confirm") == "true":
            payment = self._captured(payment, effects)
        return json_response(self._intent(payment, form))

    def confirm_intent(self, form: dict, effects: Mapping, key: str | None, id: str) -> Response:
        """Take the money of a payment that waits for it."""
        payment = self._payment("payment_intent", id, "intent")
        if payment.captured:
            raise invalid("You cannot confirm this PaymentIntent because it has already succeeded.",
                          code="payment_intent_unexpected_state", kept=True)
        return json_response(self._intent(self._captured(payment, effects), form))

    def read_intent(self, form: dict, effects: Mapping, key: str | None, id: str) -> Response:
        """A payment intent."""
        return json_response(self._intent(self._payment("payment_intent", id, "intent"), form))

    def read_charge(self, form: dict, effects: Mapping, key: str | None, id: str) -> Response:
        """A charge."""
        payment = self._payment("charge", id, "id")
        if not payment.captured:
            raise missing("charge", id, "id")
        return json_response(shapes.charge_object(payment))

    def create_refund(self, form: dict, effects: Mapping, key: str | None) -> Response:
        """Give money back: `amount` of a `payment_intent` or `charge`, or all that is left of it."""
        checks.known_only(form)
        payment = self._refundable(form)
        amount = checks.amount_of(form, payment.currency)
        reason, metadata = checks.reason_of(form), checks.metadata_of(form)
        if "refuse" in effects:
            raise checks.refusal(effects["refuse"])
        try:
            refund = self._ledger.refund(payment, amount, course_of(payment, effects), key=key, reason=reason,
                                         metadata=metadata)
        except NothingCaptured:
            raise invalid(f"This PaymentIntent ({payment.id}) does not have a successful charge to refund.",
                          kept=True) from None
        except AlreadyRefunded:
            raise checks.already_refunded(payment) from None
        except TooMuch as error:
            raise checks.too_much(*error.args) from None
        self.announce_created(refund)
        return json_response(self._refund(refund, form))

    def read_refund(self, form: dict, effects: Mapping, key: str | None, id: str) -> Response:
        """A refund."""
        return json_response(self._refund(self._known_refund(id), form))

    def update_refund(self, form: dict, effects: Mapping, key: str | None, id: str) -> Response:
        """Change a refund's metadata."""
        refund = self._known_refund(id)
        before = shapes.refund_object(refund)
        refund = self._ledger.relabel(refund, checks.metadata_of(form, refund.metadata))
        self._announce("refund.updated", shapes.refund_object(refund), key, {"metadata": before["metadata"]})
        return json_response(self._refund(refund, form))

    def list_refunds(self, form: dict, effects: Mapping, key: str | None) -> Response:
        """Refunds newest first, of one payment when asked, a page at a time."""
        limit = checks.whole_number(form, "limit", 1, 100) or 10
        where: list[str] = ["provider = 'stripe'"]
        values: list[object] = []
        for param, column in (("payment_intent", "payment"), ("charge", "charge")):
            if param in form:
                where.append(f"{column} = ?")
                values.append(str(form[param]))
        for param, sign in (("starting_after", "<"), ("ending_before", ">")):
            if param in form:
                where.append(f"seq {sign} ?")
                values.append(self._known_refund(form[param], param).seq)
        order = "ASC" if "ending_before" in form else "DESC"
        found = self._records.refunds(f"{' AND '.join(where)} ORDER BY seq {order} LIMIT ?", *values, limit + 1)
        page = found[:limit] if order == "DESC" else found[:limit][::-1]
        return json_response(shapes.list_object("/v1/refunds", [self._refund(r, form) for r in page],
                                                len(found) > limit))

    def list_events(self, form: dict, effects: Mapping, key: str | None) -> Response:
        """Events newest first, of one `type` when asked; the first page alone."""
        limit = checks.whole_number(form, "limit", 1, 100) or 10
        found = [e for e in self._webhooks.events(self.name) if form.get("type", e["type"]) == e["type"]]
        return json_response(shapes.list_object("/v1/events", found[:limit], len(found) > limit))

    def announce_created(self, refund: Refund) -> None:
        """Write the events of a new refund down."""
        charge = shapes.charge_object(self._ledger.payment(self.name, refund.payment))
        self._announce("charge.refunded", charge, refund.key,
                       {"amount_refunded": charge["amount_refunded"] - refund.amount})
        self._announce("refund.created", shapes.refund_object(refund), refund.key)

    def announce_settled(self, refund: Refund, before: str) -> None:
        """Write the events of a refund that moved from status `before` down."""
        shape = shapes.refund_object(refund)
        self._announce("refund.updated", shape, None, {"status": before})
        if refund.status == "failed":
            self._announce("refund.failed", shape, None)

    def _announce(self, type: str, about: Mapping, key: str | None, previous: Mapping | None = None) -> None:
        id = f"evt_{secrets.token_hex(12)}"
        self._webhooks.announce(self.name, id, type,
                                shapes.event_object(id, type, int(time.time()), about, key, previous))

    def _captured(self, payment: Payment, effects: Mapping) -> Payment:
        if payment.method == "pm_card_chargeDeclined" or "refuse" in effects:
            raise checks.refusal(effects.get("refuse", "card_declined"))
        return self._ledger.capture(payment)

    def _refundable(self, form: dict) -> Payment:
        for param in ("payment_intent", "charge"):
            if param in form:
                return self._payment(param, form[param], param, status=400)
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")

    def _payment(self, noun: str, id: str, param: str, status: int = 404) -> Payment:
        if not isinstance(id, str):
            raise invalid(f"Invalid string: {id}", param=param)
        try:
            payment = self._ledger.payment(self.name, id)
        except UnknownPayment:
            raise missing(noun, id, param, status) from None
        if id != (payment.id if noun == "payment_intent" else payment.charge):
            raise missing(noun, id, param, status)
        return payment

    def _known_refund(self, id: str, param: str = "id") -> Refund:
        try:
            return self._ledger.refund_by_id(self.name, str(id))
        except UnknownRefund:
            raise missing("refund", id, param, 404 if param == "id" else 400) from None

    def _intent(self, payment: Payment, form: dict) -> dict:
        shape = shapes.intent_object(payment)
        if shape["latest_charge"] and "latest_charge" in _expansions(form):
            shape["latest_charge"] = shapes.charge_object(payment)
        return shape

    def _refund(self, refund: Refund, form: dict) -> dict:
        shape, asked = shapes.refund_object(refund), {name.removeprefix("data.") for name in _expansions(form)}
        if asked & {"charge", "payment_intent"}:
            payment = self._ledger.payment(self.name, refund.payment)
            whole = {"charge": shapes.charge_object, "payment_intent": shapes.intent_object}
            shape.update({name: make(payment) for name, make in whole.items() if name in asked})
        return shape


def _expansions(form: dict) -> set[str]:
    asked = form.get("expand", {})
    return {str(name) for name in asked.values()} if isinstance(asked, dict) else set()


__all__ = ["StripeApi", "StripeError", "secret_key"]
