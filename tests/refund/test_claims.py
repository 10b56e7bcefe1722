"""Refunds that claims agree to: asked for under the claim's own id, paid by nobody's hand, refused with a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.suite import PARCEL, agent, coordinator, customer, order_args, payment_args, seller

LAMP, RUG = "lin_1001_1", "lin_1001_2"


@pytest.fixture
def suite(suite_of):
    return suite_of("order", "claim", "refund", instant_provider=True)


def delivered(suite, **changes):
    order = suite.do("order.place", seller(), **order_args(**changes))
    suite.do("order.capture_payment", agent(), **payment_args(order))
    suite.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
    suite.do("order.deliver", seller(), order_id=order["id"])
    suite.settle()
    return order


def claim_of(suite, order, reason_code="damaged_items", **complaint):
    said = {"text": "One lamp arrived broken.", "reason_code": reason_code, **complaint}
    claim = suite.do("claim.open", customer(), order_id=order["id"], **said)
    suite.settle()
    return claim


def choose(suite, claim, who, kind="refund", **args):
    suite.do("claim.choose_resolution", who, claim_id=claim["id"], kind=kind, **args)
    suite.settle()


def claim_now(suite, claim):
    return suite.do("claim.get", agent(), claim_id=claim["id"])


def refunds_of(suite, claim):
    return suite.do("refund.list", agent(), claim_id=claim["id"])["items"]


@pytest.mark.capability("S2-14")
def test_the_brand_chooses_refund_once_and_the_platform_pays_it_without_any_further_action(suite):
    order = delivered(suite)
    claim = claim_of(suite, order, lines=[{"line_id": LAMP, "qty": 1}])

    choose(suite, claim, seller())

    (refund,) = refunds_of(suite, claim)
    chosen = suite.events("claim", "claim.resolution_chosen")[0].data
    assert refund["id"] == chosen["refund_id"]
    assert (refund["kind"], refund["state"], refund["amount"]["amount"]) == ("claim_resolution", "succeeded", 4371)
    assert refund["requested_by"]["id"] == "user_sel_1"
    assert "claim.resolution_executed" in suite.event_types("claim")


@pytest.mark.joined_only("it lets a reaction of the service fail")
def test_a_refund_is_not_refused_for_a_payment_that_failed_to_be_booked_and_is_tried_again(suite):
    book = suite.apps["refund"].inbox.reactions["order.payment_captured"]
    tries = []

    def fails_once(ctx, event):
        tries.append(event.id)
        if len(tries) == 1:
            raise RuntimeError("the database hiccuped")
        book.handler(ctx, event)

    suite.apps["refund"].inbox.reactions["order.payment_captured"] = replace(book, handler=fails_once)
    claim = claim_of(suite, delivered(suite), lines=[{"line_id": LAMP, "qty": 1}])
    choose(suite, claim, seller())

    assert refunds_of(suite, claim) == []
    assert suite.event_types("refund") == []

    suite.advance(seconds=10)
    suite.advance(seconds=60)
    (refund,) = refunds_of(suite, claim)
    assert (refund["state"], refund["amount"]["amount"]) == ("succeeded", 4371)
    assert len(tries) == 2
    assert "claim.resolution_failed" not in suite.event_types("claim")


def test_a_refund_that_the_rules_refuse_is_told_and_the_claim_can_choose_again(suite):
    order = delivered(suite)
    claim = claim_of(suite, order, lines=[{"line_id": LAMP, "qty": 2}])
    already = {"order_id": order["id"], "kind": "post_shipment_order", "reason_code": "other"}
    suite.do("refund.request", seller(), **already)
    suite.settle()

    choose(suite, claim, seller())

    (refused,) = refunds_of(suite, claim)
    assert (refused["state"], refused["decision_code"]) == ("rejected", "UNITS_ALREADY_REFUNDED")
    assert suite.events("refund", "refund.rejected")[0].data["claim_id"] == claim["id"]
    assert suite.events("claim", "claim.resolution_failed")[0].data["error"] == "UNITS_ALREADY_REFUNDED"
    assert claim_now(suite, claim)["state"] == "in_progress"
    assert suite.waiting("refund") == []


def test_a_refund_above_the_limit_waits_and_its_rejection_reaches_the_claim(suite):
    order = delivered(suite, lines=_costly(), discount=0, shipping=[], total=150000)
    claim = claim_of(suite, order)
    choose(suite, claim, seller())
    (waiting,) = refunds_of(suite, claim)

    suite.do("refund.reject", coordinator(), refund_id=waiting["id"], reason_code="photos_missing")
    suite.settle()

    assert waiting["state"] == "pending_approval"
    assert claim_now(suite, claim)["state"] == "in_progress"
    assert suite.events("claim", "claim.resolution_failed")[0].data["error"] == "photos_missing"


def _costly():
    return [
        {"line_id": LAMP, "product_id": "p", "sku": "S", "title": "Chandelier", "quantity": 1, "unit_price": 150000}
    ]


def test_of_a_claim_that_the_platform_handles_the_brand_refunds_nothing_and_the_platform_does(suite):
    order = delivered(suite)
    claim = claim_of(suite, order, "late_delivery")
    wish = {"order_id": order["id"], "kind": "post_shipment_order", "reason_code": "late_delivery"}

    refused = suite.refused("refund.request", seller(), claim_id=claim["id"], **wish)
    by_platform = suite.do("refund.request", agent(), claim_id=claim["id"], **wish)

    assert (refused["code"], refused["rule"]) == ("NOT_THE_HANDLER", "E5")
    assert by_platform["claim_id"] == claim["id"]


def test_once_escalated_the_decision_is_the_platforms_and_after_the_hand_back_the_brands(suite):
    order = delivered(suite)
    claim = claim_of(suite, order)
    wish = {"order_id": order["id"], "kind": "post_shipment_lines", "reason_code": "other", "claim_id": claim["id"]}
    suite.do("claim.escalate", customer(), claim_id=claim["id"], reason="No answer.")
    suite.settle()
    escalated = suite.refused("refund.request", seller(), lines=[{"line_id": LAMP, "qty": 1}], **wish)

    suite.do("claim.hand_back", agent(), claim_id=claim["id"])
    suite.settle()
    by_agent = suite.refused("refund.request", agent(), lines=[{"line_id": LAMP, "qty": 1}], **wish)
    handed_back = suite.do("refund.request", seller(), lines=[{"line_id": LAMP, "qty": 1}], **wish)

    assert escalated["code"] == by_agent["code"] == "NOT_THE_HANDLER"
    assert handed_back["state"] == "processing"


def test_a_claim_of_another_order_is_not_found(suite):
    order, other = delivered(suite), delivered(suite, number="1002", lines=_costly(), **_plain())
    claim = claim_of(suite, other)

    wish = {"order_id": order["id"], "kind": "post_shipment_order", "reason_code": "other", "claim_id": claim["id"]}

    assert suite.refused("refund.request", seller(), **wish)["code"] == "NOT_FOUND"


def _plain():
    return {"discount": 0, "shipping": [], "total": 150000}


@pytest.mark.capability("S0-06")
def test_in_a_discussion_the_seller_settles_a_claim_with_a_gesture_tied_to_no_line(suite):
    order = delivered(suite, profile="discussion")
    reasons = suite.do("claim.profiles", seller())
    reason = _first_reason(reasons, "discussion")
    claim = claim_of(suite, order, reason)

    choose(suite, claim, seller(), "gesture", refund={"amount": {"amount": 990, "currency": "EUR"}})

    (refund,) = refunds_of(suite, claim)
    assert (refund["kind"], refund["state"], refund["amount"]["amount"]) == ("commercial_gesture", "succeeded", 990)
    assert all("qty" not in line for line in refund["lines"])


def _first_reason(profiles, code):
    (found,) = [one for one in profiles["items"] if one["code"] == code]
    return found["reasons"][0]["code"]


@pytest.mark.capability("S2-14")
def test_a_claim_is_refunded_as_it_was_quoted_or_goes_on(suite):
    order = delivered(suite)
    lines = [{"line_id": LAMP, "qty": 1}]
    claim = claim_of(suite, order, lines=lines)
    asked = {"order_id": order["id"], "claim_id": claim["id"], "kind": "claim_resolution", "lines": lines}
    old = suite.do("refund.quote", seller(), **asked)
    suite.advance(minutes=16)

    choose(suite, claim, seller(), refund={"lines": lines, "quote_id": old["quote_id"]})

    (refused,) = suite.events("refund", "refund.rejected")
    assert refused.data["code"] == "QUOTE_EXPIRED"
    assert claim_now(suite, claim)["state"] == "in_progress"
    fresh = suite.do("refund.quote", seller(), **asked)
    choose(suite, claim, seller(), refund={"lines": lines, "quote_id": fresh["quote_id"]})
    assert [one["amount"] for one in refunds_of(suite, claim) if one["state"] == "succeeded"] == [fresh["amount"]]
