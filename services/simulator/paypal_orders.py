"""PayPal orders: created, approved on PayPal's page, captured. Source: developer.paypal.com/docs/api/orders/v2."""

import secrets
import time
from collections.abc import Mapping

from services.simulator import paypal_shapes as shapes
from services.simulator.checkouts import Checkouts, NotOpen, UnknownCheckout
from services.simulator.currencies import paypal_knows, paypal_minor, paypal_text
from services.simulator.http import Response, json_response
from services.simulator.ledger import Ledger
from services.simulator.paypal_shapes import malformed, not_found, unprocessable
from services.simulator.records import Checkout
from services.simulator.webhooks import Webhooks

DECLINED = "declined"  # what the payer's page offers beside a wallet that works


class PayPalOrders:
    """Answers calls about orders. Every method takes the body, the effects, the request id and `Prefer`."""

    def __init__(self, checkouts: Checkouts, ledger: Ledger, webhooks: Webhooks):
        self.checkouts = checkouts
        self._ledger = ledger
        self._webhooks = webhooks
        self.base = "http://127.0.0.1"  # of links; known once the port is
        self.routes = [
            ("POST", "/v2/checkout/orders", ("payment", self.create)),
            ("GET", "/v2/checkout/orders/{id}", ("read", self.read)),
            ("POST", "/v2/checkout/orders/{id}/capture", ("payment", self.capture)),
        ]

    def create(self, body: dict, effects: Mapping, key: str | None, prefer: str) -> Response:
        """An order with intent CAPTURE and one purchase unit."""
        try:
            [unit] = body["purchase_units"]
            currency, text = unit["amount"]["currency_code"], unit["amount"]["value"]
            context = body["payment_source"]["paypal"]["experience_context"]
            back, cancel = context["return_url"], context["cancel_url"]
        except (KeyError, TypeError, ValueError):
            raise malformed("MISSING_REQUIRED_PARAMETER", field="/purchase_units/@reference_id") from None
        if not paypal_knows(currency):
            raise unprocessable("CURRENCY_NOT_SUPPORTED", field="/purchase_units/amount/currency_code", value=currency)
        try:
            amount = paypal_minor(text, currency)
        except ValueError:
            raise unprocessable("DECIMAL_PRECISION", field="/purchase_units/amount/value", value=text) from None
        if amount <= 0:
            raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", field="/purchase_units/amount/value", value=text)
        if "refuse" in effects:
            raise unprocessable(effects["refuse"].upper())
        custom = str(unit.get("custom_id", ""))
        checkout = self.checkouts.open(
            "paypal", currency, amount, title=str(unit.get("description", "")), reference=custom, back=back,
            cancel=cancel, metadata={"custom_id": custom} if custom else {}, locale=str(context.get("locale", "en-GB")))
        return self._shown(checkout, prefer, 201)

    def read(self, body: dict, effects: Mapping, key: str | None, prefer: str, id: str) -> Response:
        """An order, whole."""
        return json_response(self.shape(self._known(id)))

    def capture(self, body: dict, effects: Mapping, key: str | None, prefer: str, id: str) -> Response:
        """Take what the payer approved."""
        checkout = self._known(id)
        if checkout.metadata.get("wallet") == DECLINED or "refuse" in effects:
            raise unprocessable(str(effects.get("refuse", "INSTRUMENT_DECLINED")).upper())
        try:
            taken, _ = self.checkouts.take(checkout, "paypal")
        except NotOpen as error:
            paid = error.args[0] == "paid"
            raise unprocessable("ORDER_ALREADY_CAPTURED" if paid else "ORDER_NOT_APPROVED") from None
        whole = self.shape(taken)
        self._announce("PAYMENT.CAPTURE.COMPLETED", whole["purchase_units"][0]["payments"]["captures"][0], "capture")
        return self._shown(taken, prefer, 201)

    def replayed(self, id: str, prefer: str) -> Response:
        """What a repeated request id gets: the order as it is now, with 200."""
        return self._shown(self._known(id), prefer, 200)

    def approved_by(self, id: str, wallet: str) -> Checkout:
        """The payer agrees on PayPal's page; NotOpen when it is over."""
        checkout = self.checkouts.approve(self.checkouts.find("paypal", id))
        if wallet == DECLINED:
            checkout = self.checkouts.label(checkout, wallet=wallet)
        self._announce("CHECKOUT.ORDER.APPROVED", self.shape(checkout), "checkout-order")
        return checkout

    def shape(self, checkout: Checkout) -> dict:
        """An order as `Prefer: return=representation` shows it."""
        status = {"open": "PAYER_ACTION_REQUIRED", "approved": "APPROVED", "paid": "COMPLETED", "expired": "VOIDED"}
        money = {"currency_code": checkout.currency.upper(), "value": paypal_text(checkout.amount, checkout.currency)}
        unit = {"reference_id": "default", "amount": money, "custom_id": checkout.reference,
                "description": checkout.title, "payee": {"merchant_id": "SIMULATED0001"}}
        if checkout.payment:
            capture = shapes.capture_object(self._ledger.payment("paypal", checkout.payment), self.base)
            unit["payments"] = {"captures": [{**capture, "custom_id": checkout.reference}]}
        return {"id": checkout.id, "intent": "CAPTURE", "status": status[checkout.status], "purchase_units": [unit],
                "payment_source": {"paypal": {}}, "create_time": shapes.time_text(checkout.created),
                "links": self._links(checkout)}

    def _shown(self, checkout: Checkout, prefer: str, status: int) -> Response:
        whole = self.shape(checkout)
        if "return=representation" not in prefer:
            whole = {name: whole[name] for name in ("id", "status", "payment_source", "links")}
        return json_response(whole, status)

    def _links(self, checkout: Checkout) -> list[dict]:
        path = f"{self.base}/v2/checkout/orders/{checkout.id}"
        links = [{"href": path, "rel": "self", "method": "GET"}]
        if checkout.status == "open":
            links.append({"href": f"{self.base}/checkoutnow?token={checkout.id}", "rel": "payer-action",
                          "method": "GET"})
        if checkout.status == "approved":
            links.append({"href": f"{path}/capture", "rel": "capture", "method": "POST"})
        return links

    def _known(self, id: str) -> Checkout:
        try:
            return self.checkouts.find("paypal", id)
        except UnknownCheckout:
            raise not_found() from None

    def _announce(self, type: str, about: Mapping, kind: str) -> None:
        id = f"WH-{secrets.token_hex(9).upper()}"
        event = {"id": id, "event_version": "1.0", "create_time": shapes.time_text(int(time.time())),
                 "resource_type": kind, "resource_version": "2.0", "event_type": type, "summary": type,
                 "resource": about, "links": []}
        self._webhooks.announce("paypal", id, type, event)
