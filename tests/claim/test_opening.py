"""CLM-01: who may open what, and who handles it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.claim.policies import auto_confirm_at, disputed_amount
from shared.kernel.errors import Refusal
from tests.claim.cases import CUSTOMER, DISCUSSION, ISSUE, SELLER, SUPPLIER, T0, an_order, events_of, opened

BRAND_REASONS = ["damaged_items", "defective_items", "missing_items", "wrong_goods"]


@pytest.mark.capability("S2-02", "S2-21")
@pytest.mark.parametrize("reason", BRAND_REASONS)
def test_the_brand_handles_the_four_delivery_faults(reason):
    claim = opened(ISSUE, reason)
    assert (claim.handler, claim.state, claim.awaiting) == ("seller", "submitted", "seller")


@pytest.mark.capability("S2-03", "S2-22")
def test_the_platform_handles_every_other_reason():
    others = [code for code in ISSUE.reasons if code not in BRAND_REASONS]
    assert "incorrect_invoice" in others
    for reason in others:
        claim = opened(ISSUE, reason)
        assert (claim.handler, claim.state, claim.awaiting) == ("platform", "platform_review", "platform")


def test_the_seller_handles_every_discussion():
    for reason in DISCUSSION.reasons:
        phase = "paid" if reason == "cancel_order" else "delivered"
        assert opened(DISCUSSION, reason, case=an_order(phase=phase)).handler == "seller"


def test_opening_tells_whose_it_is_and_what_it_is_about():
    claim = opened(lines=({"line_id": "lin_1", "qty": 2},), photos=("att_1", "att_2"))
    assert events_of(claim) == ["claim.opened"]
    told = claim.events[0].data
    assert (told["order_id"], told["seller_id"], told["customer_ref"]) == ("ord_1", "sel_1", "cus_ana")
    assert (told["from"], told["to"], told["hold"], told["by"]) == (None, "submitted", True, "requester")
    assert told["lines"] == [{"line_id": "lin_1", "qty": 2}]
    assert told["disputed_amount"] == {"amount": 2000, "currency": "EUR"}
    assert told["message"] == {"message_id": "msg_1", "text": "Three plates broke."}
    assert (told["number"], told["photos_count"]) == ("A-100-C1", 2)


def test_a_discussion_holds_no_settlement():
    assert not opened(DISCUSSION, "question").holds


@pytest.mark.parametrize(
    ("profile", "who", "order", "complaint", "code"),
    [
        (ISSUE, SELLER, {}, {}, "FORBIDDEN"),
        (DISCUSSION, SUPPLIER, {}, {}, "FORBIDDEN"),
        (ISSUE, CUSTOMER, {"phase": "paid"}, {}, "REASON_NOT_AVAILABLE"),
        (ISSUE, CUSTOMER, {}, {"reason": "cancel_order"}, "REASON_NOT_AVAILABLE"),
        (DISCUSSION, SELLER, {"phase": "paid"}, {"reason": "cancel_order"}, "REASON_NOT_AVAILABLE"),
        (ISSUE, CUSTOMER, {}, {"lines": ({"line_id": "lin_9"},)}, "LINE_NOT_IN_ORDER"),
        (ISSUE, CUSTOMER, {}, {"lines": ({"line_id": "lin_1", "qty": 4},)}, "LINE_NOT_IN_ORDER"),
        (ISSUE, CUSTOMER, {}, {"lines": ({"line_id": "lin_2"}, {"line_id": "lin_2"})}, "LINE_NOT_IN_ORDER"),
    ],
)
def test_an_opening_that_is_refused_leaves_the_order_alone(profile, who, order, complaint, code):
    case = an_order(**order)
    with pytest.raises(Refusal) as refused:
        opened(profile, who=who, case=case, **complaint)
    assert refused.value.code == code
    assert (case, case.events) == (an_order(**order), [])


def test_a_claim_after_the_clearance_holds_nothing():
    assert not opened(case=an_order(cleared=True)).holds


def test_suppliers_of_the_named_products_are_included_where_the_profile_says_so():
    profile = replace(ISSUE, include_suppliers=True)
    claim = opened(profile, lines=({"line_id": "lin_1"}, {"line_id": "lin_2"}))
    assert events_of(claim) == ["claim.opened", "claim.observer_added"]
    assert claim.events[0].data["supplier_ids"] == ["sup_1"]
    assert opened(profile).observers == []


def test_the_disputed_amount_is_exact_for_some_units_and_whole_for_no_line():
    lines = [{"line_id": "a", "qty": 3, "gross": 1000}, {"line_id": "b", "qty": 1, "gross": 50}]
    assert disputed_amount([{"line_id": "a", "qty": 2}, {"line_id": "b", "qty": 1}], lines, 1500) == 666 + 50
    assert disputed_amount([], lines, 1500) == 1500


def test_business_days_leave_out_the_weekend():
    """From Monday the 2nd at nine, five business days later is Monday the 9th at nine."""
    at = auto_confirm_at(replace(ISSUE, auto_confirm_business_days=5), T0)
    assert at == T0.replace(day=9)
    assert auto_confirm_at(ISSUE, T0) is None
