"""Stripe, through its official SDK: refunds, the question what became of one, and signed webhooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.refund.model.refusals import WebhookRefused
from services.refund.ports import Outcome, Settled
from shared.kernel.clock import stamp

TOLERANCE = 300  # seconds; an older webhook is a replay (T33)
# Answers that leave open whether the refund happened, or that say more of us than of it: a wrong API key, another call
# that holds the idempotency key, too many calls.
_OPEN = frozenset({401, 403, 409, 429})
_RETRYABLE = frozenset({"insufficient_funds", "processing_error", "balance_insufficient", "expired_or_canceled_card"})


class NotConfigured(RuntimeError):
    """STRIPE_API_KEY is not set: refunds of Stripe payments wait until it is."""


class Stripe:
    """Refunds of Stripe payment intents. The idempotency key is the refund's id, for ever.

    Stripe forgets a key after 24 hours; it lists all refunds of a payment, so one that is not there was never made.
    """

    honours_keys_for = timedelta(hours=23)
    after_that = Outcome("refused", code="never_arrived", retryable=True)

    def __init__(self, api_key: str, base: str, timeout: float) -> None:
        self._api_key, self._base, self._timeout = api_key, base, timeout
        self._known: Any = None

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        """A clear no is a refusal, everything else that goes wrong an unknown outcome (M17)."""
        import stripe

        params = {"payment_intent": payment_ref, "amount": amount, "metadata": metadata}
        try:
            made = self._client().v1.refunds.create(params, options={"idempotency_key": key})
        except stripe.StripeError as error:
            return _refusal(error) if _is_clear(error) else _unknown(error)
        return outcome_of(made.to_dict())

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        """Every refund of the payment carries our id as metadata, whatever became of the answer."""
        import stripe

        try:
            found = self._client().v1.refunds.list({"payment_intent": payment_ref, "limit": 100})
            known = [refund.to_dict() for refund in found.auto_paging_iter()]
        except stripe.StripeError as error:
            return _unknown(error)  # a question that fails says nothing about the refund, whatever its status
        mine = [refund for refund in known if (refund.get("metadata") or {}).get("refund_id") == key]
        return outcome_of(mine[0]) if mine else None

    def settled(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """N10. Raises StripeError."""
        created = {"gte": int(start.timestamp()), "lte": int(end.timestamp())}
        found = self._client().v1.refunds.list({"created": created, "limit": 100})
        known = [refund.to_dict() for refund in found.auto_paging_iter()]
        return [_settled(refund) for refund in reversed(known) if refund["status"] == "succeeded"]

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


def _is_clear(error: Any) -> bool:
    """Did Stripe refuse for certain? A key that was used before has done its work already."""
    import stripe

    status = error.http_status or 0
    return 400 <= status < 500 and status not in _OPEN and not isinstance(error, stripe.IdempotencyError)


def _refusal(error: Any) -> Outcome:
    code = error.code or "invalid_request"
    return Outcome("refused", code=code, retryable=code in _RETRYABLE)


def _unknown(error: Any) -> Outcome:
    return Outcome("unknown", code=f"http_{error.http_status}" if error.http_status else "connection")


def outcome_of(refund: dict[str, Any]) -> Outcome:
    """A Stripe refund object as an outcome."""
    said = {"provider_ref": refund["id"], "amount": refund["amount"], "currency": refund["currency"].upper()}
    if refund["status"] == "succeeded":
        return Outcome("succeeded", **said)
    if refund["status"] in ("failed", "canceled"):
        code = refund.get("failure_reason") or refund["status"]
        return Outcome("refused", code=code, retryable=code in _RETRYABLE, **said)
    return Outcome("pending", **said)


def _settled(refund: dict[str, Any]) -> dict[str, Any]:
    """A Stripe refund object as a line of a statement."""
    return Settled(
        refund["id"],
        refund["payment_intent"] or "",
        (refund.get("metadata") or {}).get("refund_id"),
        refund["amount"],
        refund["currency"].upper(),
        stamp(datetime.fromtimestamp(refund["created"], UTC)),
    ).data()


def verified(headers: dict[str, str], body: str, secret: str) -> dict[str, Any]:
    """The event inside a webhook, over its raw body. Raises WebhookRefused: wrong signature, too old, not an event."""
    import stripe

    signature = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), None)
    try:
        event = stripe.Webhook.construct_event(body, signature, secret, tolerance=TOLERANCE).to_dict()
        return {"id": event["id"], "type": event["type"], "object": event["data"]["object"]}
    except (ValueError, KeyError, TypeError, stripe.SignatureVerificationError):
        raise WebhookRefused(provider="stripe") from None
