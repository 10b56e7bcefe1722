"""A refund that failed is tried again once, and only for what can still be refunded (REF-13, E1, C22)."""

from __future__ import annotations

import pytest

from tests.order.test_internal_claims import paid_order
from tests.suite import PARCEL, agent, seller

ONE_LAMP = {"lines": [{"line_id": "lin_1001_1", "qty": 1}], "reason_code": "damaged_items"}  # 43.71


def ship(counter, order):
    counter.api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    counter.suite.settle()


def refund(counter, order, kind="post_shipment_lines"):
    made = counter.api.post("/v1/refunds", seller(), {"order_id": order["id"], "kind": kind, **ONE_LAMP}, status=201)
    counter.suite.settle()
    return made


def failed_refund(counter, order, **asked):
    counter.outside.faults(refuse="insufficient_funds", times=1, provider="stripe")
    made = counter.api.get(f"/v1/refunds/{refund(counter, order, **asked)['id']}", seller())
    assert (made["state"], made["allowed_actions"]) == ("failed", ["retry"])
    return made


def retry(counter, failed):
    return counter.api.post(f"/v1/refunds/{failed['id']}:retry", seller(), {}, status=201)


def refused(counter, failed, code):
    before = counter.suite.event_count()
    problem = counter.api.refused("POST", f"/v1/refunds/{failed['id']}:retry", seller(), code, body={})
    assert counter.suite.event_count() == before
    return problem


def money(counter, order):
    envelope = counter.api.get(f"/v1/orders/{order['id']}/refund-envelope", agent())
    return envelope["succeeded"], envelope["reserved"]


@pytest.mark.capability("C22", "M16")
def test_two_people_who_try_a_failed_refund_again_pay_it_once(counter):
    order = paid_order(counter)
    ship(counter, order)
    failed = failed_refund(counter, order)

    again = retry(counter, failed)
    at_once = counter.api.refused("POST", f"/v1/refunds/{failed['id']}:retry", seller(), "ALREADY_RETRIED", body={})
    counter.suite.settle()
    later = refused(counter, failed, "ALREADY_RETRIED")

    assert [each["details"]["refund_id"] for each in (at_once, later)] == [again["id"]] * 2
    assert (at_once["rule"], at_once["status"]) == ("REF-13", 409)
    assert counter.api.get(f"/v1/refunds/{failed['id']}", seller())["allowed_actions"] == []
    listed = {one["id"]: one for one in counter.api.get("/v1/refunds", seller())["items"]}
    assert (listed[failed["id"]]["allowed_actions"], listed[again["id"]]["state"]) == ([], "succeeded")
    assert [one["amount"] for one in counter.outside.refunds("pi_1001")] == [4371]
    assert money(counter, order) == (4371, 0)


def test_a_retry_that_failed_is_the_one_to_try_next(counter):
    order = paid_order(counter)
    ship(counter, order)
    first = failed_refund(counter, order)
    counter.outside.faults(refuse="insufficient_funds", times=1, provider="stripe")
    second = retry(counter, first)
    counter.suite.settle()

    assert refused(counter, first, "ALREADY_RETRIED")["details"] == {"refund_id": second["id"]}
    third = retry(counter, second)
    counter.suite.settle()

    assert third["retry_of"] == second["id"]
    assert [one["amount"] for one in counter.outside.refunds("pi_1001")] == [4371]
    assert money(counter, order) == (4371, 0)


def test_a_retry_that_was_taken_back_leaves_the_way_open_for_another(counter):
    order = paid_order(counter, profile="support")
    ship(counter, order)
    failed = refund(counter, order)
    counter.outside.faults(refuse="insufficient_funds", times=1, provider="stripe")
    counter.api.post(f"/v1/refunds/{failed['id']}:execute", agent())
    counter.suite.settle()
    taken_back = retry(counter, failed)
    counter.api.post(f"/v1/refunds/{taken_back['id']}:cancel", seller())
    counter.suite.settle()

    assert counter.api.get(f"/v1/refunds/{failed['id']}", seller())["allowed_actions"] == ["retry"]
    another = retry(counter, failed)

    assert (another["state"], another["retry_of"]) == ("approved", failed["id"])
    assert money(counter, order) == (0, 4371)


@pytest.mark.capability("E1")
def test_units_that_have_left_since_are_not_refunded_before_shipment_by_a_retry(counter):
    order = paid_order(counter)
    failed = failed_refund(counter, order, kind="pre_shipment")
    ship(counter, order)

    problem = refused(counter, failed, "LINE_ALREADY_SHIPPED")

    assert problem["rule"] == "E1"
    assert money(counter, order) == (0, 0)


@pytest.mark.capability("E1")
def test_a_retry_takes_the_units_on_the_path_that_is_theirs_today(counter):
    order = paid_order(counter)
    failed = failed_refund(counter, order, kind="withdrawal")
    ship(counter, order)

    retry(counter, failed)
    counter.suite.settle()

    envelope = counter.api.get(f"/v1/orders/{order['id']}/refund-envelope", agent())
    lamps = envelope["lines"][0]
    assert (lamps["refundable_before_shipment"], lamps["refundable_after_shipment"]) == (0, 1)
    assert money(counter, order) == (4371, 0)


def test_units_that_were_refunded_meanwhile_are_not_refunded_again_by_a_retry(counter):
    order = paid_order(counter)
    ship(counter, order)
    failed = failed_refund(counter, order)
    both = {**ONE_LAMP, "lines": [{"line_id": "lin_1001_1", "qty": 2}]}
    kept = {"deductions": [{"code": "wear", "amount": 5000}], "kind": "post_shipment_lines"}
    counter.api.post("/v1/refunds", seller(), {"order_id": order["id"], **both, **kept}, status=201)
    counter.suite.settle()

    problem = refused(counter, failed, "UNITS_ALREADY_REFUNDED")

    assert problem["rule"] == "M5"
    assert money(counter, order) == (8743 - 5000, 0)
