"""Stripe Checkout: sessions, and what the payer does on their page. Source: docs.stripe.com/api/checkout/sessions."""

import secrets
import time
from collections.abc import Mapping

from services.simulator import stripe_checks as checks
from services.simulator import stripe_shapes as shapes
from services.simulator.checkouts import Checkouts, NotOpen, UnknownCheckout
from services.simulator.http import Response, json_response
from services.simulator.records import Checkout
from services.simulator.stripe_shapes import invalid, missing
from services.simulator.webhooks import Webhooks

_SHORTEST, _LONGEST = 1_800, 86_400  # seconds that a session may live


class StripeCheckout:
    """Answers calls about sessions. Every method takes the parameters, the effects of the switches and the key."""

    def __init__(self, checkouts: Checkouts, webhooks: Webhooks):
        self.checkouts = checkouts
        self._webhooks = webhooks
        self.base = "http://127.0.0.1"  # of the payer's page; known once the port is
        self.routes = [
            ("POST", "/v1/checkout/sessions", ("payment", self.create)),
            ("GET", "/v1/checkout/sessions/{id}", ("read", self.read)),
            ("POST", "/v1/checkout/sessions/{id}/expire", ("payment", self.expire)),
        ]

    def create(self, form: dict, effects: Mapping, key: str | None) -> Response:
        """A session for one or more line items with their own prices."""
        if form.get("mode") != "payment":
            raise invalid("Invalid mode: must be payment here.", param="mode")
        items = list((form.get("line_items") or {}).values())
        if not items or not form.get("success_url"):
            name = "success_url" if items else "line_items"
            raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
        prices = [item.get("price_data") or {} for item in items]
        currency = str(prices[0].get("currency", ""))
        amount = sum((checks.whole_number(price, "unit_amount", 1, 99_999_999) or 0)
                     * (checks.whole_number(item, "quantity", 1, 999_999) or 1)
                     for item, price in zip(items, prices, strict=True))
        if "refuse" in effects:
            raise checks.refusal(effects["refuse"])
        title = " + ".join(str((price.get("product_data") or {}).get("name", "")) for price in prices)
        checkout = self.checkouts.open(
            "stripe", currency, amount, title=title, reference=str(form.get("client_reference_id", "")),
            back=str(form["success_url"]), cancel=str(form.get("cancel_url", form["success_url"])),
            metadata=checks.metadata_of(form.get("payment_intent_data") or {}), locale=str(form.get("locale", "en")),
            expires=self._expiry(form))
        return json_response(self.shape(checkout))

    def read(self, form: dict, effects: Mapping, key: str | None, id: str) -> Response:
        """A session."""
        return json_response(self.shape(self._known(id)))

    def expire(self, form: dict, effects: Mapping, key: str | None, id: str) -> Response:
        """End a session that is open."""
        checkout = self._known(id)
        try:
            expired = self.checkouts.expire(checkout)
        except NotOpen as error:
            raise invalid("Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session "
                          f"has a status of {error.args[0]}.", kept=True) from None
        self._announce("checkout.session.expired", self.shape(expired), key)
        return json_response(self.shape(expired))

    def paid_by(self, id: str, method: str) -> Checkout:
        """The payer pays on the session's page; StripeError when his card is declined, NotOpen when it is over."""
        checkout = self.checkouts.find("stripe", id)
        if method == "pm_card_chargeDeclined":
            raise checks.refusal("card_declined")
        paid, payment = self.checkouts.take(checkout, method)
        self._announce("payment_intent.succeeded", shapes.intent_object(payment), None)
        self._announce("checkout.session.completed", self.shape(paid), None)
        return paid

    def shape(self, checkout: Checkout) -> dict:
        """A Checkout Session as Stripe shows it."""
        status = {"paid": "complete"}.get(checkout.status, checkout.status)
        return {
            "id": checkout.id, "object": "checkout.session", "amount_subtotal": checkout.amount,
            "amount_total": checkout.amount, "cancel_url": checkout.cancel,
            "client_reference_id": checkout.reference or None, "created": checkout.created,
            "currency": checkout.currency, "customer": None, "expires_at": checkout.expires, "livemode": False,
            "locale": checkout.locale, "metadata": {}, "mode": "payment", "payment_intent": checkout.payment,
            "payment_method_types": ["card"], "payment_status": "paid" if checkout.status == "paid" else "unpaid",
            "status": status, "success_url": checkout.back, "ui_mode": "hosted",
            "url": f"{self.base}/c/pay/{checkout.id}" if status == "open" else None,
        }

    def _known(self, id: str) -> Checkout:
        try:
            return self.checkouts.find("stripe", id)
        except UnknownCheckout:
            raise missing("checkout.session", id, "session") from None

    def _expiry(self, form: dict) -> int | None:
        if "expires_at" not in form:
            return None
        now = int(time.time())
        at = checks.whole_number(form, "expires_at", 0, now + _LONGEST + 60)
        if at is None or at < now + _SHORTEST - 60:
            raise invalid("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
                          param="expires_at")
        return at

    def _announce(self, type: str, about: Mapping, key: str | None) -> None:
        id = f"evt_{secrets.token_hex(12)}"
        event = shapes.event_object(id, type, int(time.time()), about, key, None)
        self._webhooks.announce("stripe", id, type, event)
