"""What must not move money: a problem with its stable code and its rule each time, nothing reserved or published.

Links that are used again stand in tests/order/test_payment_links.py, a clock that is moved back in test_clock.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.test_journey import shipped_order
from tests.suite import agent, integrator, order_args, payment_args, seller

EUR = {"amount": 1000, "currency": "EUR"}
LAMP, RUG = "lin_1001_1", "lin_1001_2"


def gesture(amount: Any) -> dict[str, Any]:
    return {"kind": "commercial_gesture", "amount": amount, "reason_code": "goodwill"}


def lines(*asked: dict[str, Any], kind: str = "post_shipment_lines") -> dict[str, Any]:
    return {"kind": kind, "lines": list(asked), "reason_code": "damaged_items"}


REFUNDS = {
    "an amount as a float": (gesture({"amount": 10.0, "currency": "EUR"}), "INVALID_INPUT", "M1"),
    "an amount with decimals": (gesture({"amount": 9.99, "currency": "EUR"}), "INVALID_INPUT", "M1"),
    "an amount as text": (gesture({"amount": "1000", "currency": "EUR"}), "INVALID_INPUT", "M1"),
    "a negative amount": (gesture({"amount": -1, "currency": "EUR"}), "INVALID_INPUT", "M1"),
    "an amount of zero": (gesture({"amount": 0, "currency": "EUR"}), "INVALID_INPUT", "M1"),
    "an amount beyond all reason": (gesture({"amount": 10**16, "currency": "EUR"}), "INVALID_INPUT", "M1"),
    "no currency": (gesture({"amount": 10, "currency": "EURO"}), "INVALID_INPUT", "M1"),
    "another currency": (gesture({"amount": 10, "currency": "USD"}), "WRONG_CURRENCY", "M2"),
    "more than was paid": (gesture({"amount": 17491, "currency": "EUR"}), "AMOUNT_EXCEEDS_REFUNDABLE", "M9"),
    "more than the line": (lines({"line_id": RUG, "amount": 8258}), "AMOUNT_EXCEEDS_REFUNDABLE", "M9"),
    "a gesture without its amount": ({"kind": "commercial_gesture", "reason_code": "goodwill"}, "INVALID_INPUT", "M10"),
    "a line by a negative amount": (lines({"line_id": RUG, "amount": -5}), "INVALID_INPUT", "M1"),
    "a line by a float": (lines({"line_id": RUG, "amount": 5.5}), "INVALID_INPUT", "M1"),
    "half a unit": (lines({"line_id": LAMP, "qty": 0.5}), "INVALID_INPUT", "E1"),
    "no unit": (lines({"line_id": LAMP, "qty": 0}), "INVALID_INPUT", "E1"),
    "more units than were ordered": (lines({"line_id": LAMP, "qty": 3}), "LINE_NOT_SHIPPED", "E1"),
    "the path before shipment": (lines({"line_id": RUG, "qty": 1}, kind="pre_shipment"), "LINE_ALREADY_SHIPPED", "E1"),
    "a line of another order": (lines({"line_id": "lin_1002_1", "qty": 1}), "UNKNOWN_PART", "E1"),
    "no line at all": (lines(), "INVALID_INPUT", "E1"),
    "the same line twice": (lines({"line_id": RUG, "qty": 1}, {"line_id": RUG, "qty": 1}), "INVALID_INPUT", "E1"),
    "taxes of one's own": (
        lines({"line_id": RUG, "qty": 1, "taxes": [{"code": "XX", "amount": 1}]}),
        "INVALID_INPUT",
        "M3",
    ),
    "a tax code": (gesture(EUR) | {"tax_code": "XX_VAT_99"}, "INVALID_INPUT", "M3"),
    "a reason that is none": (gesture(EUR) | {"reason_code": "because"}, "UNKNOWN_REASON", "REF-02"),
    "an instrument of others": (gesture(EUR) | {"instrument": "bank_transfer"}, "INSTRUMENT_NOT_ALLOWED", "M12"),
    "funding that does not add up": (
        gesture(EUR) | {"funding": [{"party": "seller", "id": "sel_1", "amount": 999}]},
        "FUNDING_DIFFERS",
        "M21",
    ),
    "a deduction larger than it": (
        lines({"line_id": RUG, "qty": 1}) | {"deductions": [{"code": "wear", "amount": 9999}]},
        "DEDUCTION_EXCEEDS_REFUND",
        "M13",
    ),
    "a return that is not named": (lines({"line_id": RUG, "qty": 1}, kind="return"), "RETURN_REQUIRED", "E6"),
    "a quote that is none": (gesture(EUR) | {"quote_id": "qte_of_my_own"}, "QUOTE_DIFFERS", "REF-01"),
}


@pytest.fixture
def desk(api):
    """A shipped order, and another one beside it."""
    api.post("/v1/orders", integrator(), order_args("1002"), status=201)
    return api, shipped_order(api)


def untouched(api, order: dict[str, Any], captured: int = 17490) -> None:
    api.suite.settle()
    envelope = api.get(f"/v1/orders/{order['id']}/refund-envelope", agent())
    assert (envelope["captured"], envelope["reserved"], envelope["succeeded"]) == (captured, 0, 0)
    assert not [event for event in api.suite.events("refund") if event.stream in ("refund", "credit_note", "coupon")]


@pytest.mark.capability("M1", "M2", "M9", "E1")
@pytest.mark.parametrize(("body", "code", "rule"), REFUNDS.values(), ids=REFUNDS)
def test_a_refund_of_this_kind_is_refused_with_its_rule(desk, body, code, rule):
    api, order = desk

    for path in ("/v1/refunds", "/v1/refunds:quote"):
        if "quote_id" in body and path.endswith("quote"):
            continue
        problem = api.refused("POST", path, seller(), code, body={"order_id": order["id"], **body})
        assert (problem["rule"], problem["status"] < 500) == (rule, True)

    untouched(api, order)


def test_nothing_is_refunded_before_anything_is_paid(api):
    order = api.post("/v1/orders", integrator(), order_args("1001"), status=201)
    api.suite.settle()

    body = {"order_id": order["id"], **gesture(EUR)}
    problem = api.refused("POST", "/v1/refunds", seller(), "ORDER_NOT_PAID", body=body)

    assert problem["rule"] == "E2"
    untouched(api, order, captured=0)


def test_a_quote_is_kept_for_a_quarter_of_an_hour_and_to_the_cent(desk):
    api, order = desk
    asked = {"order_id": order["id"], **gesture(EUR)}
    quote = api.post("/v1/refunds:quote", seller(), asked)
    named = {**asked, "quote_id": quote["quote_id"]}

    other = {**named, "amount": {"amount": 1001, "currency": "EUR"}}
    differs = api.refused("POST", "/v1/refunds", seller(), "QUOTE_DIFFERS", body=other)
    api.suite.clock.advance(minutes=15)
    expired = api.refused("POST", "/v1/refunds", seller(), "QUOTE_EXPIRED", body=named)

    assert (differs["rule"], expired["rule"]) == ("REF-01", "REF-01")
    assert expired["details"]["until"] == quote["valid_until"]
    untouched(api, order)
    fresh = api.post("/v1/refunds:quote", seller(), asked)
    api.suite.clock.advance(minutes=14, seconds=59)
    refund = api.post("/v1/refunds", seller(), {**asked, "quote_id": fresh["quote_id"]}, status=201)
    assert refund["amount"] == fresh["amount"] == EUR


def test_a_quote_no_longer_holds_when_what_it_would_take_is_refunded_otherwise(desk):
    api, order = desk
    whole = {"order_id": order["id"], "kind": "post_shipment_order", "reason_code": "damaged_items"}
    quote = api.post("/v1/refunds:quote", seller(), whole)
    api.post("/v1/refunds", seller(), {"order_id": order["id"], **gesture(EUR)}, status=201)

    body = {**whole, "quote_id": quote["quote_id"]}
    problem = api.refused("POST", "/v1/refunds", seller(), "QUOTE_DIFFERS", body=body)

    assert problem["rule"] == "REF-01"


@pytest.mark.capability("B23")
def test_who_asked_for_a_refund_does_not_approve_it(desk):
    api, order = desk
    low = {"refund": 1, "gestures": 1, "daily": 1, "daily_count": 1}
    api.post("/v1/refund-policies/issue", agent(), {"rules": {"limits": {"platform_agent": low}}}, method="PUT")
    refund = api.post("/v1/refunds", agent(), {"order_id": order["id"], **gesture(EUR)}, status=201)
    assert refund["state"] == "pending_approval"

    problem = api.refused("POST", f"/v1/refunds/{refund['id']}:approve", agent(), "FOUR_EYES_REQUIRED", body={})

    assert problem["rule"] == "REF-05"
    assert api.get(f"/v1/refunds/{refund['id']}", agent())["state"] == "pending_approval"
    assert api.post(f"/v1/refunds/{refund['id']}:approve", agent("agt_2"))["state"] != "pending_approval"


ORDERS = {
    "a price as a float": ({"lines": [{"unit_price": 45.0}]}, "INVALID_INPUT", "M1"),
    "a negative price": ({"lines": [{"unit_price": -1}]}, "INVALID_INPUT", "M1"),
    "a currency that is none": ({"currency": "EURO"}, "INVALID_INPUT", "M1"),
    "no tax code": ({"lines": [{"taxes": [{"code": "", "rate": "20"}]}]}, "INVALID_INPUT", "M3"),
    "a tax rate as a number": ({"lines": [{"taxes": [{"code": "FR_VAT_20", "rate": 20}]}]}, "INVALID_INPUT", "M3"),
    "more tax than price": (
        {"lines": [{"taxes": [{"code": "X", "rate": "20", "amount": 99_999}]}]},
        "TOTAL_DOES_NOT_ADD_UP",
        "ORD-01",
    ),
    "half a unit": ({"lines": [{"quantity": 0.5}]}, "INVALID_INPUT", "ORD-01"),
    "a total that is another": ({"total": 17491}, "TOTAL_DOES_NOT_ADD_UP", "ORD-01"),
    "a subscription for what is no address": (
        {"lines": [{"covers": {"product_id": "prd_lamp", "url": "not a url", "days": 30}}]},
        "INVALID_INPUT",
        "A23",
    ),
}


def changed(change: dict[str, Any]) -> dict[str, Any]:
    """A valid order but for this; a change of a line is one of its first."""
    args = order_args("1003")
    first, *others = args["lines"]
    return {**args, **change, "lines": [{**first, **change.get("lines", [{}])[0]}, *others]}


@pytest.mark.parametrize(("change", "code", "rule"), ORDERS.values(), ids=ORDERS)
def test_an_order_of_this_kind_is_not_taken(api, change, code, rule):
    problem = api.refused("POST", "/v1/orders", integrator(), code, body=changed(change))

    assert problem["rule"] == rule
    assert api.get("/v1/orders", agent())["items"] == []


def test_two_shipments_of_an_order_do_not_have_the_same_id_for_each_is_refunded_by_its_own(api):
    fee = {"shipment_id": "shp_1", "gross": 245}

    problem = api.refused("POST", "/v1/orders", integrator(), "INVALID_INPUT", body=changed({"shipping": [fee, fee]}))

    assert list(problem["details"]["fields"]) == ["shipping"]
    assert api.get("/v1/orders", agent())["items"] == []
    other = {**fee, "shipment_id": "shp_2"}
    api.post("/v1/orders", integrator(), changed({"shipping": [fee, other]}), status=201)


OTHER_TAX = [{"code": "FR_VAT_02", "rate": "20"}]
TWO_TAXES = [{"code": "FR_VAT_20", "rate": "20"}, *OTHER_TAX]
TAXED = {
    "lines.0.taxes.0.code": {"lines": [{"taxes": OTHER_TAX}]},
    "lines.0.taxes.1.code": {"lines": [{"taxes": TWO_TAXES}]},
    "shipping.0.taxes.0.code": {"shipping": [{"gross": 490, "taxes": OTHER_TAX}]},
}


@pytest.fixture
def catalogue(api):
    """The marketplace knows two codes."""
    api.post("/v1/marketplaces/main", agent(), {"tax_codes": ["FR_VAT_20", "FR_VAT_55"]}, method="PUT")
    return api


@pytest.mark.capability("M3")
@pytest.mark.parametrize(("field", "change"), TAXED.items(), ids=TAXED)
def test_an_order_names_no_tax_code_that_its_marketplace_does_not_know(catalogue, field, change):
    api, before = catalogue, catalogue.suite.event_count()

    problem = api.refused("POST", "/v1/orders", integrator(), "UNKNOWN_TAX_CODE", body=changed(change))
    [one] = api.post("/v1/orders:bulk", integrator(), {"orders": [changed(change)]})["results"]

    assert (problem["rule"], problem["status"]) == ("M3", 422)
    assert (one["result"], problem["details"]["tax_code"]) == ("UNKNOWN_TAX_CODE", "FR_VAT_02")
    assert problem["details"]["known"] == ["FR_VAT_20", "FR_VAT_55"]
    assert problem["details"]["field"] == one["details"]["field"] == field
    assert api.get("/v1/orders", agent())["items"] == []
    assert api.suite.event_count() == before


def test_an_added_line_names_a_tax_code_that_the_marketplace_knows(catalogue):
    api, order = catalogue, shipped_order(catalogue)
    path, more = f"/v1/orders/{order['id']}/lines", {"product_id": "prd_bulb", "sku": "BULB", "title": "Bulb"}
    more |= {"quantity": 1, "unit_price": 550}
    before = api.suite.event_count()

    wrong = {"line": {**more, "taxes": OTHER_TAX}, "currency": "EUR"}
    problem = api.refused("POST", path, seller(), "UNKNOWN_TAX_CODE", body=wrong)
    assert (problem["rule"], api.suite.event_count()) == ("M3", before)
    assert problem["details"]["field"] == "line.taxes.0.code"
    right = {"line": {**more, "taxes": [{"code": "FR_VAT_55", "rate": "5.5"}]}, "currency": "EUR"}
    assert api.post(path, seller(), right, status=201)["amount_due"]["amount"] == 550


def test_a_marketplace_that_lists_no_tax_codes_takes_any_and_may_go_back_to_that(catalogue):
    api, order = catalogue, changed(TAXED["lines.0.taxes.0.code"])
    api.refused("POST", "/v1/orders", integrator(), "UNKNOWN_TAX_CODE", body=order)

    api.post("/v1/marketplaces/main", agent(), {"stock_managed": False}, method="PUT")
    api.refused("POST", "/v1/orders", integrator(), "UNKNOWN_TAX_CODE", body=order)
    api.refused("PUT", "/v1/marketplaces/main", agent(), "INVALID_INPUT", body={"tax_codes": []})
    assert api.post("/v1/marketplaces/main", agent(), {"tax_codes": None}, method="PUT")["tax_codes"] is None

    assert api.post("/v1/orders", integrator(), order, status=201)["lines"][0]["taxes"][0]["code"] == "FR_VAT_02"


def test_a_payment_has_the_currency_of_its_order_and_a_whole_amount_above_zero(api):
    order = api.post("/v1/orders", integrator(), order_args("1001"), status=201)
    payment = {name: value for name, value in payment_args(order).items() if name != "order_id"}
    path = f"/v1/orders/{order['id']}/payments"
    for amount, code, rule in (
        ({"amount": 17490, "currency": "USD"}, "CURRENCY_MISMATCH", "M2"),
        ({"amount": 174.9, "currency": "EUR"}, "INVALID_INPUT", "M1"),
        ({"amount": 0, "currency": "EUR"}, "INVALID_INPUT", "M1"),
    ):
        problem = api.refused("POST", path, integrator(), code, body={**payment, "amount": amount})
        assert problem["rule"] == rule
    untouched(api, order, captured=0)


def test_more_units_than_there_are_neither_leave_nor_are_refused(api):
    order = shipped_order(api)
    second = api.post("/v1/orders", integrator(), order_args("1002"), status=201)
    paid = {name: value for name, value in payment_args(second).items() if name != "order_id"}
    api.post(f"/v1/orders/{second['id']}/payments", integrator(), paid)
    path = f"/v1/orders/{second['id']}/lines:validate"
    for quantity, code in ((3, "TOO_MANY_UNITS"), (0, "INVALID_INPUT"), (1.5, "INVALID_INPUT")):
        decision = {"line_id": "lin_1002_1", "action": "refuse", "quantity": quantity, "reason_code": "none_left"}
        assert api.refused("POST", path, seller(), code, body={"lines": [decision]})["rule"] == "ORD-05"
    foreign = {"line_id": "lin_1001_1", "action": "refuse", "reason_code": "none_left"}
    api.refused("POST", path, seller(), "NOT_FOUND", body={"lines": [foreign]})
    untouched(api, order)
