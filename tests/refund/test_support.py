"""The support profile: windows by the calendar, the customer's right, subscriptions that go with their product."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from shared.contracts.messaging import AGREEMENT_REASONS
from shared.kernel.calendar import months_end, zone_named
from shared.kernel.clock import stamp
from shared.kernel.ids import new_id
from shared.runtime.envelope import Envelope
from tests.suite import START, VAT, agent, coordinator, seller

PLUGIN, CARE = "lin_1001_1", "lin_1001_2"


def software(number="1001", **changes):
    lines = [
        {"line_id": f"lin_{number}_1", "product_id": "prd_plugin", "sku": "PLUGIN", "title": "Plugin", "quantity": 1,
         "unit_price": 8000, "taxes": [VAT]},
        {"line_id": f"lin_{number}_2", "product_id": "prd_care", "sku": "CARE", "title": "Business Care", "quantity": 1,
         "unit_price": 2000, "taxes": [VAT], "linked_line_id": f"lin_{number}_1"},
    ]  # fmt: skip
    return {"lines": lines, "discount": 0, "shipping": [], "total": 10000, "profile": "support", **changes}


@pytest.fixture
def order(shop):
    return shop.order(shipped=True, placed_at=stamp(START), **software())


@pytest.mark.capability("S3-16", "T21")
@pytest.mark.parametrize(
    ("bought", "months", "until"),
    [
        ("2026-01-31T10:00:00Z", 1, "2026-02-28T22:59:59.999Z"),
        ("2028-01-31T10:00:00Z", 1, "2028-02-29T22:59:59.999Z"),
        ("2025-08-31T10:00:00Z", 6, "2026-02-28T22:59:59.999Z"),
        ("2026-03-15T23:30:00Z", 1, "2026-04-16T21:59:59.999Z"),  # there it was the 16th already, and then summer time
        ("2026-09-25T10:00:00Z", 1, "2026-10-25T22:59:59.999Z"),  # the day of 25 hours
    ],
)
def test_a_window_ends_with_the_last_day_of_the_marketplaces_calendar(bought, months, until):
    assert stamp(months_end(datetime.fromisoformat(bought), months, zone_named("Europe/Paris"))) == until


@pytest.mark.capability("S3-16", "R27", "T21")
def test_after_six_months_nobody_refunds_not_even_the_platform(shop, order):
    last = datetime(2027, 5, 2, 21, 59, 59, 999000, tzinfo=UTC)  # bought on 2 November, in Paris
    shop.suite.clock.advance(seconds=(last - shop.suite.clock.now()).total_seconds())
    in_time = shop.suite.do("refund.quote", seller(), order_id=order["id"], kind="post_shipment_order")
    shop.suite.clock.advance(seconds=0.001)

    by_seller = shop.refused(order, "post_shipment_order", reason_code="misled")
    by_platform = shop.refused(order, "post_shipment_order", agent(), reason_code="misled")
    gesture = shop.refused(order, "commercial_gesture", amount={"amount": 1, "currency": "EUR"})

    assert in_time["eligible"] == "discretion"
    assert {one["code"] for one in (by_seller, by_platform, gesture)} == {"REFUND_WINDOW_CLOSED"}
    assert by_seller["rule"] == "E3"


@pytest.mark.capability("S3-11", "S3-12", "S3-20")
def test_within_a_month_and_not_downloaded_it_is_a_right_later_the_sellers_discretion(shop, order):
    wish = {"order_id": order["id"], "kind": "post_shipment_order"}

    right = shop.suite.do("refund.quote", seller(), reason_code="not_downloaded", **wish)["eligible"]
    no_reason = shop.suite.do("refund.quote", seller(), reason_code="changed_mind", **wish)["eligible"]
    shop.suite.advance(days=31)
    later = shop.suite.do("refund.quote", seller(), reason_code="not_downloaded", **wish)["eligible"]

    assert (right, no_reason, later) == ("right", "discretion", "discretion")


@pytest.mark.capability("S3-13")
def test_a_malfunction_is_a_right_only_once_after_sales_was_contacted(shop, order):
    wish = {"order_id": order["id"], "kind": "post_shipment_order", "reason_code": "malfunction"}
    before = shop.suite.do("refund.quote", seller(), **wish)["eligible"]
    contact = {"claim_id": "clm_1", "order_id": order["id"], "reason_code": "crash", "handler": "seller"}
    tell(shop, "claim.opened", "clm_1", {**contact, "category": "after_sales"})
    shop.suite.advance(minutes=1)

    assert before == "discretion"
    assert shop.suite.do("refund.quote", seller(), **wish)["eligible"] == "right"


@pytest.mark.capability("S3-17")
def test_what_a_seller_agreed_to_in_a_message_is_a_refund_that_the_platform_pays_out(shop, order):
    agreed = {"order_id": order["id"], "seller_id": "sel_1", "reason_code": "not_downloaded", "amount": None}
    tell(shop, "message.refund_agreed", "msg_1", {**agreed, "scope": "lines", "line_ids": [PLUGIN]}, seq=7)

    refunds = {one["kind"]: one for one in shop.refunds(order)}

    assert {one["state"] for one in refunds.values()} == {"approved"}
    assert refunds["claim_resolution"]["amount"]["amount"] == 8000
    assert refunds["linked_subscription"]["amount"]["amount"] == 2000
    assert refunds["claim_resolution"]["requested_by"]["id"] == "user_sel_1"


@pytest.mark.parametrize("reason", AGREEMENT_REASONS)
def test_every_reason_a_seller_may_agree_for_is_one_that_a_refund_may_have(shop, order, reason):
    agreed = {"order_id": order["id"], "seller_id": "sel_1", "reason_code": reason, "amount": None}
    tell(shop, "message.refund_agreed", "msg_1", {**agreed, "scope": "lines", "line_ids": [PLUGIN]}, seq=7)

    states = {one["kind"]: one["state"] for one in shop.refunds(order)}
    assert states["claim_resolution"] == "approved"


def test_an_agreement_that_the_rules_refuse_is_a_rejected_refund_with_the_rule(shop, order):
    shop.suite.advance(days=200)
    agreed = {"order_id": order["id"], "seller_id": "sel_1", "reason_code": "misled", "amount": None}
    tell(shop, "message.refund_agreed", "msg_1", {**agreed, "scope": "order", "line_ids": []}, seq=2)

    (told,) = shop.told("refund.rejected")
    assert told["code"] == "REFUND_WINDOW_CLOSED"
    assert shop.envelope(order)["reserved"] == 0


def closed(order, units, refund_id="rfd_of_the_return", deduction=0):
    lines = [{"line_id": PLUGIN, "qty": units}] if units else []
    about = {"return_id": "ret_1", "claim_id": "clm_1", "order_id": order["id"], "refundable": lines}
    return {**about, "refund_id": refund_id, "shipping": False, "deduction": deduction}


def test_a_closed_return_refunds_what_came_back_less_what_the_customer_bears(shop):
    order = shop.order(shipped=True)
    tell(shop, "return.closed", "ret_1", closed(order, 1, deduction=371))

    (refund,) = shop.refunds(order)
    again = shop.refused(order, "return", return_id="ret_1", lines=[{"line_id": PLUGIN, "qty": 1}])
    nameless = shop.refused(order, "return", lines=[{"line_id": PLUGIN, "qty": 1}])

    assert (refund["id"], refund["kind"], refund["state"]) == ("rfd_of_the_return", "return", "succeeded")
    assert refund["amount"]["amount"] == 4000
    assert refund["deductions"] == [{"code": "return_shipping", "amount": 371}]
    assert (again["code"], again["rule"], nameless["code"]) == ("RETURN_HAS_NO_UNITS", "E6", "RETURN_REQUIRED")


def test_a_return_closed_at_nothing_makes_no_refund(shop):
    order = shop.order(shipped=True)
    tell(shop, "return.closed", "ret_1", closed(order, 0, refund_id=None))

    assert shop.refunds(order) == []


def tell(shop, type, aggregate_id, data, seq=1):
    """An event of another service reaches the refund service."""
    event = Envelope(
        id=new_id("evt"), type=type, aggregate_id=aggregate_id, seq=seq, tenant="shop", time=shop.suite.clock.now(),
        actor="seller/user_sel_1/api", correlation="c", causation=None, body=json.dumps(data).encode(),
        prior=f"posted:{seq - 1}" if seq > 1 else None,
    )  # fmt: skip
    shop.suite.apps["refund"].inbox.receive([event])
    assert shop.suite.waiting("refund") == []
    shop.suite.settle()


@pytest.mark.capability("S3-14", "I16")
def test_the_subscription_is_refunded_with_its_product_once_that_is_paid(shop, order):
    wish = {"lines": [{"line_id": PLUGIN}], "reason_code": "not_downloaded"}
    quote = shop.suite.do("refund.quote", seller(), order_id=order["id"], kind="post_shipment_lines", **wish)
    refund = shop.request(order, "post_shipment_lines", **wish)
    shop.suite.settle()
    waiting = {one["kind"]: one["state"] for one in shop.refunds(order)}

    shop.suite.do("refund.execute", agent(), refund_id=refund["id"])
    shop.suite.settle()

    assert [(line["line_id"], line["amount"]) for line in quote["linked"]] == [(CARE, 2000)]
    assert waiting == {"post_shipment_lines": "approved", "linked_subscription": "approved"}
    assert {one["state"] for one in shop.refunds(order)} == {"succeeded"}
    assert {one["parent_id"] for one in shop.refunds(order)} == {None, refund["id"]}
    assert shop.envelope(order)["succeeded"] == 10000


@pytest.mark.capability("S3-14")
def test_a_part_of_the_product_or_a_gesture_leaves_the_subscription_alone(shop, order):
    shop.request(order, "post_shipment_lines", lines=[{"line_id": PLUGIN, "amount": 7999}], reason_code="misled")
    shop.request(order, "commercial_gesture", amount={"amount": 1, "currency": "EUR"}, reason_code="goodwill")

    assert "linked_subscription" not in {one["kind"] for one in shop.refunds(order)}


def test_a_product_whose_refund_is_cancelled_keeps_its_subscription(shop, order):
    refund = shop.request(order, "post_shipment_lines", lines=[{"line_id": PLUGIN}], reason_code="misled")

    shop.suite.do("refund.cancel", seller(), refund_id=refund["id"])

    assert {one["state"] for one in shop.refunds(order)} == {"cancelled"}
    assert shop.envelope(order)["available"] == 10000


def test_in_the_support_profile_the_platform_pays_out_and_the_seller_cannot(shop, order):
    refund = shop.request(order, "post_shipment_order", reason_code="misled")
    shop.suite.settle()

    assert shop.refund(refund["id"])["state"] == "approved"
    assert shop.suite.refused("refund.execute", seller(), refund_id=refund["id"])["code"] == "FORBIDDEN"


@pytest.mark.capability("S3-12")
def test_the_explanation_names_each_rule_with_its_version_and_what_it_saw(shop, order):
    shop.suite.advance(days=200)

    told = shop.suite.do("refund.explain_order", coordinator(), order_id=order["id"], reason_code="not_downloaded")

    window = next(rule for rule in told["rules"] if rule["rule"] == "E3")
    assert (told["allowed"], window["verdict"], window["code"]) == (False, "refused", "REFUND_WINDOW_CLOSED")
    assert window["version"] == 1
    assert window["inputs"]["until"] == "2027-05-02T21:59:59.999Z"
    assert window["title"]["fr"] == "Le dernier jour des remboursements"
