"""Stripe, through its official SDK: refunds, the question what became of one, and signed webhooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.refund.model.refusals import WebhookRefused
from services.refund.ports import Outcome

TOLERANCE = 300  # seconds; an older webhook is a replay (T33)
# Answers that leave open whether the refund happened: another call holds the key, too many calls, their failure.
_OPEN = frozenset({409, 429})
_RETRYABLE = frozenset({"insufficient_funds", "processing_error", "balance_insufficient", "expired_or_canceled_card"})


class NotConfigured(RuntimeError):
    """STRIPE_API_KEY is not set: refunds of Stripe payments wait until it is."""


class Stripe:
    """Refunds of Stripe payment intents. The idempotency key is the refund's id, for ever."""

    def __init__(self, api_key: str, base: str, timeout: float) -> None:
        self._api_key, self._base, self._timeout = api_key, base, timeout
        self._known: Any = None

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        params = {"payment_intent": payment_ref, "amount": amount, "metadata": metadata}
        return self._asked(
            lambda client: outcome_of(client.v1.refunds.create(params, options={"idempotency_key": key}).to_dict())
        )

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        return self._asked(lambda client: self._search(client, payment_ref, key))

    def _search(self, client: Any, payment_ref: str, key: str) -> Outcome | None:
        """Every refund of the payment carries our id as metadata, whatever became of the answer."""
        found = client.v1.refunds.list({"payment_intent": payment_ref, "limit": 100})
        for refund in found.auto_paging_iter():
            if (refund.metadata or {}).get("refund_id") == key:
                return outcome_of(refund.to_dict())
        return None

    def _asked(self, ask: Callable[[Any], Any]) -> Any:
        """Translate what the SDK raises: a clear no is a refusal, everything else is an unknown outcome (M17)."""
        import stripe

        try:
            return ask(self._client())
        except stripe.APIConnectionError:
            return Outcome("unknown", code="connection")
        except stripe.StripeError as error:
            status = error.http_status or 0
            if 400 <= status < 500 and status not in _OPEN:
                code = error.code or ("amount" if "greater than" in str(error.user_message) else "invalid_request")
                return Outcome("refused", code=code, retryable=code in _RETRYABLE)
            return Outcome("unknown", code=f"http_{status}")

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


def outcome_of(refund: dict[str, Any]) -> Outcome:
    """A Stripe refund object as an outcome."""
    said = {"provider_ref": refund["id"], "amount": refund["amount"], "currency": refund["currency"].upper()}
    if refund["status"] == "succeeded":
        return Outcome("succeeded", **said)
    if refund["status"] in ("failed", "canceled"):
        code = refund.get("failure_reason") or refund["status"]
        return Outcome("refused", code=code, retryable=code in _RETRYABLE, **said)
    return Outcome("pending", **said)


def verified(headers: dict[str, str], body: str, secret: str) -> dict[str, Any]:
    """The event inside a webhook, over its raw body. Raises WebhookRefused: wrong signature, too old, not an event."""
    import stripe

    signature = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), None)
    try:
        event = stripe.Webhook.construct_event(body, signature, secret, tolerance=TOLERANCE).to_dict()
        return {"id": event["id"], "type": event["type"], "object": event["data"]["object"]}
    except (ValueError, KeyError, TypeError, stripe.SignatureVerificationError):
        raise WebhookRefused(provider="stripe") from None
