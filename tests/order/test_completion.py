"""Orders that complete by themselves: after the marketplace's delay, whether or not anybody tells of the delivery."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.suite import PARCEL, agent, customer, order_args, payment_args, seller

DELAY = 14  # days, after the delivery
UNTOLD = 30 + DELAY  # days, after the last shipment
SECOND = timedelta(seconds=1)


@pytest.fixture
def orders(suite_of):
    suite = suite_of("order", "claim")
    suite.do("marketplace.configure", agent(), marketplace="main", complete_after_days=DELAY)
    return suite


def paid(orders):
    order = orders.do("order.place", seller(), **order_args())
    order = orders.do("order.capture_payment", agent(), **payment_args(order))
    orders.settle()
    return order


def ship(orders, order, *lines):
    named = {"lines": [{"line_id": line["line_id"], "quantity": line["ordered"]} for line in lines]} if lines else {}
    orders.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL, **named)
    orders.settle()


def phase(orders, order):
    return orders.do("order.get", seller(), order_id=order["id"])["phase"]


def completes_in(orders, order, days):
    """Not one second before, once after, and never again."""
    before = phase(orders, order)
    orders.advance(days=days, seconds=-1)
    assert (phase(orders, order), orders.events("order", "order.completed")) == (before, [])
    orders.advance(seconds=1)
    assert phase(orders, order) == "completed"
    orders.advance(days=2 * UNTOLD)
    assert orders.event_types("order").count("order.completed") == 1


def test_an_order_whose_delivery_nobody_tells_completes_after_its_way_and_the_delay(orders):
    order = paid(orders)
    ship(orders, order)

    completes_in(orders, order, days=UNTOLD)


def test_a_delivery_that_is_told_later_counts_instead(orders):
    order = paid(orders)
    ship(orders, order)
    orders.advance(days=UNTOLD - 1)
    orders.do("order.deliver", seller(), order_id=order["id"])

    completes_in(orders, order, days=DELAY)


def test_the_way_of_an_order_in_several_parcels_begins_with_the_last_of_them(orders):
    order = paid(orders)
    lamps, rug = order["lines"]
    ship(orders, order, lamps)
    orders.advance(days=2 * UNTOLD)
    assert phase(orders, order) == "partially_shipped"
    ship(orders, order, rug)

    completes_in(orders, order, days=UNTOLD)


def test_an_order_whose_rest_is_refused_completes_by_itself_too(orders):
    order = paid(orders)
    lamps, rug = order["lines"]
    ship(orders, order, lamps)
    refuse = {"line_id": rug["line_id"], "action": "refuse", "reason_code": "out_of_stock"}
    orders.do("order.validate_lines", seller(), order_id=order["id"], lines=[refuse])

    completes_in(orders, order, days=UNTOLD)


def test_an_open_claim_holds_it_and_the_day_after_its_end_it_completes(orders):
    order = paid(orders)
    ship(orders, order)
    orders.advance(days=UNTOLD, seconds=-1)
    wish = {"order_id": order["id"], "reason_code": "missing_items", "text": "Nothing has come."}
    claim = orders.do("claim.open", customer(), **wish)
    orders.settle()
    orders.advance(days=1)
    assert (phase(orders, order), orders.events("order", "order.completed")) == ("shipped", [])
    orders.do("claim.withdraw", customer(), claim_id=claim["id"])
    orders.settle()

    completes_in(orders, order, days=1)


def test_what_was_added_and_paid_leaves_before_the_order_completes(orders):
    order = paid(orders)
    ship(orders, order)
    cup = {"line_id": "lin_cup", "product_id": "prd_cup", "sku": "CUP", "title": "Cup", "quantity": 1}
    line = {**cup, "unit_price": 1900}
    grown = orders.do("order.add_line", seller(), order_id=order["id"], line=line, currency="EUR")
    more = payment_args(grown, payment_id="pay_cup", provider_ref="pi_cup", amount=grown["amount_due"])
    orders.do("order.capture_payment", agent(), **more)
    orders.advance(days=UNTOLD + 3)
    assert phase(orders, order) == "shipped"
    ship(orders, order)

    completes_in(orders, order, days=UNTOLD)


def test_without_a_delay_a_person_completes_what_was_shipped(orders):
    orders.do("marketplace.configure", agent(), marketplace="main", complete_after_days=None)
    order = paid(orders)
    ship(orders, order)
    orders.advance(days=10 * UNTOLD)

    assert phase(orders, order) == "shipped"
    assert orders.do("order.complete", agent(), order_id=order["id"])["phase"] == "completed"
