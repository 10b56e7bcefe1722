"""PayPal Orders: an order per attempt, approved by the payer on PayPal's page, captured here.

PayPal takes money only when we capture it: an attempt that was given up is never captured, so it cannot be paid.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from services.order.ports import Bill, Standing
from shared.providers import paypal as provider

_OPEN_STATUSES = frozenset({"CREATED", "SAVED", "PAYER_ACTION_REQUIRED"})
_LOCALES = {"fr": "fr-FR", "en": "en-GB"}


class PayPalTill:
    """Orders with intent CAPTURE. PayPal-Request-Id is the attempt's key, for ever."""

    def __init__(self, account: provider.PayPalAccount) -> None:
        self._account = account

    def open(self, bill: Bill, key: str) -> Standing:
        try:
            amount = {"currency_code": bill.currency, "value": provider.value_of(bill.amount, bill.currency)}
        except provider.AmountNotPossible:
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
            return standing_of(json.loads(ask(self._account.client.orders).text))
        except ApiException as error:
            return _failed(error, ref)
        except (OSError, ValueError) as lost:
            return Standing("unknown", ref, code=type(lost).__name__)


def _failed(error: Any, ref: str | None) -> Standing:
    """A clear no. An order that is gone cannot be paid; a declined instrument leaves the choice to the payer."""
    status = error.response_code or 0
    if not provider.is_clear(error):
        return Standing("unknown", ref, code=f"http_{status}")
    code = (provider.issue_of(error) or f"http_{status}").lower()[:64]
    return Standing("closed" if status == 404 else "refused", ref, code=code)


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
    amount = provider.minor_of(money["value"], money["currency_code"])
    return Standing("paid", ref, payment_ref=capture["id"], amount=amount, currency=money["currency_code"])
