"""Stripe through its official SDK: a client of ours, whether an error is a clear refusal, and signed webhooks."""

from __future__ import annotations

from typing import Any

TOLERANCE = 300  # seconds; an older webhook is a replay (T33)
# Answers that leave open whether something happened, or that say more of us than of it: a wrong API key, another call
# that holds the idempotency key, too many calls.
_OPEN = frozenset({401, 403, 409, 429})


class NotConfigured(RuntimeError):
    """STRIPE_API_KEY is not set: what goes through Stripe waits until it is."""


class NotGenuine(ValueError):
    """This webhook is not Stripe's: its signature, its age or its body is wrong."""


class StripeAccount:
    """An account at Stripe. Its client has a timeout and none of the SDK's retries: services decide on repeating."""

    def __init__(self, api_key: str, base: str, timeout: float) -> None:
        self._api_key, self._base, self._timeout = api_key, base, timeout
        self._known: Any = None

    @property
    def client(self) -> Any:
        """Raises NotConfigured."""
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


def is_clear(error: Any) -> bool:
    """Did Stripe refuse for certain? A key that was used before has done its work already."""
    import stripe

    status = error.http_status or 0
    return 400 <= status < 500 and status not in _OPEN and not isinstance(error, stripe.IdempotencyError)


def verified(headers: dict[str, str], body: str, secret: str) -> dict[str, Any]:
    """id, type and object of the event in a webhook, verified over its raw body. Raises NotGenuine."""
    import stripe

    signature = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), None)
    try:
        event = stripe.Webhook.construct_event(body, signature, secret, tolerance=TOLERANCE).to_dict()
        return {"id": event["id"], "type": event["type"], "object": event["data"]["object"]}
    except (ValueError, KeyError, TypeError, stripe.SignatureVerificationError):
        raise NotGenuine(NotGenuine.__doc__) from None
