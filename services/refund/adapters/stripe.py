"""Stripe: refunds, the question what became of one, its own list of them, and what its webhooks say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.refund.model.refusals import WebhookRefused
from services.refund.ports import Outcome, Settled
from shared.kernel.clock import stamp
from shared.providers import stripe as provider

_RETRYABLE = frozenset({"insufficient_funds", "processing_error", "balance_insufficient", "expired_or_canceled_card"})


class Stripe:
    """Refunds of Stripe payment intents. The idempotency key is the refund's id, for ever.

    Stripe forgets a key after 24 hours; it lists all refunds of a payment, so one that is not there was never made.
    """

    honours_keys_for = timedelta(hours=23)
    after_that = Outcome("refused", code="never_arrived", retryable=True)

    def __init__(self, account: provider.StripeAccount) -> None:
        self._account = account

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        """A clear no is a refusal, everything else that goes wrong an unknown outcome (M17)."""
        import stripe

        params = {"payment_intent": payment_ref, "amount": amount, "metadata": metadata}
        try:
            made = self._account.client.v1.refunds.create(params, options={"idempotency_key": key})
        except stripe.StripeError as error:
            return _refusal(error) if provider.is_clear(error) else _unknown(error)
        return outcome_of(made.to_dict())

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        """Every refund of the payment carries our id as metadata, whatever became of the answer."""
        import stripe

        try:
            found = self._account.client.v1.refunds.list({"payment_intent": payment_ref, "limit": 100})
            known = [refund.to_dict() for refund in found.auto_paging_iter()]
        except stripe.StripeError as error:
            return _unknown(error)  # a question that fails says nothing about the refund, whatever its status
        mine = [refund for refund in known if (refund.get("metadata") or {}).get("refund_id") == key]
        return outcome_of(mine[0]) if mine else None

    def settled(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """N10. Raises StripeError."""
        created = {"gte": int(start.timestamp()), "lte": int(end.timestamp())}
        found = self._account.client.v1.refunds.list({"created": created, "limit": 100})
        known = [refund.to_dict() for refund in found.auto_paging_iter()]
        return [_settled(refund) for refund in reversed(known) if refund["status"] == "succeeded"]


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
    """id, type and object of a webhook's event. Raises WebhookRefused."""
    try:
        return provider.verified(headers, body, secret)
    except provider.NotGenuine:
        raise WebhookRefused(provider="stripe") from None
