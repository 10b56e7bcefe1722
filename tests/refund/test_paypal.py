"""Refunds through PayPal's SDK: paid once whatever is lost, told by webhooks that PayPal verifies."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.providers.paypal import AmountNotPossible, minor_of, value_of
from tests.refund.test_stripe import AGES
from tests.suite import agent, payment_args, seller


def paypal_order(shop, number="1001", **changes):
    order = shop.order(number, paid=False, **changes)
    shop.pay(order, provider="paypal", provider_ref=f"CAP{number}", instrument="paypal")
    shop.suite.settle()
    shop.suite.do("order.ship", seller(), order_id=order["id"], parcel={"carrier": "Post", "tracking_number": "1"})
    shop.suite.settle()
    return order


def at_paypal(shop, number="1001"):
    return [(one["amount"], one["status"]) for one in shop.stripe.refunds(f"CAP{number}")]


@pytest.mark.capability("S4-10")
def test_what_was_paid_by_paypal_goes_back_by_paypal(stripe_shop):
    order = paypal_order(stripe_shop)

    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()

    paid = stripe_shop.refund(refund["id"])
    assert (paid["state"], paid["provider"]) == ("succeeded", "paypal")
    assert at_paypal(stripe_shop) == [(17000, "succeeded")]


@pytest.mark.capability("S4-10")
def test_a_merchant_who_cannot_honour_an_order_sends_its_payment_back_by_paypal(stripe_shop):
    order = stripe_shop.order("1002", paid=False, profile="box")
    stripe_shop.pay(order, provider="paypal", provider_ref="CAP1002", instrument="paypal")
    stripe_shop.suite.settle()

    stripe_shop.suite.do(
        "order.cancel", seller(), order_id=order["id"], reason_code="out_of_stock", refund_instrument="paypal"
    )
    stripe_shop.suite.settle()

    assert at_paypal(stripe_shop, "1002") == [(17490, "succeeded")]
    assert stripe_shop.refunds(order)[0]["instrument"] == "paypal"


@pytest.mark.capability("R22", "T19")
@pytest.mark.parametrize("fault", [{"cut": "after"}, {"cut": "before"}, {"http_500": "after"}])
def test_a_lost_answer_is_asked_for_again_under_the_same_key_and_the_customer_is_paid_once(stripe_shop, fault):
    order = paypal_order(stripe_shop)
    stripe_shop.stripe.faults(**fault, times=1)

    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    unknown = stripe_shop.refund(refund["id"])["state"]
    stripe_shop.suite.advance(seconds=31)

    assert unknown == "unknown"
    assert stripe_shop.refund(refund["id"])["state"] == "succeeded"
    assert at_paypal(stripe_shop) == [(17000, "succeeded")]


def test_a_definite_refusal_frees_the_money(stripe_shop):
    order = paypal_order(stripe_shop)
    stripe_shop.stripe.faults(refuse="REFUND_FAILED_INSUFFICIENT_FUNDS", times=1)

    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()

    failure = {"code": "REFUND_FAILED_INSUFFICIENT_FUNDS", "retryable": True}
    assert (stripe_shop.refund(refund["id"])["failure"]) == failure
    assert stripe_shop.envelope(order)["available"] == 17490


@pytest.mark.parametrize("currency", ["HUF", "TWD"])
def test_an_amount_that_paypal_does_not_have_is_refused_and_never_rounded(stripe_shop, currency):
    """Forints come whole at PayPal: 12.50 is neither 12 nor 13."""
    order = stripe_shop.order(paid=False, currency=currency)
    stripe_shop.stripe.payment(currency, 200, provider="paypal", id="CAP1001")
    by_paypal = {"provider": "paypal", "provider_ref": "CAP1001", "instrument": "paypal"}
    stripe_shop.suite.do("order.capture_payment", agent(), **payment_args(order, **by_paypal))
    stripe_shop.suite.settle()

    asked = {"amount": {"amount": 1250, "currency": currency}, "reason_code": "goodwill"}
    odd = stripe_shop.request(order, "commercial_gesture", agent(), **asked)
    stripe_shop.suite.settle()
    refused = stripe_shop.refund(odd["id"])
    nothing, available = at_paypal(stripe_shop), stripe_shop.envelope(order)["available"]
    asked["amount"]["amount"] = 1200
    whole = stripe_shop.request(order, "commercial_gesture", agent(), **asked)
    stripe_shop.suite.settle()

    assert (refused["state"], refused["failure"]) == ("failed", {"code": "amount_not_possible", "retryable": False})
    assert (nothing, available) == ([], 17490)
    assert stripe_shop.refund(whole["id"])["state"] == "succeeded"
    assert at_paypal(stripe_shop) == [(12, "succeeded")]


@given(st.integers(1, 10**9), st.sampled_from(["EUR", "USD", "HUF", "JPY", "TWD", "TND", "KWD"]))
def test_what_is_written_for_paypal_reads_back_the_same_or_is_refused(amount, currency):
    try:
        text = value_of(amount, currency)
    except AmountNotPossible:
        assert amount % {"HUF": 100, "TWD": 100, "TND": 10, "KWD": 10}[currency]
    else:
        assert minor_of(text, currency) == amount


@pytest.mark.capability("R22", "T19")
def test_of_many_refunds_against_a_flaky_paypal_each_is_paid_exactly_once(stripe_shop):
    for fault in ({"cut": "before"}, {"cut": "after"}, {"http_500": "after"}):
        stripe_shop.stripe.faults(**fault, on="any", probability=0.15, seed=str(fault))
    orders = [paypal_order(stripe_shop, str(2000 + number)) for number in range(15)]
    made = [stripe_shop.request(order, "post_shipment_order")["id"] for order in orders]
    stripe_shop.suite.settle()

    for age in AGES:
        stripe_shop.suite.advance(**age)

    assert [len(at_paypal(stripe_shop, str(2000 + number))) for number in range(15)] == [1] * 15
    assert {stripe_shop.refund(id)["state"] for id in made} == {"succeeded"}


def test_a_forged_webhook_changes_nothing(stripe_shop):
    order = paypal_order(stripe_shop)
    dispute = {
        "dispute_id": "PP-D-1",
        "disputed_transactions": [{"seller_transaction_id": "CAP1001"}],
        "dispute_amount": {"currency_code": "EUR", "value": "50.00"},
    }
    event = {"id": "WH-1", "event_type": "CUSTOMER.DISPUTE.CREATED", "resource": dispute}
    before = stripe_shop.suite.event_count()

    headers = {"Paypal-Transmission-Sig": "forged", "Paypal-Transmission-Id": "1"}
    stripe_shop.suite.do("refund.provider_event", agent(), provider="paypal", headers=headers, body=json.dumps(event))
    stripe_shop.suite.settle()

    assert stripe_shop.suite.event_count() == before
    assert stripe_shop.envelope(order)["chargeback"]["amount"] == 0
