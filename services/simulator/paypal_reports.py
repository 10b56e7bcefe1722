"""PayPal's transaction search. Source: developer.paypal.com/docs/api/transaction-search/v1."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.simulator.currencies import paypal_text
from services.simulator.http import Response, json_response
from services.simulator.paypal_shapes import malformed
from services.simulator.records import Payment, Records, Refund

LONGEST = timedelta(days=31)  # PayPal searches no longer time in one call
MOST = 500  # a page
_STATUSES = {"succeeded": "S", "pending": "P", "failed": "D"}


class PayPalReports:
    """Lists payments and refunds as transactions, oldest first."""

    def __init__(self, records: Records):
        self._records = records
        self.routes = [("GET", "/v1/reporting/transactions", ("read", self.search))]

    def search(self, asked: dict, effects: Mapping, key: str | None, prefer: str) -> Response:
        """A page of the transactions of a time."""
        start, end = _moment(asked, "start_date"), _moment(asked, "end_date")
        if end - start > LONGEST:
            raise malformed("INVALID_PARAMETER_VALUE", field="/end_date", value=asked["end_date"])
        size, number = _whole(asked, "page_size", 100), _whole(asked, "page", 1)
        times = int(start.timestamp()), int(end.timestamp())
        of_time = "provider = 'paypal' AND created BETWEEN ? AND ?"
        found = [(one.created, _payment(one)) for one in self._records.payments(of_time, *times) if one.captured]
        found += [(one.created, _refund(one)) for one in self._records.refunds(f"{of_time} ORDER BY seq", *times)]
        found.sort(key=lambda one: one[0])
        page = [{"transaction_info": info} for _, info in found[(number - 1) * size : number * size]]
        return json_response({
            "transaction_details": page, "account_number": "SIMULATED0001", "start_date": _text(start),
            "end_date": _text(end), "last_refreshed_datetime": _text(datetime.now(UTC)), "page": number,
            "total_items": len(found), "total_pages": -(-len(found) // size), "links": []})


def _payment(payment: Payment) -> dict:
    labels = {"custom_field": payment.metadata["custom_id"]} if "custom_id" in payment.metadata else {}
    return {**_info(payment.id, "T0006", payment.created, payment.captured, payment.currency, "S"), **labels}


def _refund(refund: Refund) -> dict:
    """What leaves is negative; the payment that it belongs to is its reference."""
    labels = {"custom_field": refund.metadata["custom_id"]} if "custom_id" in refund.metadata else {}
    status = _STATUSES[refund.status]
    info = _info(refund.id, "T1107", refund.created, -refund.amount, refund.currency, status)
    return {**info, "paypal_reference_id": refund.payment, "paypal_reference_id_type": "TXN", **labels}


def _info(id: str, code: str, created: int, amount: int, currency: str, status: str) -> dict:
    at = _text(datetime.fromtimestamp(created, UTC))
    money = {"currency_code": currency.upper(), "value": paypal_text(amount, currency)}
    return {"transaction_id": id, "transaction_event_code": code, "transaction_initiation_date": at,
            "transaction_updated_date": at, "transaction_amount": money, "transaction_status": status}


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")


def _moment(asked: Mapping, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(asked[name])
    except KeyError:
        raise malformed("MISSING_REQUIRED_PARAMETER", field=f"/{name}") from None
    except ValueError:
        raise malformed("INVALID_PARAMETER_SYNTAX", field=f"/{name}", value=asked[name]) from None
    if found.tzinfo is None:
        raise malformed("INVALID_PARAMETER_SYNTAX", field=f"/{name}", value=asked[name])
    return found


def _whole(asked: Mapping, name: str, otherwise: int) -> int:
    text = asked.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= MOST):
        raise malformed("INVALID_PARAMETER_VALUE", field=f"/{name}", value=text)
    return int(text)
