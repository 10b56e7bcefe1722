"""PayPal Orders through its official SDK: an order per attempt, approved by the payer on PayPal's page, captured here.

PayPal takes money only when we capture it: an attempt that was given up is never captured, so it cannot be paid.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from services.order.ports import Bill, Standing
from shared.kernel.money import exponent

_OPEN_STATUSES = frozenset({"CREATED", "SAVED", "PAYER_ACTION_REQUIRED"})
_UNCLEAR = frozenset({401, 403, 408, 409, 429})  # these say nothing about the payment
_WHOLE = frozenset({"HUF", "JPY", "TWD"})  # PayPal takes no decimals of them
_LOCALES = {"fr": "fr-FR", "en": "en-GB"}


class NotConfigured(RuntimeError):
    """PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET are not set: payments by PayPal wait until they are."""


class AmountNotPossible(ValueError):
    """PayPal has no such amount."""


class PayPalTill:
    """Orders with intent CAPTURE. PayPal-Request-Id is the attempt's key, for ever."""

    def __init__(self, client_id: str, client_secret: str, base: str, timeout: float) -> None:
        self._credentials, self._base, self._timeout = (client_id, client_secret), base, timeout
        self._known: Any = None

    def open(self, bill: Bill, key: str) -> Standing:
        try:
            amount = {"currency_code": bill.currency, "value": value_of(bill.amount, bill.currency)}
        except AmountNotPossible:
            return Standing("refused", code="amount_not_possible")
        context = {
            "return_url": f"{bill.back}?done=1",
            "cancel_url": bill.back,
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
            "locale": _LOCALES.get(bill.locale, "en-GB"),
        }
        body = {
            "intent": "CAPTURE",
            "purchase_units": [{"reference_id": "default", "custom_id": key, "amount": amount,
                                "description": bill.title[:127]}],
            "payment_source": {"paypal": {"experience_context": context}},
        }  # fmt: skip
        options = {"body": body, "paypal_request_id": key, "prefer": "return=representation"}
        return self._asked(lambda orders: orders.create_order(options), None)

    def look(self, ref: str, key: str) -> Standing:
        """What the payer has approved is captured at once, under a key of its own."""
        found = self._asked(lambda orders: orders.get_order({"id": ref}), ref)
        if found.status != "approved":
            return found
        options = {"id": ref, "paypal_request_id": f"{key}.capture", "prefer": "return=representation"}
        return self._asked(lambda orders: orders.capture_order(options), ref)

    def close(self, ref: str, key: str) -> Standing:
        """Nobody captures it any more. What was approved before is captured still: the payer has decided."""
        found = self.look(ref, key)
        return Standing("closed", ref, code="given_up") if found.status == "open" else found

    def _asked(self, ask: Callable[[Any], Any], ref: str | None) -> Standing:
        from paypalserversdk.exceptions.api_exception import ApiException

        try:
            return standing_of(json.loads(ask(self._client()).text))
        except ApiException as error:
            return _failed(error, ref)
        except (OSError, ValueError) as lost:
            return Standing("unknown", ref, code=type(lost).__name__)

    def _client(self) -> Any:
        """A client with our address: PayPal's SDK has no option for it. It repeats nothing by itself."""
        if not all(self._credentials):
            raise NotConfigured(NotConfigured.__doc__)
        if self._known is None:
            from paypalserversdk.configuration import Configuration
            from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
            from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

            base = self._base

            class Here(Configuration):
                def get_base_uri(self, server: Any = None) -> str:
                    return base

            client_id, secret = self._credentials
            credentials = ClientCredentialsAuthCredentials(o_auth_client_id=client_id, o_auth_client_secret=secret)
            here = Here(client_credentials_auth_credentials=credentials, timeout=self._timeout, max_retries=0)
            self._known = PaypalServersdkClient(config=here).orders
        return self._known


def _failed(error: Any, ref: str | None) -> Standing:
    """A clear no. An order that is gone cannot be paid; a declined instrument leaves the choice to the payer."""
    status = error.response_code or 0
    if not 400 <= status < 500 or status in _UNCLEAR:
        return Standing("unknown", ref, code=f"http_{status}")
    return Standing("closed" if status == 404 else "refused", ref, code=_issue(error))


def _issue(error: Any) -> str:
    try:
        return json.loads(error.response.text)["details"][0]["issue"].lower()[:64]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return f"http_{error.response_code}"


def standing_of(order: dict[str, Any]) -> Standing:
    """An order as PayPal describes it; `approved` is what only this adapter sees."""
    ref, status = order["id"], order["status"]
    if status == "COMPLETED":
        return _captured(ref, order["purchase_units"][0]["payments"]["captures"][0])
    if status == "APPROVED":
        return Standing("approved", ref)
    if status in _OPEN_STATUSES:
        links = {link["rel"]: link["href"] for link in order.get("links", ())}
        return Standing("open", ref, url=links.get("payer-action") or links.get("approve"))
    return Standing("closed", ref, code=status.lower())


def _captured(ref: str, capture: dict[str, Any]) -> Standing:
    if capture["status"] in ("DECLINED", "FAILED"):
        return Standing("refused", ref, code=capture["status"].lower())
    if capture["status"] != "COMPLETED":
        return Standing("unknown", ref, code=capture["status"].lower())  # held for review: it is asked about again
    money = capture["amount"]
    amount = int(Decimal(money["value"]).scaleb(exponent(money["currency_code"])))
    return Standing("paid", ref, payment_ref=capture["id"], amount=amount, currency=money["currency_code"])


def value_of(amount: int, currency: str) -> str:
    """`1250` of EUR → `12.50`; of a currency that PayPal counts in whole units, `1250` of JPY → `1250`."""
    value = Decimal(amount).scaleb(-exponent(currency))
    digits = 0 if currency in _WHOLE else 2
    if value != round(value, digits):
        raise AmountNotPossible(f"{value} {currency}")
    return f"{value:.{digits}f}"
