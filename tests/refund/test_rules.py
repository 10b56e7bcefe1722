"""Rules as data: a tenant's own limits, what they would have done, and why a decision was as it was (N4, N9, T20)."""

from __future__ import annotations

import pytest

from tests.suite import START, agent, coordinator, customer, seller

TEN = {"amount": 1000, "currency": "EUR"}
STRICT = {"limits": {"seller": {"refund": 5, "gestures": 5, "daily": 1000, "daily_count": 50}}}


def gesture(shop, number, **args):
    return shop.request(shop.order(number, shipped=True), "commercial_gesture", amount=TEN, **args)


@pytest.mark.capability("T20")
def test_many_small_gestures_of_one_person_in_a_day_wait_for_a_second_person(shop):
    rules = {"limits": {"seller": {"refund": 1000, "gestures": 100, "daily": 1000, "daily_count": 2}}}
    shop.suite.do("refund_policy.put", agent(), profile="issue", rules=rules)

    states = [gesture(shop, str(1001 + number))["state"] for number in range(3)]
    shop.suite.advance(hours=25)
    tomorrow = gesture(shop, "1010")["state"]

    assert states == ["processing", "processing", "pending_approval"]
    assert shop.told("refund.approval_required")[-1]["rules"] == ["T20-V"]
    assert tomorrow == "processing"


def test_a_tenants_rules_are_a_revision_that_later_decisions_name(shop):
    before = gesture(shop, "1001")
    put = shop.suite.do("refund_policy.put", agent(), profile="issue", rules=STRICT)
    after = gesture(shop, "1002")

    assert put["revision"] == 2
    assert (before["state"], after["state"]) == ("processing", "pending_approval")
    rules = {one["rule"]: one for one in shop.suite.do("refund.explain", agent(), refund_id=after["id"])["rules"]}
    assert (rules["REF-03"]["version"], rules["REF-03"]["verdict"]) == (2, "approval")
    assert rules["REF-03"]["inputs"] == {"role": "seller", "amount": 1000, "limit": 500}
    (told,) = shop.told("refund_policy.changed")
    assert (told["profile"], told["revision"], told["changed_by"]) == ("issue", 2, "agt_1")
    assert shop.suite.refused("refund_policy.put", coordinator(), profile="issue", rules={})["code"] == "FORBIDDEN"
    wrong = shop.suite.refused("refund_policy.put", agent(), profile="issue", rules={"limit_months": -1})
    assert wrong["code"] == "INVALID_INPUT"


@pytest.mark.capability("N9")
def test_rules_are_tried_on_the_past_before_they_are_in_force(shop):
    for number in range(3):
        gesture(shop, str(1001 + number))
    other = shop.order("2001", shipped=True, seller_id="sel_2")
    shop.request(other, "commercial_gesture", seller("sel_2"), amount={"amount": 400, "currency": "EUR"})
    asked = {"profile": "issue", "rules": STRICT, "since": START.isoformat()}
    before = shop.suite.event_count()

    told = shop.suite.do("refund_policy.simulate", coordinator(), **asked)["items"]

    first, second = told
    assert (first["seller_id"], first["changed"]) == ("sel_1", 3)
    assert first["change"] == {"passed": -3000, "approval": 3000, "refused": 0}
    assert first["in_force"]["passed"] == {"count": 3, "amount": 3000}
    assert (second["seller_id"], second["changed"], second["change"]["passed"]) == ("sel_2", 0, 0)
    assert shop.suite.event_count() == before
    assert shop.suite.refused("refund_policy.simulate", seller(), **asked)["code"] == "FORBIDDEN"


@pytest.mark.capability("N4")
def test_the_same_verdicts_are_stored_with_the_decision_and_shown_to_those_inside(shop):
    refund = gesture(shop, "1001")

    told = shop.suite.do("refund.explain", seller(), refund_id=refund["id"])

    decided = [one["rule"] for one in told["rules"]]
    assert decided == ["5.1", "E2", "E5", "M12", "E7", "REF-03", "REF-04", "T20", "T20-V"]
    assert {one["verdict"] for one in told["rules"]} == {"passed"}
    assert shop.suite.refused("refund.explain", customer(), refund_id=refund["id"])["code"] == "FORBIDDEN"
    assert shop.suite.refused("refund.explain", seller("sel_2"), refund_id=refund["id"])["code"] == "NOT_FOUND"


@pytest.mark.capability("N1")
def test_the_envelope_says_who_holds_what_was_freed_and_why_nothing_is_left(shop):
    order = shop.order(shipped=True)
    shop.request(order, "post_shipment_lines", lines=[{"line_id": "lin_1001_2"}])
    shop.suite.settle()
    by_bank = {"instrument": "bank_transfer"}  # waits for a second person
    held = shop.request(order, "commercial_gesture", agent(), amount={"amount": 8000, "currency": "EUR"}, **by_bank)
    waits = shop.request(order, "post_shipment_lines", agent(), lines=[{"line_id": "lin_1001_1", "amount": 300}],
                         **by_bank)  # fmt: skip
    shop.suite.do("refund.reject", coordinator(), refund_id=waits["id"])

    seen = shop.envelope(order)
    (paid,) = seen["payments"]
    rug = next(line for line in seen["lines"] if line["line_id"] == "lin_1001_2")

    assert (seen["captured"], seen["succeeded"], seen["reserved"], seen["released"]) == (17490, 8257, 8000, 300)
    assert seen["available"] == paid["available"] == 17490 - 8257 - 8000
    assert held["id"] in seen["reserved_by"] + [one["id"] for one in shop.refunds(order)]
    assert (rug["available"], rug["nothing_left_because"]) == (0, "refunded")
    assert seen["chargeback"]["state"] == paid["chargeback"]["state"] == "none"
    assert [tax["amount"] - tax["succeeded"] - tax["reserved"] for tax in seen["taxes"]] == [
        tax["available"] for tax in seen["taxes"]
    ]


def test_deductions_are_kept_for_a_named_reason_and_never_exceed_the_refund(shop):
    order = shop.order(shipped=True)
    lamp = [{"line_id": "lin_1001_1", "qty": 1}]

    refund = shop.request(
        order, "post_shipment_lines", lines=lamp, deductions=[{"code": "restocking", "amount": 371}]
    )
    shop.suite.settle()
    too_much = shop.refused(
        order, "post_shipment_lines", lines=lamp, deductions=[{"code": "wear", "amount": 9000}]
    )
    rest = shop.request(order, "post_shipment_lines", lines=[{"line_id": "lin_1001_1"}])

    assert refund["amount"]["amount"] == 4371 - 371
    assert too_much["code"] == "DEDUCTION_EXCEEDS_REFUND"
    assert rest["amount"]["amount"] == 4372  # what was kept stays kept


def test_funding_adds_up_and_a_seller_does_not_spend_the_platforms_money(shop):
    order = shop.order(shipped=True)
    shares = [{"party": "seller", "id": "sel_1", "amount": 600}, {"party": "platform", "id": "pf", "amount": 400}]

    foreign = shop.refused(order, "commercial_gesture", amount=TEN, funding=shares)
    wrong = shop.refused(order, "commercial_gesture", agent(), amount=TEN, funding=shares[:1])
    made = shop.request(order, "commercial_gesture", agent(), amount=TEN, funding=shares)

    assert (foreign["code"], wrong["code"]) == ("FUNDING_NOT_ALLOWED", "FUNDING_DIFFERS")
    assert made["funding"] == shares


def test_execution_is_offered_to_those_whom_the_tenants_own_rules_let_execute(shop):
    waiting = shop.request(shop.order(profile="support", shipped=True), "post_shipment_order")
    mine = {"refund_id": waiting["id"]}
    by_platform = shop.suite.do("refund.get", seller(), **mine)["allowed_actions"]
    refused = shop.suite.refused("refund.execute", seller(), **mine)
    shop.suite.do("refund_policy.put", agent(), profile="support", rules={"execution": "merchant"})
    by_merchant = shop.suite.do("refund.get", seller(), **mine)["allowed_actions"]

    assert (by_platform, refused["code"]) == (["cancel"], "FORBIDDEN")
    assert by_merchant == ["cancel", "execute"]
    assert shop.suite.do("refund.execute", seller(), **mine)["state"] == "processing"
