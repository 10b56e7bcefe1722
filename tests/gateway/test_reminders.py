"""Reminders are for what the customer has and keeps (S4-25, S4-29): whatever is refunded, added or taken back when."""

from __future__ import annotations

import pytest

from tests.gateway.test_orders import FILTER, bodies, mails, paid_order
from tests.gateway.test_subscriptions import execute, refund_module, subscription
from tests.suite import PARCEL, agent, integrator, seller

LINE = "lin_filter_1001"  # 60 filters, two a day: used up after 30 days


@pytest.fixture
def api(api_of):
    return api_of("order", "refund", "notification", instant_provider=True, mail="folder")


def filters_on_their_way(api):
    line = {**FILTER, "line_id": LINE}
    order = paid_order(api, profile="box", lines=[line], discount=0, shipping=[], total=6000)
    api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    api.suite.settle()
    return order


def deliver(api, order):
    api.post(f"/v1/orders/{order['id']}:deliver", seller())
    api.suite.settle()


def refund(api, order, units, **wish):
    lines = [{"line_id": LINE, "qty": units}]
    body = {"order_id": order["id"], "kind": "post_shipment_lines", "lines": lines, "reason_code": "missing_items"}
    made = api.post("/v1/refunds", seller(), {**body, **wish}, status=201)
    api.suite.settle()
    assert api.get(f"/v1/refunds/{made['id']}", seller())["state"] == "succeeded"


def revoke_the_coupon(api, who):
    [coupon] = api.get("/v1/coupons", who)["items"]
    api.post(f"/v1/coupons/{coupon['id']}:revoke", who)
    api.suite.settle()


def reminders(api):
    return [mail for mail in mails(api, "ada@customer.example") if "Soon used up" in mail["Subject"]]


@pytest.mark.capability("S4-29")
def test_what_was_refunded_before_it_arrived_is_not_reminded_of(api):
    order = filters_on_their_way(api)
    refund(api, order, 60)
    deliver(api, order)

    api.suite.advance(days=60)

    assert (reminders(api), bodies(api, "lifecycle.planned")) == ([], [])


@pytest.mark.capability("S4-29")
def test_units_that_were_refunded_on_the_way_count_with_those_that_are_refunded_later(api):
    order = filters_on_their_way(api)
    refund(api, order, 20)
    deliver(api, order)
    assert len(bodies(api, "lifecycle.planned")) == 1
    refund(api, order, 40)

    api.suite.advance(days=60)

    assert [each["reason"] for each in bodies(api, "lifecycle.cancelled")] == ["refunded"]
    assert reminders(api) == []


@pytest.mark.capability("S4-25")
def test_a_refund_that_was_taken_back_does_not_count_as_one(api):
    order = filters_on_their_way(api)
    deliver(api, order)
    refund(api, order, 30, instrument="coupon")
    revoke_the_coupon(api, seller())
    refund(api, order, 30)

    api.suite.advance(days=60)

    assert bodies(api, "lifecycle.cancelled") == []
    assert len(reminders(api)) == 1


@pytest.mark.capability("S4-25", "S4-26")
def test_what_was_added_to_a_delivered_order_has_a_reminder_of_its_own(api):
    order = filters_on_their_way(api)
    deliver(api, order)
    oil = {**FILTER, "line_id": "lin_oil", "product_id": "prd_oil", "title": "Oil", "quantity": 20, "sku": "OIL"}
    api.post(f"/v1/orders/{order['id']}/lines", seller(), {"line": oil, "currency": "EUR"}, status=201)
    paid = {"payment_id": "pay_oil", "provider": "stripe", "provider_ref": "pi_oil"}
    paid |= {"amount": {"amount": 2000, "currency": "EUR"}}
    api.post(f"/v1/orders/{order['id']}/payments", integrator(), paid)
    api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})

    api.suite.advance(days=4)  # nobody tells of its delivery: three days after it left it counts as arrived
    api.suite.advance(days=60)

    assert sorted(mail["Subject"] for mail in reminders(api)) == [
        "Soon used up: Filter cartridge",
        "Soon used up: Oil",
    ]
    assert [each["line_id"] for each in bodies(api, "lifecycle.planned")] == [LINE, "lin_oil"]


def test_a_part_that_was_refunded_taken_back_and_refunded_again_is_no_whole(api_of):
    from tests.gateway.test_orders import supported_order

    api = api_of(instant_provider=True)
    order = supported_order(api)
    half = {"lines": [{"line_id": "lin_module", "amount": 12000}]}
    promise = {**half, "instrument": "coupon", "order_id": order["id"], "kind": "post_shipment_lines"}
    execute(api, api.post("/v1/refunds", agent(), {**promise, "reason_code": "not_downloaded"}, status=201))
    revoke_the_coupon(api, agent())

    execute(api, refund_module(api, order, **half))

    assert subscription(api) == "active"
    execute(api, refund_module(api, order))
    assert subscription(api) == "terminated"
