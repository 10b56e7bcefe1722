"""PayPal through its official SDK: a client of ours, what is a clear refusal, signatures, and amounts as text."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from threading import Lock
from typing import Any

from shared.kernel.money import exponent

# PayPal takes these without decimals, whatever ISO 4217 says: developer.paypal.com/reference/currency-codes
_WHOLE = frozenset({"HUF", "JPY", "TWD"})
# Answers that leave open whether something happened, or that say more of us than of it.
_OPEN = frozenset({401, 403, 408, 409, 429})
_SIGNED = ("auth-algo", "cert-url", "transmission-id", "transmission-sig", "transmission-time")


class NotConfigured(RuntimeError):
    """PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET are not set: what goes through PayPal waits until they are."""


class AmountNotPossible(ValueError):
    """PayPal has no such amount."""


class PayPalAccount:
    """An account at PayPal. Its client has a timeout and none of the SDK's retries: services decide on repeating."""

    def __init__(self, client_id: str, secret: str, base: str, timeout: float) -> None:
        self._client_id, self._secret, self._base, self._timeout = client_id, secret, base, timeout
        self._known: Any = None
        self._lock = Lock()

    @property
    def client(self) -> Any:
        """Raises NotConfigured."""
        if not (self._client_id and self._secret):
            raise NotConfigured(NotConfigured.__doc__)
        with self._lock:
            if self._known is None:
                self._known = _client_for(self._client_id, self._secret, self._base, self._timeout)
            return self._known

    def sent(self, webhook_id: str, headers: dict[str, str], body: str) -> bool:
        """Did PayPal send this webhook? Its own answer, over the event as it came. Raises what goes wrong."""
        import requests

        given = {name.lower().removeprefix("paypal-"): value for name, value in headers.items()}
        asked = {name.replace("-", "_"): given.get(name, "") for name in _SIGNED}
        asked |= {"webhook_id": webhook_id, "webhook_event": json.loads(body)}
        token = self.client.oauth_2.fetch_token()
        answer = requests.post(
            f"{self._base}/v1/notifications/verify-webhook-signature",
            json=asked,
            headers={"Authorization": f"Bearer {token.access_token}"},
            timeout=self._timeout,
        )
        answer.raise_for_status()
        return answer.json().get("verification_status") == "SUCCESS"


def _client_for(client_id: str, secret: str, base: str, timeout: float) -> Any:
    from paypalserversdk.configuration import Configuration
    from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
    from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

    class At(Configuration):
        """The SDK knows PayPal's two addresses only; a sandbox behind a proxy and the simulator are elsewhere."""

        def get_base_uri(self, *_: Any) -> str:
            return base

    credentials = ClientCredentialsAuthCredentials(o_auth_client_id=client_id, o_auth_client_secret=secret)
    config = At(timeout=timeout, max_retries=0, client_credentials_auth_credentials=credentials)
    return PaypalServersdkClient(config=config)


def is_clear(error: Any) -> bool:
    """Did PayPal refuse for certain?"""
    status = error.response_code or 0
    return 400 <= status < 500 and status not in _OPEN


def issue_of(error: Any) -> str | None:
    """PayPal's own word for what is wrong, where it says one."""
    try:
        return str(json.loads(error.response.text)["details"][0]["issue"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None


def value_of(amount: int, currency: str) -> str:
    """`1250` of EUR → `12.50`; of a currency that PayPal counts in whole units, `1250` of JPY → `1250`.

    Raises AmountNotPossible: 12.50 HUF, or anything finer than two decimals.
    """
    value = Decimal(amount).scaleb(-exponent(currency))
    digits = 0 if currency in _WHOLE else 2
    if value != round(value, digits):
        raise AmountNotPossible(f"{value} {currency}")
    return f"{value:.{digits}f}"


def minor_of(text: str, currency: str) -> int:
    """What PayPal wrote, as minor units. Raises ValueError."""
    try:
        return int(Decimal(text).scaleb(exponent(currency)))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no amount") from None
