"""Four eyes: what waits for a second person, who that may be, and what happens when nobody decides."""

from __future__ import annotations

import pytest

from tests.suite import PARCEL, agent, coordinator, customer, integrator, order_args, payment_args, seller


@pytest.fixture
def waiting(shop):
    """A gesture of 120.00 by the seller: above its 100.00 per order."""
    order = shop.order(shipped=True)
    return order, shop.request(order, "commercial_gesture", amount={"amount": 12000, "currency": "EUR"})


def test_a_gesture_above_the_limit_waits_reserved_and_is_paid_when_another_person_approves(shop, waiting):
    order, refund = waiting
    shop.suite.settle()
    held = shop.envelope(order)

    approved = shop.suite.do("refund.approve", coordinator(), refund_id=refund["id"])
    shop.suite.settle()

    assert refund["state"] == "pending_approval"
    assert (held["reserved"], held["available"], held["reserved_by"]) == (12000, 5490, [refund["id"]])
    assert shop.told("refund.approval_required")[0]["rules"] == ["T20"]
    assert approved["state"] == "processing"
    assert shop.refund(refund["id"])["state"] == "succeeded"
    assert shop.refund(refund["id"])["decided_by"]["id"] == "coo_1"


@pytest.mark.capability("T24")
def test_the_one_who_asked_does_not_approve_and_a_seller_never_does(shop):
    order = shop.order(shipped=True)
    mine = shop.request(order, "commercial_gesture", agent(), amount={"amount": 15000, "currency": "EUR"})
    shop_order = shop.order("1002", shipped=True)
    other = shop.request(shop_order, "post_shipment_order", agent(), instrument="bank_transfer")
    by_himself = {"refund_id": other["id"]}

    assert mine["state"] == "succeeded" or mine["state"] == "processing"
    assert other["state"] == "pending_approval"
    assert "approve" not in other["allowed_actions"]
    assert shop.suite.refused("refund.approve", agent(), **by_himself)["code"] == "FOUR_EYES_REQUIRED"
    assert shop.suite.refused("refund.approve", seller(), **by_himself)["code"] == "FORBIDDEN"
    assert shop.suite.refused("refund.approve", customer(), **by_himself)["code"] == "FORBIDDEN"
    assert shop.suite.refused("refund.approve", seller("sel_other"), **by_himself)["code"] == "NOT_FOUND"
    assert shop.refund(other["id"])["state"] == "pending_approval"


@pytest.mark.capability("T24")
def test_another_instrument_than_the_payment_is_for_staff_with_a_second_person_and_a_reference(shop):
    order = shop.order(shipped=True)
    by_seller = shop.refused(order, "post_shipment_order", instrument="bank_transfer")
    refund = shop.request(order, "post_shipment_order", agent(), instrument="bank_transfer")
    shop.suite.do("refund.approve", coordinator(), refund_id=refund["id"])
    shop.suite.settle()
    approved = shop.refund(refund["id"])

    without = shop.suite.refused("refund.execute", agent(), refund_id=refund["id"])
    paid = shop.suite.do("refund.execute", agent(), refund_id=refund["id"], reference="SEPA 2026-11-02/7")

    assert by_seller["code"] == "INSTRUMENT_NOT_ALLOWED"
    assert approved["state"] == "approved"
    assert "execute" in approved["allowed_actions"]
    assert without["code"] == "REFERENCE_REQUIRED"
    assert (paid["state"], paid["provider_ref"]) == ("succeeded", "SEPA 2026-11-02/7")
    assert shop.envelope(order)["available"] == 490


def test_the_limit_of_gestures_is_per_order_and_forgets_what_was_not_paid(shop):
    order = shop.order(shipped=True)
    first = shop.request(order, "commercial_gesture", amount={"amount": 6000, "currency": "EUR"})
    second = shop.request(order, "commercial_gesture", amount={"amount": 6000, "currency": "EUR"})
    shop.suite.do("refund.reject", coordinator(), refund_id=second["id"])

    third = shop.request(order, "commercial_gesture", amount={"amount": 4000, "currency": "EUR"})

    assert [first["state"], second["state"], third["state"]] == ["processing", "pending_approval", "processing"]


def test_a_rejected_refund_frees_the_money_and_says_so(shop, waiting):
    order, refund = waiting

    rejected = shop.suite.do("refund.reject", coordinator(), refund_id=refund["id"], reason_code="too_generous")

    assert (rejected["state"], rejected["decision_code"]) == ("rejected", "too_generous")
    assert shop.told("refund.rejected")[0]["available_after"] == 17490
    assert shop.envelope(order)["reserved"] == 0
    assert shop.suite.refused("refund.approve", coordinator(), refund_id=refund["id"])["code"] == "NOT_IN_THIS_STATE"


def test_a_refund_that_nobody_decided_for_seven_days_is_rejected_and_frees_the_money(shop, waiting):
    order, refund = waiting
    shop.suite.advance(days=7, seconds=-1)
    still = shop.refund(refund["id"])["state"]

    shop.suite.advance(seconds=1)

    assert still == "pending_approval"
    assert shop.refund(refund["id"])["state"] == "rejected"
    assert shop.told("refund.rejected")[0]["code"] == "approval_expired"
    assert shop.envelope(order)["available"] == 17490


def test_the_seller_takes_a_waiting_refund_back_but_not_one_that_is_being_paid(shop, waiting):
    order, refund = waiting
    paying = shop.request(order, "post_shipment_lines", lines=[{"line_id": "lin_1001_2", "amount": 100}])

    cancelled = shop.suite.do("refund.cancel", seller(), refund_id=refund["id"])
    too_late = shop.suite.refused("refund.cancel", seller(), refund_id=paying["id"])

    assert cancelled["state"] == "cancelled"
    assert too_late["code"] == "NOT_IN_THIS_STATE"


def test_an_approval_of_what_somebody_else_changed_meanwhile_is_refused(shop, waiting):
    _, refund = waiting

    answer = shop.suite.call("refund.approve", coordinator(), "key-1", refund["version"] + 1, refund_id=refund["id"])

    assert answer.body["code"] == "STALE_VERSION"


def test_what_came_by_mail_waits_for_a_person(shop):
    order = shop.order(shipped=True)
    by_mail = seller()
    by_mail = type(by_mail)(by_mail.role, by_mail.id, by_mail.tenant, party=by_mail.party, via="email")

    refund = shop.request(order, "post_shipment_order", by_mail)

    assert refund["state"] == "pending_approval"
    assert [one["rule"] for one in refund["verdicts"] if not one["passed"]] == ["REF-04"]


def test_limits_are_in_whole_units_of_the_currency_of_the_order(shop):
    """900,000 yen are above 1,000 yen; 9,000.00 euros are above 1,000 euros."""
    order = shop.suite.do("order.place", seller(), **_in_yen())
    shop.suite.do("order.capture_payment", shop.agent, **payment_args(order))
    shop.suite.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
    shop.suite.settle()

    small = shop.request(
        order, "post_shipment_lines", integrator("sel_1"), lines=[{"line_id": "lin_y", "amount": 1000}]
    )
    large = shop.request(
        order, "post_shipment_lines", integrator("sel_1"), lines=[{"line_id": "lin_y", "amount": 1001}]
    )

    assert (small["state"], large["state"]) == ("processing", "pending_approval")


def _in_yen():
    line = {"line_id": "lin_y", "product_id": "p", "sku": "S", "title": "Lamp", "quantity": 1, "unit_price": 9000}
    return order_args(currency="JPY", lines=[line], discount=0, shipping=[], total=9000)
