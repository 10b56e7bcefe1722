"""Refunds as people ask for them: whole orders, lines, gestures, before and after shipment."""

from __future__ import annotations

import pytest

from shared.contracts.registry import EVENTS
from tests.suite import coordinator, customer, integrator, seller, supplier

LAMP, RUG = "lin_1001_1", "lin_1001_2"


@pytest.mark.capability("S0-04", "S0-19")
def test_a_shipped_order_is_refunded_as_a_whole_with_its_shipping(shop):
    order = shop.order(shipped=True)

    refund = shop.request(order, "post_shipment_order", shipping=True)
    shop.suite.settle()

    paid = shop.refund(refund["id"])
    assert paid["state"] == "succeeded"
    assert paid["amount"] == {"amount": 17490, "currency": "EUR"}
    assert [line["amount"] for line in paid["lines"]] == [8743, 8257]
    told = shop.told("refund.succeeded")[0]
    assert told["fully_refunded"] is True
    assert told["order_refunded_total"] == {"amount": 17490, "currency": "EUR"}
    assert told["available_after"] == 0
    assert shop.envelope(order)["nothing_left_because"] == "refunded"


@pytest.mark.capability("S0-04")
def test_a_paid_order_of_which_nothing_left_is_refunded_totally(shop):
    order = shop.order()
    shop.request(order, "commercial_gesture", amount={"amount": 333, "currency": "EUR"})

    refund = shop.request(order, "cancellation", reason_code="out_of_stock")
    shop.suite.settle()

    assert shop.refund(refund["id"])["amount"]["amount"] == 17490 - 333
    assert [tax["available"] for tax in shop.envelope(order)["taxes"]] == [0]
    assert shop.told("refund.succeeded")[-1]["fully_refunded"] is True


@pytest.mark.capability("S0-05", "S0-18")
def test_only_the_chosen_line_of_a_shipped_order_is_refunded(shop):
    order = shop.order(shipped=True)

    refund = shop.request(order, "post_shipment_lines", lines=[{"line_id": RUG}])
    shop.suite.settle()

    assert shop.refund(refund["id"])["lines"] == [
        {
            "line_id": RUG,
            "qty": 1,
            "amount": 8257,
            "taxes": [{"code": "FR_VAT_20", "rate": "20", "amount": 1376}],
        }
    ]
    lines = {line["line_id"]: line["available"] for line in shop.envelope(order)["lines"]}
    assert lines == {LAMP: 8743, RUG: 0}


@pytest.mark.capability("S0-06", "S0-20")
@pytest.mark.parametrize("shipped", [False, True])
def test_a_commercial_gesture_refunds_a_free_amount_in_any_phase_after_payment(shop, shipped):
    order = shop.order(shipped=shipped)

    refund = shop.request(order, "commercial_gesture", amount={"amount": 1000, "currency": "EUR"})
    shop.suite.settle()

    paid = shop.refund(refund["id"])
    assert (paid["state"], paid["amount"]["amount"]) == ("succeeded", 1000)
    assert all("qty" not in line for line in paid["lines"])
    assert shop.envelope(order)["available"] == 16490


def test_a_gesture_on_an_order_that_is_not_paid_is_refused(shop):
    order = shop.order(paid=False)

    problem = shop.refused(order, "commercial_gesture", amount={"amount": 1000, "currency": "EUR"})

    assert problem["code"] == "ORDER_NOT_PAID"


@pytest.mark.capability("S0-17")
def test_a_line_that_the_seller_refuses_to_ship_is_refunded_before_shipment_for_exactly_the_refused_units(shop):
    order = shop.order()

    shop.suite.do(
        "order.validate_lines",
        shop.seller,
        order_id=order["id"],
        lines=[{"line_id": LAMP, "action": "refuse", "quantity": 1, "reason_code": "out_of_stock"}],
    )
    shop.suite.settle()

    (refund,) = shop.refunds(order)
    assert (refund["kind"], refund["state"], refund["amount"]["amount"]) == ("pre_shipment", "succeeded", 4371)
    assert [(line["line_id"], line["qty"]) for line in refund["lines"]] == [(LAMP, 1)]
    assert refund["reason"]["code"] == "out_of_stock"


def test_refusing_the_last_units_refunds_every_cent_of_the_order_once(shop):
    order = shop.order()
    refusals = [{"line_id": line, "action": "refuse", "reason_code": "out_of_stock"} for line in (LAMP, RUG)]

    shop.suite.do("order.validate_lines", shop.seller, order_id=order["id"], lines=refusals)
    shop.suite.settle()

    amounts = sorted(refund["amount"]["amount"] for refund in shop.refunds(order))
    assert amounts == [490, 8257, 8743]
    assert shop.envelope(order)["succeeded"] == 17490


def test_a_cancelled_order_gives_back_everything_that_was_captured(shop):
    order = shop.order()

    shop.suite.do("order.cancel", shop.seller, order_id=order["id"], reason_code="out_of_stock")
    shop.suite.settle()

    (refund,) = shop.refunds(order)
    assert (refund["kind"], refund["state"], refund["amount"]["amount"]) == ("cancellation", "succeeded", 17490)


def test_an_order_cancelled_before_it_was_paid_owes_nothing(shop):
    order = shop.order(paid=False)

    shop.suite.do("order.cancel", shop.seller, order_id=order["id"], reason_code="out_of_stock")
    shop.suite.settle()

    assert shop.refunds(order) == []
    assert shop.suite.events("refund") == []


@pytest.mark.capability("S0-23")
def test_the_wrong_path_is_refused_with_its_reason(shop):
    unshipped, shipped = shop.order(), shop.order("1002", shipped=True)

    too_early = shop.refused(unshipped, "post_shipment_lines", lines=[{"line_id": LAMP}])
    nothing_shipped = shop.refused(unshipped, "post_shipment_order")
    too_late = shop.refused(shipped, "pre_shipment", lines=[{"line_id": "lin_1002_1"}])

    assert (too_early["code"], nothing_shipped["code"]) == ("LINE_NOT_SHIPPED", "LINE_NOT_SHIPPED")
    assert (too_late["code"], too_late["rule"]) == ("LINE_ALREADY_SHIPPED", "E1")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"kind": "commercial_gesture", "amount": {"amount": 17491, "currency": "EUR"}}, "AMOUNT_EXCEEDS_REFUNDABLE"),
        ({"kind": "commercial_gesture", "amount": {"amount": 100, "currency": "USD"}}, "WRONG_CURRENCY"),
        ({"kind": "commercial_gesture", "amount": {"amount": 0, "currency": "EUR"}}, "INVALID_INPUT"),
        ({"kind": "commercial_gesture", "amount": {"amount": 1.5, "currency": "EUR"}}, "INVALID_INPUT"),
        ({"kind": "commercial_gesture"}, "INVALID_INPUT"),
        ({"kind": "commercial_gesture", "amount": {"amount": 1, "currency": "EUR"}, "lines": [{"line_id": LAMP}]},
         "INVALID_INPUT"),
        ({"kind": "post_shipment_lines", "lines": [{"line_id": LAMP}, {"line_id": LAMP}]}, "INVALID_INPUT"),
        ({"kind": "post_shipment_lines", "lines": [{"line_id": "lin_of_nobody"}]}, "UNKNOWN_PART"),
        ({"kind": "post_shipment_lines", "lines": [{"line_id": LAMP, "qty": 3}]}, "LINE_NOT_SHIPPED"),
        ({"kind": "post_shipment_lines", "lines": [{"line_id": LAMP, "amount": 8744}]}, "AMOUNT_EXCEEDS_REFUNDABLE"),
        ({"kind": "post_shipment_lines", "lines": [{"line_id": LAMP}], "reason_code": "because"}, "UNKNOWN_REASON"),
        ({"kind": "post_shipment_lines", "lines": [{"line_id": LAMP}], "instrument": "coupon"},
         "INSTRUMENT_NOT_ALLOWED"),
        ({"kind": "post_shipment_lines", "lines": [{"line_id": LAMP}], "claim_id": "clm_late"}, "CLAIM_NOT_SYNCED"),
        ({"kind": "external"}, "INVALID_INPUT"),
        ({"kind": "cancellation", "state": "succeeded"}, "INVALID_INPUT"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_and_reserves_nothing(shop, args, code):
    order = shop.order(shipped=True)

    problem = shop.refused(order, **args)

    assert problem["code"] == code
    assert shop.envelope(order)["available"] == 17490


def test_units_that_were_refunded_are_not_refunded_again(shop):
    order = shop.order(shipped=True)
    shop.request(order, "post_shipment_lines", lines=[{"line_id": LAMP, "qty": 2}])

    problem = shop.refused(order, "post_shipment_lines", lines=[{"line_id": LAMP, "qty": 1}])

    assert problem["code"] == "UNITS_ALREADY_REFUNDED"


def test_an_order_that_has_not_arrived_is_to_be_asked_again(shop):
    problem = shop.refused({"id": "ord_of_tomorrow"}, "post_shipment_order")

    assert (problem["code"], problem["status"], problem["retry_after"]) == ("ORDER_NOT_SYNCED", 409, 1)


def test_the_quote_says_what_the_request_then_does_and_reserves_nothing(shop):
    order = shop.order(shipped=True)
    wish = {"kind": "post_shipment_lines", "lines": [{"line_id": LAMP, "qty": 1}], "shipping": True}

    quote = shop.suite.do("refund.quote", shop.seller, order_id=order["id"], **wish)
    untouched = shop.envelope(order)["available"]
    refund = shop.request(order, **wish)

    assert untouched == 17490
    assert quote["amount"] == {"amount": 4861, "currency": "EUR"}
    for field in ("amount", "tax_total", "lines", "shipping", "taxes"):
        assert quote[field] == refund[field], field
    assert quote["valid_until"] == "2026-11-02T09:15:00.000Z"


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (seller("sel_other"), "ORDER_NOT_SYNCED"),
        (integrator("sel_other"), "ORDER_NOT_SYNCED"),
        (supplier(), "ORDER_NOT_SYNCED"),
        (customer("cus_other"), "ORDER_NOT_SYNCED"),
        (customer("cus_1"), "FORBIDDEN"),
        (seller("sel_1", tenant="other"), "ORDER_NOT_SYNCED"),
    ],
)
def test_who_may_not_refund_an_order_is_refused_and_a_stranger_does_not_learn_that_it_exists(shop, who, code):
    order = shop.order(shipped=True)

    problem = shop.refused(order, "post_shipment_order", who)

    assert problem["code"] == code


def test_a_customer_sees_his_refund_and_its_credit_note_and_nothing_of_the_inside(shop):
    order = shop.order(shipped=True)
    refund = shop.request(order, "post_shipment_order")
    shop.suite.settle()

    mine = shop.suite.do("refund.get", customer("cus_1"), refund_id=refund["id"])
    note = shop.suite.do("credit_note.get", customer("cus_1"), credit_note_id=mine["credit_note_id"])

    assert mine["state"] == "succeeded"
    assert mine["allowed_actions"] == []
    assert not {"verdicts", "requested_by", "decided_by", "provider_ref", "funding", "failure"} & set(mine)
    assert note["number"] == "AV-2026-000001"
    assert note["total"] == mine["amount"]
    for stranger in (customer("cus_other"), seller("sel_other"), supplier()):
        assert shop.suite.refused("refund.get", stranger, refund_id=refund["id"])["code"] == "NOT_FOUND"
        assert shop.suite.refused("credit_note.get", stranger, credit_note_id=note["id"])["code"] == "NOT_FOUND"
        foreign = shop.suite.refused("refund.envelope", stranger, order_id=order["id"])
        assert foreign == shop.suite.refused("refund.envelope", stranger, order_id="ord_that_never_was")
        assert shop.suite.do("refund.list", stranger)["items"] == []


def test_credit_notes_are_numbered_without_gaps_and_anew_each_year(shop):
    for number in ("1001", "1002", "1003"):
        shop.request(shop.order(number, shipped=True), "post_shipment_order")
    shop.suite.settle()
    order = shop.order("1004", shipped=True)
    shop.suite.advance(days=90)
    shop.request(order, "post_shipment_order")
    shop.suite.settle()

    numbers = [note["number"] for note in shop.told("credit_note.issued")]

    assert numbers == ["AV-2026-000001", "AV-2026-000002", "AV-2026-000003", "AV-2027-000001"]


def test_every_event_keeps_to_its_published_schema_and_carries_no_text(shop):
    order = shop.order(shipped=True)
    shop.request(order, "commercial_gesture", amount={"amount": 500, "currency": "EUR"})
    shop.request(order, "post_shipment_order", shipping=True)
    shop.suite.settle()

    events = shop.suite.events("refund")

    assert {event.type for event in events} == {
        "refund.requested",
        "refund.approved",
        "refund.processing",
        "refund.succeeded",
        "credit_note.issued",
    }
    for event in events:
        EVENTS[event.type].schema.load(event.data)


def test_the_list_is_paged_newest_change_first_within_what_the_caller_may_see(shop):
    for number in ("1001", "1002", "1003"):
        shop.request(shop.order(number, shipped=True), "post_shipment_order")
        shop.suite.clock.advance(seconds=1)
    shop.suite.do("refund.list", coordinator(), limit=1)

    first = shop.suite.do("refund.list", seller(), limit=2)
    rest = shop.suite.do("refund.list", seller(), limit=2, cursor=first["next_cursor"])

    seen = [refund["requested_at"] for refund in first["items"] + rest["items"]]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 3
    assert rest["next_cursor"] is None
