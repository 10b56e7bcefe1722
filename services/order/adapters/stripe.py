"""Stripe Checkout: a page per attempt, and what became of it."""

from __future__ import annotations

from typing import Any

from services.order.paying.model import WebhookRefused
from services.order.ports import Bill, Standing
from shared.providers import stripe as provider

SESSIONS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
    }
)


class StripeTill:
    """Checkout sessions. The idempotency key is the attempt's, for ever."""

    def __init__(self, account: provider.StripeAccount) -> None:
        self._account = account

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
            made = self._account.client.v1.checkout.sessions.create(params, options={"idempotency_key": key})
        except stripe.StripeError as error:
            return _failed(error)
        return standing_of(made.to_dict())

    def look(self, ref: str, key: str) -> Standing:
        import stripe

        try:
            return standing_of(self._account.client.v1.checkout.sessions.retrieve(ref).to_dict())
        except stripe.StripeError as error:
            return Standing("unknown", ref, code=_code(error))

    def close(self, ref: str, key: str) -> Standing:
        """Only an open session can be expired: when that is refused, it was paid or is over already."""
        import stripe

        try:
            return standing_of(self._account.client.v1.checkout.sessions.expire(ref).to_dict())
        except stripe.InvalidRequestError:
            return self.look(ref, key)
        except stripe.StripeError as error:
            return Standing("unknown", ref, code=_code(error))


def _failed(error: Any) -> Standing:
    """A clear no leaves no page behind; everything else leaves that open."""
    return Standing("refused" if provider.is_clear(error) else "unknown", code=_code(error))


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
    """id, type and object of a webhook's event. Raises WebhookRefused."""
    try:
        return provider.verified(headers, body, secret)
    except provider.NotGenuine:
        raise WebhookRefused(provider="stripe") from None
