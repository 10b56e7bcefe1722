"""The merchant's follow-up box: a problem ends with a coupon, by PayPal, or with a plain refund (S4-09, S4-10)."""

from __future__ import annotations

import pytest

from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import PARCEL, customer, integrator, order_args, payment_args, seller


@pytest.fixture
def api(api_of):
    return api_of(instant_provider=True)


def choose(api, claim, kind, **refund):
    api.post(f"/v1/claims/{claim['id']}/resolutions", seller(), {"kind": kind, "refund": refund})
    api.suite.settle()
    [made] = api.get(f"/v1/refunds?claim_id={claim['id']}", seller())["items"]
    return made


def state(api, claim):
    return api.get(f"/v1/claims/{claim['id']}", customer())["state"]


@pytest.mark.capability("S4-09")
def test_the_merchant_solves_a_problem_with_a_coupon_that_the_customer_can_spend(api):
    order = shipped_order(api, profile="box")
    claim = open_claim(api, order)
    offered = api.get(f"/v1/claims/{claim['id']}", seller())["allowed_resolutions"]

    made = choose(api, claim, "coupon", lines=[{"line_id": order["lines"][0]["line_id"], "qty": 1}])

    assert offered == ["coupon", "paypal", "refund"]
    assert (made["instrument"], made["state"], made["amount"]["amount"]) == ("coupon", "succeeded", 4371)
    [coupon] = api.get("/v1/coupons", customer())["items"]
    assert coupon["remaining"]["amount"] == 4371
    assert state(api, claim) == "resolved"


@pytest.mark.capability("S4-10")
def test_the_merchant_solves_a_problem_by_paypal_where_it_was_paid_by_paypal(api):
    order = api.post("/v1/orders", integrator(), order_args(profile="box"), status=201)
    payment = payment_args(order, provider="paypal", instrument="paypal")
    one = f"/v1/orders/{payment.pop('order_id')}"
    api.post(f"{one}/payments", integrator(), payment)
    api.post(f"{one}:ship", seller(), {"parcel": PARCEL})
    api.suite.settle()
    claim = open_claim(api, order)

    made = choose(api, claim, "paypal")

    assert (made["instrument"], made["state"], made["amount"]["amount"]) == ("paypal", "succeeded", 17000)
    assert state(api, claim) == "resolved"


def test_paypal_for_what_was_paid_otherwise_waits_for_a_second_person(api):
    """M12: money that leaves by another way than it came."""
    claim = open_claim(api, shipped_order(api, profile="box"))

    made = choose(api, claim, "paypal")

    assert (made["instrument"], made["state"]) == ("paypal", "pending_approval")
    assert state(api, claim) == "in_progress"


def test_other_profiles_offer_no_coupon_and_the_box_no_replacement(api):
    issue = open_claim(api, shipped_order(api))
    box = open_claim(api, shipped_order(api, number="1002", profile="box"))
    for claim, kind in ((issue, "coupon"), (issue, "paypal"), (box, "replacement"), (box, "gesture")):
        wish = (
            {"kind": kind, "refund": {"amount": {"amount": 1, "currency": "EUR"}}}
            if kind == "gesture"
            else {"kind": kind}
        )
        path = f"/v1/claims/{claim['id']}/resolutions"
        api.refused("POST", path, seller(), "RESOLUTION_NOT_OFFERED", body=wish)
