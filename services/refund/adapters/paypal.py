"""PayPal: refunds of captures, its own list of them, and webhooks that it verifies itself."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from services.refund.model.refusals import WebhookRefused
from services.refund.ports import Outcome, Said, Settled
from shared.kernel.clock import stamp
from shared.providers import paypal as provider

_RETRYABLE = frozenset({"REFUND_FAILED_INSUFFICIENT_FUNDS", "PENDING_CAPTURE", "TRANSACTION_DISPUTED"})
_STATUSES = {"COMPLETED": "succeeded", "PENDING": "pending", "FAILED": "refused", "CANCELLED": "refused"}
_REFUND_EVENTS = frozenset({"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED"})
_REFUND_CODES = frozenset({"T1107"})  # of PayPal's transaction search: a payment refund by the merchant
_LONGEST_SEARCH = timedelta(days=30)  # PayPal searches 31 days at most
_WON = frozenset({"RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER"})


class PayPal:
    """Refunds of PayPal captures. The request id is the refund's id, for ever: PayPal keeps it for 45 days.

    There is no question by our id: the same call under the same request id answers the refund that it made, so asking
    and sending are one (M17). What is older than PayPal's memory is left to a person.
    """

    honours_keys_for = timedelta(days=44)
    after_that = Outcome("unknown", code="key_forgotten")

    def __init__(self, account: provider.PayPalAccount, webhook_id: str) -> None:
        self._account, self._webhook_id = account, webhook_id

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        """A clear no is a refusal, everything else that goes wrong an unknown outcome (M17)."""
        from paypalserversdk.exceptions.api_exception import ApiException
        from paypalserversdk.models.money import Money
        from paypalserversdk.models.refund_request import RefundRequest

        try:
            money = Money(currency, provider.value_of(amount, currency))
        except provider.AmountNotPossible:
            return Outcome("refused", code="amount_not_possible")
        client = self._account.client
        body = RefundRequest(amount=money, custom_id=metadata["refund_id"])
        asked = {
            "capture_id": payment_ref,
            "paypal_request_id": key,
            "prefer": "return=representation",
            "body": body,
        }
        try:
            made = client.payments.refund_captured_payment(asked)
            return outcome_of(json.loads(made.text))
        except ApiException as error:
            return _refused(error)
        except Exception as error:  # the SDK lets through whatever its HTTP library raises
            return Outcome("unknown", code=_word(error))

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        """Sending again under the same key is the question."""
        return None

    def settled(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """N10: by transaction search, a month at a time as PayPal wants it. Raises what goes wrong."""
        found: list[dict[str, Any]] = []
        while start < end:
            until = min(end, start + _LONGEST_SEARCH)
            found += self._searched(start, until)
            start = until + timedelta(seconds=1)
        return found

    def _searched(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        found, number, pages = [], 1, 1
        while number <= pages:
            asked = self._account.client.transaction_search.search_transactions(_search(start, end, number))
            told = json.loads(asked.text)
            pages, number = told.get("total_pages", 1), number + 1
            found += [one["transaction_info"] for one in told.get("transaction_details", ())]
        refunds = [one for one in found if one.get("transaction_event_code") in _REFUND_CODES]
        return [_settled(one) for one in refunds if one.get("transaction_status") == "S"]

    def is_genuine(self, headers: dict[str, str], body: str) -> bool:
        """PayPal's own answer, over the event as it came. Raises what goes wrong."""
        return self._account.sent(self._webhook_id, headers, body)


def _refused(error: Any) -> Outcome:
    """What an error answer says of the refund."""
    if not provider.is_clear(error):
        status = error.response_code
        return Outcome("unknown", code=f"http_{status}" if status else "connection")
    code = provider.issue_of(error) or "INVALID_REQUEST"
    return Outcome("refused", code=code, retryable=code in _RETRYABLE)


def _word(error: Exception) -> str:
    return "timeout" if "timeout" in type(error).__name__.lower() else "connection"


def outcome_of(refund: dict[str, Any]) -> Outcome:
    """A PayPal refund resource as an outcome."""
    money = refund.get("amount") or {}
    currency = money.get("currency_code")
    said = {"provider_ref": refund["id"], "currency": currency}
    said["amount"] = provider.minor_of(money["value"], currency) if currency else None
    status = _STATUSES.get(refund.get("status", ""), "unknown")
    if status == "refused":
        return Outcome("refused", code=str(refund["status"]).lower(), **said)
    return Outcome(status, **said)


def _search(start: datetime, end: datetime, page: int) -> dict[str, Any]:
    form = "%Y-%m-%dT%H:%M:%SZ"
    period = {"start_date": start.strftime(form), "end_date": end.strftime(form)}
    return {**period, "fields": "transaction_info", "page_size": 500, "page": page}


def _settled(info: dict[str, Any]) -> dict[str, Any]:
    """A transaction as a line of a statement; PayPal writes what leaves as negative."""
    money = info["transaction_amount"]
    amount = abs(provider.minor_of(money["value"], money["currency_code"]))
    at = datetime.fromisoformat(info["transaction_initiation_date"])
    payment, own = info.get("paypal_reference_id", ""), info.get("custom_field")
    return Settled(info["transaction_id"], payment, own, amount, money["currency_code"], stamp(at)).data()


# webhooks


def event_of(body: str) -> dict[str, Any]:
    """id, type and resource of a webhook that is not verified yet. Raises WebhookRefused when it is none."""
    try:
        event = json.loads(body)
        found = {"id": event["id"], "type": event["event_type"], "resource": event["resource"]}
        if [type(one) for one in found.values()] != [str, str, dict]:
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise WebhookRefused(provider="paypal") from None
    return found


def said_by(event: dict[str, Any]) -> Said | None:
    """A verified event in the words of this service; None for what does not matter here."""
    told, type = event["resource"], event["type"]
    if type in _REFUND_EVENTS:
        return Said("refund", told["id"], _capture_of(told), outcome_of(told), told.get("custom_id") or "")
    if type in ("CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.RESOLVED"):
        payment = told["disputed_transactions"][0]["seller_transaction_id"]
        money = told["dispute_amount"]
        amount = provider.minor_of(money["value"], money["currency_code"])
        won = (told.get("dispute_outcome") or {}).get("outcome_code") in _WON
        what = "dispute_opened" if type.endswith("CREATED") else "dispute_closed"
        return Said(what, told["dispute_id"], payment, Outcome("pending", amount=amount), won=won)
    return None


def _capture_of(refund: dict[str, Any]) -> str | None:
    """The capture of a refund is named by its link `up` only."""
    up = next((link["href"] for link in refund.get("links", ()) if link.get("rel") == "up"), "")
    return up.rsplit("/", 1)[-1] or None
