"""Refunds through the real PayPal SDK, pointed here by overriding its base address."""

import json
import urllib.error
import urllib.request

import pytest

from tests.simulator.conftest import eventually

pytest.importorskip("paypalserversdk", reason="the PayPal SDK is not installed")

from paypalserversdk.api_helper import APIHelper
from paypalserversdk.configuration import Configuration
from paypalserversdk.exceptions.api_exception import ApiException
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.models.money import Money
from paypalserversdk.models.refund_request import RefundRequest
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient


def _client(world, secret: str = "secret"):
    class Here(Configuration):
        def get_base_uri(self, server=None):
            return world.provider_url

    credentials = ClientCredentialsAuthCredentials(o_auth_client_id="client", o_auth_client_secret=secret)
    return PaypalServersdkClient(config=Here(client_credentials_auth_credentials=credentials)).payments


@pytest.fixture
def payments(world):
    return _client(world)


@pytest.fixture
def capture(world) -> str:
    return world.payment("eur", 5000, provider="paypal", id="8F148933LY9388354")["id"]


def _refund(payments, capture: str, value: str | None = None, key: str | None = None, currency: str = "EUR",
            prefer: str = "return=representation"):
    body = RefundRequest(amount=Money(currency_code=currency, value=value), note_to_payer="Sorry") if value else {}
    options = {"capture_id": capture, "body": body, "prefer": prefer}
    return payments.refund_captured_payment({**options, "paypal_request_id": key} if key else options)


def _issue(error: ErrorException) -> tuple[int, str]:
    return error.response_code, json.loads(error.response.text)["details"][0]["issue"]


def test_a_partial_and_then_the_rest_of_a_capture_are_refunded(payments, world, capture):
    first = _refund(payments, capture, "12.34")
    rest = _refund(payments, capture)

    assert (first.status_code, first.body.status, first.body.amount.value) == (201, "COMPLETED", "12.34")
    assert (rest.body.amount.value, rest.body.seller_payable_breakdown.total_refunded_amount.value) == (
        "37.66", "50.00")
    assert payments.get_captured_payment({"capture_id": capture}).body.status == "REFUNDED"
    assert payments.get_refund({"refund_id": first.body.id}).body.note_to_payer == "Sorry"
    assert [r["amount"] for r in world.refunds(capture)] == [1234, 3766]


def test_a_minimal_answer_carries_no_amount(payments, capture):
    refund = _refund(payments, capture, "1.00", prefer="return=minimal").body

    assert refund.status == "COMPLETED"
    assert getattr(refund, "amount", APIHelper.SKIP) is APIHelper.SKIP


def test_the_same_request_id_is_one_refund_and_tells_its_latest_status(payments, world, capture):
    world.faults(mode="pending", times=1)
    first = _refund(payments, capture, "7.00", key="rf_1")
    assert (first.status_code, first.body.status) == (201, "PENDING")
    world.settle(first.body.id)

    second = _refund(payments, capture, "7.00", key="rf_1")

    assert (second.status_code, second.body.status, second.body.id) == (200, "COMPLETED", first.body.id)
    assert len(world.refunds(capture)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_cut_line_and_a_repeat_under_the_same_request_id_make_exactly_one_refund(payments, world, capture, moment):
    world.faults(cut=moment, times=1)

    with pytest.raises(Exception, match=r"(?i)connection|disconnect"):
        _refund(payments, capture, "7.00", key="rf_1")
    repeated = _refund(payments, capture, "7.00", key="rf_1")

    assert [r["id"] for r in world.refunds(capture)] == [repeated.body.id]


@pytest.mark.parametrize(("value", "currency", "answer"), [
    ("50.01", "EUR", (422, "REFUND_AMOUNT_EXCEEDED")),
    ("99999999999999999999.00", "EUR", (422, "REFUND_AMOUNT_EXCEEDED")),
    ("1.001", "EUR", (422, "DECIMAL_PRECISION")),
    ("0.00", "EUR", (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
    ("-1.00", "EUR", (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
    ("1.00", "USD", (422, "REFUND_CAPTURE_CURRENCY_MISMATCH")),
    ("1.00", "XYZ", (422, "CURRENCY_NOT_SUPPORTED")),
    ("ten", "EUR", (400, "INVALID_PARAMETER_SYNTAX")),
])
def test_an_amount_that_cannot_be_refunded_is_refused_with_its_issue(payments, world, capture, value, currency, answer):
    with pytest.raises(ErrorException) as refused:
        _refund(payments, capture, value, currency=currency)

    assert _issue(refused.value) == answer
    assert world.refunds(capture) == []


def test_a_capture_without_anything_left_and_an_unknown_capture_are_told_apart(payments, capture):
    _refund(payments, capture)

    with pytest.raises(ErrorException) as refused:
        _refund(payments, capture)
    assert _issue(refused.value) == (422, "CAPTURE_FULLY_REFUNDED")
    with pytest.raises(ErrorException) as refused:
        _refund(payments, "NOBODY")
    assert _issue(refused.value) == (404, "INVALID_RESOURCE_ID")


def test_yen_and_forint_have_no_decimals(payments, world):
    world.payment("jpy", 500, provider="paypal", id="YEN")

    assert _refund(payments, "YEN", "300", currency="JPY").body.amount.value == "300"
    with pytest.raises(ErrorException) as refused:
        _refund(payments, "YEN", "1.5", currency="JPY")
    assert _issue(refused.value) == (422, "DECIMAL_PRECISION")


def test_a_refusal_and_a_server_error_on_demand(payments, world, capture):
    world.faults(refuse="REFUND_FAILED_INSUFFICIENT_FUNDS", provider="paypal", times=1)
    with pytest.raises(ErrorException) as refused:
        _refund(payments, capture, "1.00", key="rf_1")
    assert _issue(refused.value) == (422, "REFUND_FAILED_INSUFFICIENT_FUNDS")

    world.faults(http_500=True, times=1)
    with pytest.raises(ApiException) as broken:
        _refund(payments, capture, "1.00", key="rf_1")
    assert broken.value.response_code == 500
    assert world.refunds(capture) == []


def test_a_client_without_a_secret_gets_no_token(world, capture):
    with pytest.raises(Exception, match=r"(?i)auth|token"):
        _refund(_client(world, secret=""), capture)

    assert world.refunds(capture) == []


def test_a_web_hook_is_genuine_only_as_it_was_sent(payments, world, capture, receiver):
    hook = world.webhook(receiver.url, provider="paypal")
    refund = _refund(payments, capture, "7.00").body
    headers, body = eventually(lambda: receiver.got)[0]
    event = json.loads(body)
    assert (event["event_type"], event["resource"]["id"]) == ("PAYMENT.CAPTURE.REFUNDED", refund.id)

    assert _verified(world, hook["id"], headers, event) == "SUCCESS"
    event["resource"]["amount"]["value"] = "8.00"
    assert _verified(world, hook["id"], headers, event) == "FAILURE"


def _verified(world, hook: str, headers: dict, event: dict) -> str:
    known = {name.lower(): value for name, value in headers.items()}
    body = {"webhook_id": hook, "webhook_event": event,
            "transmission_id": known["paypal-transmission-id"], "transmission_time": known["paypal-transmission-time"],
            "transmission_sig": known["paypal-transmission-sig"], "auth_algo": known["paypal-auth-algo"],
            "cert_url": known["paypal-cert-url"]}
    token = _post(f"{world.provider_url}/v1/oauth2/token", b"grant_type=client_credentials",
                  {"Authorization": "Basic Y2xpZW50OnNlY3JldA=="})["access_token"]
    return _post(f"{world.provider_url}/v1/notifications/verify-webhook-signature", json.dumps(body).encode(),
                 {"Authorization": f"Bearer {token}"})["verification_status"]


def _post(url: str, body: bytes, headers: dict) -> dict:
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        return json.load(answer)
