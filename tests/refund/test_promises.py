"""Coupons and store credit: given out against the cap, spent once, revoked or lapsed."""

from __future__ import annotations

import pytest

from shared.contracts.registry import EVENTS
from tests.suite import coordinator, customer, seller


@pytest.fixture
def order(shop):
    return shop.order(profile="box")


def cancelled_with(shop, order, instrument):
    shop.suite.do(
        "order.cancel", seller(), order_id=order["id"], reason_code="out_of_stock", refund_instrument=instrument
    )
    shop.suite.settle()
    return shop.refunds(order)[0]


def coupon_of(shop, order, who=None):
    (found,) = shop.suite.do("coupon.list", who or seller(), order_id=order["id"])["items"]
    return found


@pytest.mark.capability("S4-09")
def test_an_order_that_cannot_be_honoured_is_refunded_by_a_coupon_which_its_customer_can_read(shop, order):
    refund = cancelled_with(shop, order, "coupon")

    coupon = coupon_of(shop, order, customer())
    assert (refund["state"], refund["instrument"], refund["kind"]) == ("succeeded", "coupon", "cancellation")
    assert (coupon["value"]["amount"], coupon["state"], len(coupon["code"])) == (17490, "issued", 16)
    assert shop.envelope(order)["available"] == 0
    assert shop.envelope(order)["coupons_outstanding"] == 17490
    assert coupon_of(shop, order, coordinator())["code"] is None
    assert shop.suite.do("coupon.list", customer("cus_other"))["items"] == []
    (told,) = shop.told("coupon.issued")
    assert coupon["code"] not in str(told)


@pytest.mark.capability("S4-09", "T23")
def test_a_coupon_is_spent_in_parts_and_never_beyond_what_remains(shop, order):
    cancelled_with(shop, order, "coupon")
    code = coupon_of(shop, order)["code"]
    some = {"amount": 10000, "currency": "EUR"}

    first = shop.suite.do("coupon.redeem", seller(), code=code.lower(), amount=some, used_for="2001")
    too_much = shop.suite.refused("coupon.redeem", seller(), code=code, amount=some, used_for="2002")
    rest = shop.suite.do("coupon.redeem", seller(), code=code, used_for="2002")
    again = shop.suite.refused("coupon.redeem", seller(), code=code, used_for="2003")
    foreign = shop.suite.refused("coupon.redeem", seller("sel_other"), code=code, used_for="2003")

    assert (first["state"], first["remaining"]["amount"]) == ("partly_used", 7490)
    assert (too_much["code"], again["code"]) == ("COUPON_INSUFFICIENT", "COUPON_NOT_USABLE")
    assert foreign["code"] == "NOT_FOUND"
    assert (rest["state"], rest["remaining"]["amount"]) == ("used", 0)
    for event in shop.suite.events("refund"):
        EVENTS[event.type].schema.load(event.data)


@pytest.mark.capability("S4-09")
def test_the_unused_part_of_a_revoked_coupon_is_refundable_again_by_another_way(shop, order):
    cancelled_with(shop, order, "coupon")
    coupon = coupon_of(shop, order)
    spent = {"amount": 5000, "currency": "EUR"}
    shop.suite.do("coupon.redeem", seller(), coupon_id=coupon["id"], amount=spent, used_for="2001")

    shop.suite.do("coupon.revoke", seller(), coupon_id=coupon["id"])
    free = shop.envelope(order)["available"]
    shop.request(order, "cancellation", reason_code="out_of_stock")
    shop.suite.settle()

    assert free == 12490
    assert shop.envelope(order)["succeeded"] == 17490
    assert [tax["available"] for tax in shop.envelope(order)["taxes"]] == [0]


def test_an_unused_coupon_that_is_revoked_reverses_its_refund(shop, order):
    refund = cancelled_with(shop, order, "coupon")

    shop.suite.do("coupon.revoke", seller(), coupon_id=coupon_of(shop, order)["id"])

    assert shop.refund(refund["id"])["state"] == "reversed"
    assert shop.envelope(order)["available"] == 17490


def test_a_coupon_lapses_after_its_days_and_the_cap_stays_closed(shop, order):
    cancelled_with(shop, order, "coupon")
    code = coupon_of(shop, order)["code"]

    shop.suite.advance(days=366)

    assert coupon_of(shop, order)["state"] == "expired"
    assert shop.suite.refused("coupon.redeem", seller(), code=code, used_for="2001")["code"] == "COUPON_NOT_USABLE"
    assert shop.envelope(order)["available"] == 0


def test_store_credit_has_no_code_and_does_not_lapse(shop, order):
    cancelled_with(shop, order, "store_credit")

    credit = coupon_of(shop, order)

    assert (credit["form"], credit["code"], credit["expires_at"]) == ("store_credit", None, None)


@pytest.mark.capability("T24")
def test_a_seller_of_another_profile_may_not_choose_the_instrument(shop):
    order = shop.order(shipped=True)

    problem = shop.refused(order, "post_shipment_order", instrument="coupon")

    assert (problem["code"], problem["rule"]) == ("INSTRUMENT_NOT_ALLOWED", "M12")
