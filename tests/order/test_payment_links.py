"""Paying the rest of an order through a link: one payment, whoever clicks when (PAY-01 to PAY-06, I9)."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import stripe

from services.simulator.webhooks import stripe_headers
from shared.kernel.clock import moment
from tests.order.counter import WEBHOOK_SECRET
from tests.suite import coordinator, customer, order_args, seller, supplier


@pytest.mark.capability("S4-05", "S4-06", "S4-07", "S4-08")
@pytest.mark.parametrize(("provider", "instrument"), [("stripe", "original"), ("paypal", "paypal")])
def test_the_customer_pays_the_rest_through_the_link_in_his_mail_once(counter, provider, instrument):
    order = counter.order()
    request = counter.issue(order, purpose="linen shade")
    assert (request["amount"], request["state"]) == ({"amount": 1990, "currency": "EUR"}, "issued")

    link = counter.link()
    shown = counter.page(link)
    assert shown.status_code == 200
    assert "€19.90" in shown.text
    assert "linen shade" in shown.text
    counter.pay(link, provider)
    counter.suite.advance(seconds=11)

    assert counter.request(request)["state"] == "paid"
    assert counter.order_page(order)["captured"] == {"amount": 17490, "currency": "EUR"}
    [captured] = counter.told("order.payment_captured")[1:]
    assert (captured["provider"], captured["instrument"]) == (provider, instrument)
    assert captured["amount"] == {"amount": 1990, "currency": "EUR"}
    [taken] = counter.outside.ledger(provider=provider)
    assert taken["captured"] == 1990
    assert captured["provider_ref"] == taken["id"]
    assert [each["request_id"] for each in counter.told("payment_request.paid")] == [request["id"]]
    for again in (counter.page(link), counter.press(link, provider)):
        assert again.status_code == 410
        assert "Thank you, it is paid" in again.text
    for method in ("GET", "POST"):
        asked = {"data": {"with": provider}} if method == "POST" else {}
        told = counter.api.call(method, link, headers={"Accept": "application/json"}, **asked)
        assert (told.status_code, told.json["code"], told.json["rule"]) == (410, "PAYMENT_LINK_OVER", "PAY-04")


@pytest.mark.capability("R25", "I9", "T22")
@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_fifty_payers_at_once_pay_one_link_once(counter, provider):
    order = counter.order()
    counter.issue(order)
    link = counter.link()

    with ThreadPoolExecutor(50) as crowd:
        list(crowd.map(lambda _: counter.press(link, provider).status_code, range(50)))
    counter.suite.settle()
    url = counter.press(link, provider).headers["Location"]
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda _: counter.outside.pay(url), range(50)))
    counter.suite.advance(seconds=11)

    assert sorted(answers) == [303] + [409] * 49
    assert [each["captured"] for each in counter.outside.ledger(provider=provider)] == [1990]
    opens = {"stripe": "/v1/checkout/sessions", "paypal": "/v2/checkout/orders"}[provider]
    opened = [call for call in counter.outside.calls() if (call["method"], call["path"]) == ("POST", opens)]
    assert len(opened) == 1
    assert len(counter.told("payment_request.paid")) == 1
    assert counter.order_page(order)["captured"]["amount"] == 17490


@pytest.mark.capability("R25", "T22")
@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_a_mail_scanner_that_opens_the_link_a_hundred_times_uses_nothing_up(counter, provider):
    counter.issue(counter.order())
    link = counter.link()
    before = counter.suite.event_count()

    for _ in range(50):
        assert counter.page(link).status_code == 200
        assert counter.api.call("HEAD", link).status_code == 200

    assert counter.suite.event_count() == before
    counter.pay(link, provider)
    counter.suite.advance(seconds=11)
    assert len(counter.told("payment_request.paid")) == 1


@pytest.mark.capability("T22")
def test_a_link_that_was_changed_is_unknown_and_says_nothing(counter):
    counter.issue(counter.order())
    link = counter.link()
    forged = link[:-1] + ("0" if link[-1] != "0" else "1")

    for wrong in (forged, "/pay/abc", link.upper().replace("/PAY/", "/pay/"), "/pay/" + "0" * 64):
        for answer in (counter.page(wrong), counter.press(wrong, "stripe")):
            assert answer.status_code == 404
            assert "19.90" not in answer.text
            assert "1001" not in answer.text
    assert counter.outside.calls() == []


@pytest.mark.capability("T22", "S4-06")
def test_the_token_stands_in_the_clear_in_the_mail_alone(counter):
    counter.issue(counter.order())
    token = counter.link().removeprefix("/pay/")
    counter.pay(f"/pay/{token}")
    assert len(bytes.fromhex(token)) == 32
    kept = counter.suite.stored()
    assert token.encode() not in kept
    assert hashlib.sha256(token.encode()).hexdigest().encode() in kept
    for event in counter.suite.events("order"):
        assert token not in event.body.decode()
    public = [each.type for each in counter.suite.events("order") if b"sealed" in each.body]
    assert public == ["payment_link.issued"]


def test_an_expired_link_answers_410_and_a_new_one_can_be_issued(counter):
    order = counter.order()
    request = counter.issue(order)
    link = counter.link()
    assert moment(request["expires_at"]) - moment(request["issued_at"]) == timedelta(days=7)

    counter.suite.clock.advance(days=7)
    assert counter.page(link).status_code == 410, "over at once, before any timer"
    assert counter.press(link, "stripe").status_code == 410
    counter.suite.settle()

    assert counter.request(request)["state"] == "expired"
    assert [each["request_id"] for each in counter.told("payment_request.expired")] == [request["id"]]
    assert counter.issue(order)["state"] == "issued"
    assert counter.outside.calls() == []


def test_a_declined_payment_gives_the_link_back_and_the_customer_pays_another_way(counter):
    order = counter.order()
    request = counter.issue(order)
    link = counter.link()
    counter.pay(link, "paypal", "declined")
    counter.suite.advance(seconds=11)

    [failed] = counter.told("payment_request.attempt_failed")
    assert (failed["provider"], failed["attempt"], failed["code"]) == ("paypal", 1, "instrument_declined")
    assert "did not go through" in counter.page(link).text
    counter.pay(link, "stripe")
    counter.suite.advance(seconds=11)
    assert counter.request(request)["state"] == "paid"
    assert counter.order_page(order)["captured"]["amount"] == 17490


def test_choosing_another_way_ends_the_attempt_at_the_provider_first(counter):
    counter.issue(counter.order())
    link = counter.link()
    counter.press(link, "stripe")
    counter.suite.settle()
    first = counter.press(link, "stripe").headers["Location"]
    other = counter.press(link, "paypal")
    assert (other.status_code, other.headers["Location"]) == (303, link), "one attempt at a time"

    counter.press(link, "restart")
    counter.suite.settle()

    assert counter.outside.pay(first) == 409, "the first page cannot be paid any more"
    assert "The earlier payment was cancelled" in counter.page(link).text
    counter.pay(link, "paypal")
    counter.suite.advance(seconds=11)
    assert [each["captured"] for each in counter.outside.ledger()] == [1990]


def test_after_thirty_minutes_of_silence_the_attempt_is_ended_and_the_link_works_again(counter):
    request = counter.issue(counter.order())
    link = counter.link()
    counter.press(link, "stripe")
    counter.suite.settle()
    url = counter.press(link, "stripe").headers["Location"]

    for _ in range(29):
        counter.suite.advance(minutes=1)
    assert counter.request(request)["state"] == "paying"
    for _ in range(6):
        counter.suite.advance(minutes=5)

    assert counter.request(request)["state"] == "issued"
    assert counter.outside.pay(url) == 409
    assert counter.page(link).status_code == 200


@pytest.mark.capability("R22")
@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_an_answer_lost_after_the_work_leads_to_one_page_and_one_payment(counter, provider):
    counter.outside.faults(cut="after", on="payment", times=2)
    counter.issue(counter.order())
    link = counter.link()
    counter.press(link, provider)
    counter.suite.settle()
    counter.suite.advance(seconds=30)
    counter.suite.advance(seconds=30)

    counter.pay(link, provider)
    counter.suite.advance(seconds=60)
    counter.suite.advance(seconds=60)

    assert [each["captured"] for each in counter.outside.ledger(provider=provider)] == [1990]
    assert len(counter.told("payment_request.paid")) == 1


@pytest.mark.capability("R28", "R29", "T33")
def test_a_signed_webhook_is_believed_once_and_a_forged_one_never(counter):
    order = counter.order()
    request = counter.issue(order)
    link = counter.link()
    counter.pay(link)
    api = stripe.StripeClient("sk_test_hook", base_addresses={"api": counter.outside.provider_url})
    [event] = api.v1.events.list({"type": "checkout.session.completed"}).data
    body = str(event).encode()

    def hook(headers, content=body):
        return counter.api.call("POST", "/hooks/payments/stripe", data=content, headers=headers,
                                content_type="application/json")  # fmt: skip

    now = int(time.time())
    good = stripe_headers(WEBHOOK_SECRET, body, now)
    before = counter.suite.event_count()
    forged = [
        hook({}),
        hook(stripe_headers("whsec_another", body, now)),
        hook(stripe_headers(WEBHOOK_SECRET, body, now - 301)),
        hook(good, body.replace(b"1990", b"1991")),
    ]
    assert [answer.status_code for answer in forged] == [400] * 4
    assert counter.suite.event_count() == before

    with ThreadPoolExecutor(10) as crowd:
        assert {answer.status_code for answer in crowd.map(lambda _: hook(good), range(10))} == {200}
    assert counter.request(request)["state"] == "paid"
    assert counter.order_page(order)["captured"]["amount"] == 17490


def test_what_paypal_tells_is_asked_at_paypal(counter):
    request = counter.issue(counter.order())
    link = counter.link()
    counter.pay(link, "paypal")
    hint = {"event_type": "CHECKOUT.ORDER.APPROVED", "resource": {"purchase_units": [{"custom_id": ""}]}}
    hint["resource"]["purchase_units"][0]["custom_id"] = f"{request['id']}.1"
    assert counter.api.call("POST", "/hooks/payments/paypal", body=hint).status_code == 200
    assert counter.request(request)["state"] == "paying", "a hint is no proof"
    counter.suite.settle()
    assert counter.request(request)["state"] == "paid"
    assert counter.api.call("POST", "/hooks/payments/paypal", body={"resource": 7}).status_code == 400


def test_what_cannot_be_asked_for_is_refused_with_the_rule(counter):
    order = counter.order()
    path = f"/v1/orders/{order['id']}/payment-requests"
    euros = lambda amount: {"amount": {"amount": amount, "currency": "EUR"}}  # noqa: E731
    assert counter.api.refused("POST", path, seller(), "AMOUNT_EXCEEDS_DUE", body=euros(1991))["rule"] == "PAY-01"
    for bad in (euros(0), euros(-1), euros(19.9), {"days": 31}, {"days": 0}):
        counter.api.refused("POST", path, seller(), "INVALID_INPUT", body=bad)
    counter.api.refused("POST", path, seller(), "CURRENCY_MISMATCH", body={"amount": {"amount": 1, "currency": "USD"}})
    counter.api.refused("POST", path, customer(), "FORBIDDEN", body={})
    counter.api.refused("POST", path, seller("sel_2"), "NOT_FOUND", body={})
    counter.api.refused("POST", path, supplier(), "FORBIDDEN", body={})
    counter.issue(order)
    counter.api.refused("POST", path, seller(), "PAYMENT_REQUEST_OPEN", body={})
    paid = counter.order("1002", due=0)
    counter.api.refused("POST", f"/v1/orders/{paid['id']}/payment-requests", coordinator(), "NOTHING_DUE", body={})


def test_a_revoked_link_is_useless_and_a_cancelled_order_revokes_its_link(counter):
    order = counter.order()
    first = counter.issue(order)
    link = counter.link()
    counter.api.post(f"/v1/payment-requests/{first['id']}:revoke", seller())
    assert counter.page(link).status_code == 410
    assert "withdrawn" in counter.page(link).text
    second = counter.issue(order)
    counter.api.post(f"/v1/orders/{order['id']}:cancel", seller(), {"reason_code": "out_of_stock"})
    assert counter.request(second)["state"] == "revoked"
    revoked = [each["request_id"] for each in counter.told("payment_request.revoked")]
    assert revoked == [first["id"], second["id"]]


def test_an_order_is_not_cancelled_while_somebody_pays(counter):
    order = counter.order()
    counter.issue(order)
    counter.press(counter.link(), "stripe")
    body = {"reason_code": "out_of_stock"}
    counter.api.refused("POST", f"/v1/orders/{order['id']}:cancel", seller(), "PAYMENT_UNDER_WAY", body=body)


def test_the_page_needs_no_script_and_speaks_both_languages(counter):
    counter.issue(counter.order(customer={**order_args()["customer"], "locale": "fr"}))
    link = counter.link()
    french, english = counter.page(link), counter.page(f"{link}?lang=en")
    assert "19,90\N{NO-BREAK SPACE}€" in french.text
    assert '<html lang="fr">' in french.text
    assert "Pay by card" in english.text
    for page in (french, english):
        assert "<script" not in page.text
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"


def test_the_page_says_by_the_marketplaces_clock_until_when_the_link_works(counter_of):
    counter = counter_of(marketplace_time_zones="main=Asia/Tokyo")
    counter.issue(counter.order())

    assert "9 November 2026, 18:00" in counter.page(f"{counter.link()}?lang=en").text
