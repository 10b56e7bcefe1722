"""Stripe Checkout through its official SDK: a page per attempt, what became of it, and signed webhooks."""

from __future__ import annotations

from typing import Any

from services.order.paying.model import WebhookRefused
from services.order.ports import Bill, Standing

TOLERANCE = 300  # seconds; an older webhook is a replay (T33)
# Answers that say nothing about the payment: a wrong API key, another call with the same key, too many calls.
_OPEN = frozenset({401, 403, 409, 429})
SESSIONS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
    }
)


class NotConfigured(RuntimeError):
    """STRIPE_API_KEY is not set: payments by card wait until it is."""


class StripeTill:
    """Checkout sessions. The idempotency key is the attempt's, for ever."""

    def __init__(self, api_key: str, base: str, timeout: float) -> None:
        self._api_key, self._base, self._timeout = api_key, base, timeout
        self._known: Any = None

    def open(self, bill: Bill, key: str) -> Standing:
        import stripe

        price = {"currency": bill.currency.lower(), "unit_amount": bill.amount, "product_data": {"name": bill.title}}
        params = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": key,
            "payment_intent_data": {"metadata": {"payment": key}},
            "locale": bill.locale,
            "success_url": f"{bill.back}?done=1",
            "cancel_url": bill.back,
        }
        try:
            made = self._client().v1.checkout.sessions.create(params, options={"idempotency_key": key})
        except stripe.StripeError as error:
            return _failed(error)
        return standing_of(made.to_dict())

    def look(self, ref: str, key: str) -> Standing:
        import stripe

        try:
            return standing_of(self._client().v1.checkout.sessions.retrieve(ref).to_dict())
        except stripe.StripeError as error:
            return Standing("unknown", ref, code=_code(error))

    def close(self, ref: str, key: str) -> Standing:
        """Only an open session can be expired: when that is refused, it was paid or is over already."""
        import stripe

        try:
            return standing_of(self._client().v1.checkout.sessions.expire(ref).to_dict())
        except stripe.InvalidRequestError:
            return self.look(ref, key)
        except stripe.StripeError as error:
            return Standing("unknown", ref, code=_code(error))

    def _client(self) -> Any:
        """A client of its own, with a timeout and without the SDK's retries: repeating is decided here, not there."""
        if not self._api_key:
            raise NotConfigured(NotConfigured.__doc__)
        if self._known is None:
            import stripe

            self._known = stripe.StripeClient(
                self._api_key,
                base_addresses={"api": self._base},
                max_network_retries=0,
                http_client=stripe.RequestsClient(timeout=self._timeout),
            )
        return self._known


def _failed(error: Any) -> Standing:
    """A clear no leaves no page behind; everything else leaves that open."""
    import stripe

    status = error.http_status or 0
    clear = 400 <= status < 500 and status not in _OPEN and not isinstance(error, stripe.IdempotencyError)
    return Standing("refused" if clear else "unknown", code=_code(error))


def _code(error: Any) -> str:
    return error.code or (f"http_{error.http_status}" if error.http_status else "connection")


def standing_of(session: dict[str, Any]) -> Standing:
    """A Checkout Session as Stripe describes it."""
    said = {"ref": session["id"], "amount": session["amount_total"], "currency": session["currency"].upper()}
    if session["status"] == "complete" and session["payment_status"] == "paid":
        return Standing("paid", payment_ref=session["payment_intent"], **said)
    if session["status"] == "expired":
        return Standing("closed", code="expired", **said)
    return Standing("open", url=session.get("url"), **said)


def verified(headers: dict[str, str], body: str, secret: str) -> dict[str, Any]:
    """The event inside a webhook, over its raw body. Raises WebhookRefused: wrong signature, too old, not an event."""
    import stripe

    signature = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), None)
    try:
        event = stripe.Webhook.construct_event(body, signature, secret, tolerance=TOLERANCE).to_dict()
        return {"id": event["id"], "type": event["type"], "object": event["data"]["object"]}
    except (ValueError, KeyError, TypeError, stripe.SignatureVerificationError):
        raise WebhookRefused(provider="stripe") from None
