"""Placing, paying, shipping and completing orders through the order service's own commands."""

from __future__ import annotations

import pytest

from services.order.model import Settlement
from tests.suite import PARCEL, agent, coordinator, customer, integrator, order_args, payment_args, seller


@pytest.fixture
def orders(suite_of):
    return suite_of("order")


def paid(orders, **changes):
    order = orders.do("order.place", integrator(), **order_args(**changes))
    return orders.do("order.capture_payment", integrator(), **payment_args(order))


def test_a_placed_order_keeps_its_prices_taxes_and_discount_to_the_cent(orders):
    order = orders.do("order.place", integrator(), **order_args())
    assert order["phase"] == "awaiting_payment"
    assert [line["gross"] for line in order["lines"]] == [8743, 8257]
    assert [line["discount_alloc"] for line in order["lines"]] == [257, 243]
    assert [line["taxes"][0]["amount"] for line in order["lines"]] == [1457, 1376]
    assert order["total"] == {"amount": 17490, "currency": "EUR"}
    # how to reach the customer comes first: the mail about the order must not wait for it
    assert orders.event_types("order") == ["contact.recorded", "order.placed"]


def test_a_total_that_does_not_add_up_is_refused(orders):
    problem = orders.refused("order.place", integrator(), **order_args(total=17491))
    assert problem["code"] == "TOTAL_DOES_NOT_ADD_UP"
    assert problem["details"] == {"found": 17490, "given": 17491}


def test_an_order_is_paid_only_when_all_the_money_is_there(orders):
    order = orders.do("order.place", integrator(), **order_args())
    half = {"amount": 7490, "currency": "EUR"}
    rest = {"amount": 10000, "currency": "EUR"}
    order = orders.do("order.capture_payment", integrator(), **payment_args(order, amount=half))
    assert order["phase"] == "awaiting_payment"
    order = orders.do("order.capture_payment", integrator(), **payment_args(order, payment_id="pay_2", amount=rest))
    assert (order["phase"], order["captured"]["amount"]) == ("paid", 17490)


def test_the_same_payment_told_twice_counts_once(orders):
    order = paid(orders)
    again = orders.do("order.capture_payment", integrator(), **payment_args(order))
    assert again["captured"]["amount"] == 17490
    assert orders.event_types("order").count("order.payment_captured") == 1


def test_refusing_units_before_shipment_frees_their_stock_and_the_last_one_cancels_the_order(orders):
    order = paid(orders)
    lamps, rug = (line["line_id"] for line in order["lines"])
    refuse = {"action": "refuse", "reason_code": "out_of_stock"}
    order = orders.do(
        "order.validate_lines", seller(), order_id=order["id"], lines=[{"line_id": lamps, "quantity": 1, **refuse}]
    )
    assert order["phase"] == "paid"
    order = orders.do(
        "order.validate_lines",
        seller(),
        order_id=order["id"],
        lines=[{"line_id": lamps, **refuse}, {"line_id": rug, **refuse}],
    )
    assert order["phase"] == "cancelled"
    released = [event.data["qty"] for event in orders.events("order", "order.stock_released")]
    assert released == [1, 1, 1]


def test_shipping_part_then_the_rest(orders):
    order = paid(orders)
    lamps = order["lines"][0]["line_id"]
    order = orders.do(
        "order.ship", seller(), order_id=order["id"], parcel=PARCEL, lines=[{"line_id": lamps, "quantity": 1}]
    )
    assert order["phase"] == "partially_shipped"
    order = orders.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
    assert order["phase"] == "shipped"
    assert [line["shipped"] for line in order["lines"]] == [2, 1]


@pytest.mark.capability("S4-04")
def test_the_internal_state_is_for_administrators_only(orders):
    order = paid(orders)
    orders.do("order.set_internal_state", coordinator(), order_id=order["id"], code="fraud_inspection")
    assert orders.do("order.get", coordinator(), order_id=order["id"])["internal_state"]["code"] == "fraud_inspection"
    seen = orders.do("order.get", customer(), order_id=order["id"])
    assert "fraud" not in str(seen)
    assert orders.refused("order.set_internal_state", customer(), order_id=order["id"], code="clear")["code"] == (
        "FORBIDDEN"
    )


@pytest.mark.capability("S4-03")
def test_the_merchant_sets_the_state_that_the_customer_sees(orders):
    order = paid(orders)
    orders.do("order.set_public_state", seller(), order_id=order["id"], code="awaiting_stock")
    state = orders.do("order.get", customer(), order_id=order["id"])["public_state"]
    assert state == {"code": "awaiting_stock", "label": {"fr": "En attente de stock", "en": "Awaiting stock"}}
    assert orders.event_types("order")[-1] == "order.public_state_changed"


def test_a_stranger_finds_no_order(orders):
    order = paid(orders)
    for stranger in (customer("cus_2"), seller("sel_2"), agent(tenant="other")):
        assert orders.refused("order.get", stranger, order_id=order["id"])["code"] == "NOT_FOUND"
        assert orders.do("order.list", stranger)["items"] == []


def test_a_repeated_key_answers_the_same_and_another_body_is_refused(orders):
    first = orders.do("order.place", integrator(), key="k1", **order_args())
    assert orders.do("order.place", integrator(), key="k1", **order_args()) == first
    assert orders.refused("order.place", integrator(), key="k1", **order_args(number="7"))["code"] == (
        "IDEMPOTENCY_KEY_REUSED"
    )
    assert len(orders.do("order.list", integrator())["items"]) == 1


def test_a_stale_version_is_refused(orders):
    order = paid(orders)
    answer = orders.call("order.deliver", seller(), version=1, order_id=order["id"])
    assert (answer.status, answer.body["code"]) == (412, "STALE_VERSION")


def test_pages_lose_and_repeat_nothing(orders):
    numbers = {orders.do("order.place", integrator(), **order_args(number=str(n)))["number"] for n in range(7)}
    seen, cursor = [], None
    while True:
        page = orders.do("order.list", integrator(), limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [order["number"] for order in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert len(seen) == 7
    assert set(seen) == numbers


def test_only_the_last_of_two_claims_to_end_frees_the_settlement(suite):
    order = suite.do("order.place", integrator(), **order_args())
    suite.do("order.capture_payment", integrator(), **payment_args(order))
    suite.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
    suite.settle()
    claims = [
        suite.do("claim.open", customer(), order_id=order["id"], reason_code=reason, text="Broken")
        for reason in ("damaged_items", "missing_items")
    ]
    suite.settle()
    states = []
    for claim in claims:
        suite.do("claim.withdraw", customer(), claim_id=claim["id"])
        suite.settle()
        states.append(suite.do("order.get", agent(), order_id=order["id"])["settlement"]["state"])
    assert states == ["held", "open"]
    picked = suite.do("order.list", agent(), has_open_claims=True)["items"]
    assert picked == []


@pytest.mark.capability("I8")
def test_a_late_answer_about_an_abandoned_payout_settles_nothing(suite):
    order = suite.do("order.place", integrator(), **order_args())
    suite.do("order.capture_payment", integrator(), **payment_args(order))
    suite.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
    suite.do("order.complete", agent(), order_id=order["id"])
    suite.settle()
    suite.do("order.settle", agent(), order_id=order["id"], payout_ref="po_1")
    waiting = Settlement(id="ord_1", tenant="shop", seller_id="sel_1", currency="EUR", total=1, state="settling")
    waiting.payout_ref = "po_2"
    waiting.clear("po_1")
    waiting.block("po_1", ["clm_1"])
    assert (waiting.state, waiting.events) == ("settling", [])
    suite.settle()
    assert suite.do("order.get", agent(), order_id=order["id"])["settlement"]["state"] == "settled"
