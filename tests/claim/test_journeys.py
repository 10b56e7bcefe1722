"""Claims from the complaint to the end, through the service's own commands, beside the order service."""

from __future__ import annotations

import pytest

from shared.kernel.calls import Call
from tests.suite import agent, coordinator, customer, integrator, seller, supplier


@pytest.mark.capability("S2-01", "S2-02", "S2-21")
def test_a_reported_issue_reaches_the_brand_as_sent_with_reason_comment_and_photos(shop):
    claim = shop.claim(photos=["att_1"], lines=[{"line_id": "lin_1001_1", "qty": 1}])
    seen = shop.get(claim, seller())
    assert (seen["state"], seen["label"]["en"], seen["handler"]["code"]) == ("submitted", "Sent", "seller")
    assert (seen["reason"]["code"], seen["description"]) == ("damaged_items", "Two plates arrived broken.")
    assert (seen["photos"], seen["lines"]) == (["att_1"], [{"line_id": "lin_1001_1", "qty": 1}])
    assert seen["disputed_amount"] == {"amount": 4371, "currency": "EUR"}
    assert seen["attention"] is True
    assert seen["allowed_resolutions"] == ["replacement", "refund", "proposal"]
    assert shop.types(claim) == ["claim.opened"]


@pytest.mark.capability("S0-03")
def test_a_customer_who_contacts_the_seller_about_an_order_opens_a_discussion_with_him(shop):
    order = shop.order(profile="discussion", phase="paid")
    claim = shop.claim(order, reason_code="question")
    assert (claim["profile"], claim["order_id"], claim["handler"]["code"]) == ("discussion", order["id"], "seller")
    assert claim["label"] == {"fr": "Non traitée", "en": "Not processed"}


@pytest.mark.capability("S2-03", "S2-18", "S2-22")
def test_an_invoice_issue_is_the_platforms_and_the_brand_sees_it_without_deciding(shop):
    claim = shop.claim(reason_code="incorrect_invoice")
    seen = shop.get(claim, seller())
    assert (seen["state"], seen["handler"]["label"]["en"]) == ("platform_review", "Handled by the platform")
    assert seen["allowed_resolutions"] == []
    assert seen["allowed_actions"] == []
    for kind in ("refund", "replacement"):
        assert shop.refused("claim.choose_resolution", seller(), claim, kind=kind) == "HANDLED_BY_PLATFORM"
    assert shop.refused("claim.propose", seller(), claim, text="10 %?") == "HANDLED_BY_PLATFORM"
    assert shop.types(claim) == ["claim.opened"]


@pytest.mark.capability("S2-11", "S2-23", "S2-24", "S2-16")
def test_the_brand_refunds_and_the_retailer_confirms(shop):
    claim = shop.claim(lines=[{"line_id": "lin_1001_2"}])
    chosen = shop.do("claim.choose_resolution", seller(), claim, kind="refund")
    assert (chosen["state"], chosen["label"]["en"]) == ("in_progress", "In progress")
    assert chosen["resolution"]["status"] == "executing"
    told = shop.suite.events("claim", "claim.resolution_chosen")[0].data
    assert told["refund_id"] == chosen["resolution"]["refund_id"]
    assert told["refund"] == {
        "kind": "claim_resolution",
        "lines": [{"line_id": "lin_1001_2", "qty": 1}],
        "shipping": False,
        "reason_code": "damaged_items",
    }
    assert shop.refused("claim.choose_resolution", seller(), claim, kind="replacement") == "RESOLUTION_EXECUTING"
    assert shop.refused("claim.withdraw", customer(), claim) == "RESOLUTION_EXECUTING"

    shop.refund("refund.succeeded", claim)
    seen = shop.get(claim, customer())
    assert (seen["state"], seen["attention"]) == ("solution_proposed", True)
    assert "confirm" in seen["allowed_actions"]
    resolved = shop.do("claim.confirm", customer(), claim)
    assert (resolved["state"], resolved["label"]["fr"]) == ("resolved", "Résolu")
    assert shop.types(claim) == [
        "claim.opened",
        "claim.resolution_chosen",
        "claim.resolution_executed",
        "claim.resolved",
    ]
    last = shop.suite.events("claim", "claim.resolved")[0].data
    assert (last["by"], last["hold"], last["resolution"]["kind"]) == ("requester", False, "refund")


def test_a_whole_order_is_refunded_with_its_shipping_when_the_claim_names_no_line(shop):
    claim = shop.claim()
    shop.do("claim.choose_resolution", seller(), claim, kind="refund")
    told = shop.suite.events("claim", "claim.resolution_chosen")[0].data["refund"]
    assert (told["lines"], told["shipping"]) == ([], True)


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ("refund.rejected", "AMOUNT_EXCEEDS_REFUNDABLE"),
        ("refund.failed", "CARD_CLOSED"),
        ("refund.cancelled", "REFUND_CANCELLED"),
    ],
)
def test_when_the_refund_does_not_happen_the_handler_chooses_again(shop, outcome, error):
    claim = shop.claim()
    shop.do("claim.choose_resolution", seller(), claim, kind="refund")
    shop.refund(outcome, claim)
    seen = shop.get(claim, seller())
    assert (seen["state"], seen["resolution"], seen["attention"]) == ("in_progress", None, True)
    assert shop.suite.events("claim", "claim.resolution_failed")[0].data["error"] == error
    assert shop.do("claim.choose_resolution", seller(), claim, kind="replacement")["state"] == "solution_proposed"


def test_a_refund_of_other_origin_or_told_twice_moves_no_claim(shop):
    claim = shop.claim()
    shop.do("claim.choose_resolution", seller(), claim, kind="refund")
    before = shop.get(claim)
    shop.refund("refund.succeeded", claim, refund_id="rfd_other")
    assert shop.get(claim) == before
    id = before["resolution"]["refund_id"]
    shop.refund("refund.succeeded", claim)
    once = shop.get(claim)
    shop.refund("refund.succeeded", claim, refund_id=id)
    assert shop.get(claim) == once


def test_choosing_a_refund_needs_an_idempotency_key_and_gives_one_refund_for_it(shop):
    claim = shop.claim()
    app = shop.suite.apps["claim"]
    args = {"claim_id": claim["id"], "kind": "refund"}
    assert app.execute([Call("claim.choose_resolution", dict(args), seller())])[0].body["code"] == (
        "IDEMPOTENCY_KEY_REQUIRED"
    )
    answers = [
        app.execute([Call("claim.choose_resolution", dict(args), seller(), idempotency_key="k1")])[0] for _ in range(2)
    ]
    assert answers[0].body == answers[1].body
    assert shop.types(claim) == ["claim.opened", "claim.resolution_chosen"]


@pytest.mark.capability("S2-16")
def test_a_proposal_is_seen_rejected_and_the_second_one_confirmed(shop):
    claim = shop.claim()
    proposed = shop.do("claim.propose", seller(), claim, text="10 % off your next order?")
    assert (proposed["state"], proposed["awaiting"]["party"]) == ("solution_proposed", "requester")
    told = shop.suite.events("claim", "claim.solution_proposed")[0].data
    assert told["message"]["text"] == "10 % off your next order?"
    assert shop.refused("claim.confirm", seller(), claim) == "FORBIDDEN"
    assert shop.do("claim.reject", customer(), claim, reason="too little")["state"] == "in_progress"
    shop.do("claim.propose", seller(), claim, text="20 %?")
    assert shop.do("claim.confirm", customer(), claim)["state"] == "resolved"


@pytest.mark.capability("S2-22", "S2-25")
def test_an_escalated_issue_is_refused_by_the_platform_and_by_nobody_else(shop):
    claim = shop.claim()
    review = shop.do("claim.escalate", customer(), claim, reason="no answer")
    assert (review["state"], review["label"]["en"]) == ("platform_review", "Platform review")
    for who in (seller(), coordinator()):
        assert shop.refused("claim.refuse", who, claim, reason_code="no_proof") == "FORBIDDEN"
    refused = shop.do("claim.refuse", agent(), claim, reason_code="no_proof")
    assert (refused["state"], refused["label"]["en"]) == ("refused", "Refused")
    told = shop.suite.events("claim", "claim.refused")[0].data
    assert (told["counted"], told["hold"], told["reason_code"]) == (False, False, "no_proof")
    assert shop.do("claim.appeal", customer(), claim, text="here are photos")["state"] == "platform_review"


@pytest.mark.capability("S2-08")
def test_several_issues_are_reported_on_one_order_and_counted_while_open(shop):
    order = shop.order()
    first = shop.claim(order)
    second = shop.claim(order, reason_code="incorrect_invoice")
    assert (first["number"], second["number"]) == ("1001-C1", "1001-C2")
    of = shop.suite.do("claim.of_orders", seller(), order_ids=[order["id"], "ord_unknown"])["orders"]
    assert of["ord_unknown"] == {"open": 0, "issues": []}
    assert of[order["id"]]["open"] == 2
    assert [(i["number"], i["label"]["en"]) for i in of[order["id"]]["issues"]] == [
        ("1001-C1", "Sent"),
        ("1001-C2", "Platform review"),
    ]
    shop.do("claim.withdraw", customer(), first)
    assert shop.suite.do("claim.of_orders", seller(), order_ids=[order["id"]])["orders"][order["id"]]["open"] == 1


# messages


def test_the_handlers_first_public_answer_starts_the_claim_and_a_private_one_does_not(shop):
    claim = shop.claim()
    shop.comment(claim, "supplier")
    shop.comment(claim, "seller", origin="claim.opened")
    assert shop.types(claim) == ["claim.opened"]
    shop.comment(claim, "seller")
    seen = shop.get(claim, customer())
    assert (seen["state"], seen["attention"]) == ("in_progress", True)
    assert shop.types(claim) == ["claim.opened", "claim.started"]
    shop.suite.clock.advance(minutes=5)
    shop.comment(claim, "customer")
    assert shop.get(claim, seller())["attention"] is True


@pytest.mark.capability("S1-13")
def test_a_private_question_makes_it_the_suppliers_turn_and_his_private_answer_gives_it_back(shop):
    claim = shop.claim(shop.order(profile="coordinated"), lines=[{"line_id": "lin_1001_1"}])
    shop.suite.clock.advance(minutes=1)
    shop.comment(claim, "coordinator", visibility="private", asks={"type": "supplier", "id": "sup_1"})
    seen = shop.get(claim, supplier())
    assert (seen["awaiting"]["party"], seen["attention"]) == ("supplier:sup_1", True)
    assert shop.get(claim, customer())["awaiting"]["party"] == "coordinators"
    shop.suite.clock.advance(minutes=1)
    shop.comment(claim, "supplier", "sup_2", visibility="private")
    assert shop.get(claim)["awaiting"]["party"] == "supplier:sup_1"
    shop.comment(claim, "supplier", "sup_1", visibility="private")
    assert shop.get(claim)["awaiting"]["party"] == "coordinators"
    shop.comment(claim, "coordinator", visibility="private", asks={"type": "supplier", "id": "sup_9"})
    assert shop.get(claim)["awaiting"]["party"] == "coordinators"
    assert shop.types(claim)[-2:] == ["claim.awaiting_changed", "claim.awaiting_changed"]


def test_a_customers_message_reopens_what_was_resolved_and_the_opening_message_does_not(shop):
    order = shop.order(profile="discussion")
    claim = shop.claim(order, reason_code="question")
    shop.suite.clock.advance(hours=1)
    shop.do("claim.resolve", seller(), claim)
    shop.suite.clock.advance(hours=1)
    shop.comment(claim, "customer", origin="claim.opened")
    assert shop.get(claim)["state"] == "resolved"
    shop.comment(claim, "customer")
    assert shop.get(claim)["state"] == "in_progress"
    assert shop.types(claim)[-1] == "claim.reopened"


# closing


@pytest.mark.capability("S0-22", "I17")
def test_many_discussions_are_closed_at_once_each_with_its_own_result(shop):
    answered, waiting, cancelling = (
        shop.claim(shop.order(number, profile="discussion", phase="paid"), reason_code=reason)
        for number, reason in (("1", "question"), ("2", "question"), ("3", "cancel_order"))
    )
    shop.suite.clock.advance(hours=1)
    shop.comment(answered, "seller")
    shop.comment(cancelling, "seller")
    foreign = shop.claim(
        shop.order("4", profile="discussion", phase="paid", seller_id="sel_2"), reason_code="question", who=agent()
    )
    ids = [answered["id"], waiting["id"], cancelling["id"], foreign["id"], answered["id"]]
    results = shop.suite.do("claim.close_many", seller(), claim_ids=ids)["results"]
    assert [(one["claim_id"], one["result"]) for one in results] == list(
        zip(
            ids,
            ["CLOSED", "UNAUTHORIZED_LAST_ANSWER", "UNAUTHORIZED_CANCEL_PENDING", "NOT_FOUND", "ALREADY_CLOSED"],
            strict=True,
        )
    )
    assert [shop.get(one)["state"] for one in (answered, waiting, cancelling, foreign)] == [
        "closed",
        "submitted",
        "in_progress",
        "submitted",
    ]
    assert shop.types(answered)[-1] == "claim.closed"
    assert shop.types(answered).count("claim.closed") == 1


def test_a_cancellation_is_no_longer_pending_once_the_order_is_cancelled(shop):
    order = shop.order(profile="discussion", phase="paid")
    claim = shop.claim(order, reason_code="cancel_order")
    shop.suite.clock.advance(hours=1)
    shop.comment(claim, "seller")
    assert shop.refused("claim.close", seller(), claim) == "UNAUTHORIZED_CANCEL_PENDING"
    shop.suite.do("order.cancel", seller(), order_id=order["id"], reason_code="customer_request")
    shop.suite.settle()
    assert shop.do("claim.close", seller(), claim)["state"] == "closed"


def test_what_is_resolved_closes_itself_after_30_days_and_not_a_second_before(shop):
    claim = shop.claim()
    shop.do("claim.propose", seller(), claim, text="10 %?")
    shop.do("claim.confirm", customer(), claim)
    shop.suite.advance(days=30, seconds=-1)
    assert shop.get(claim)["state"] == "resolved"
    shop.suite.advance(seconds=1)
    assert shop.get(claim)["state"] == "closed"
    told = shop.suite.events("claim", "claim.closed")[0]
    assert (told.data["by"], told.actor) == ("system", "system/system/timer")


def test_a_reopened_discussion_does_not_close_itself_either(shop):
    """Its handler could close it as it stands, so only the timer that was taken back keeps it open."""
    claim = shop.claim(shop.order(profile="discussion"), reason_code="question")
    shop.suite.clock.advance(hours=1)
    shop.comment(claim, "seller")
    shop.do("claim.resolve", seller(), claim)
    shop.suite.advance(days=29)
    shop.do("claim.reopen", coordinator(), claim)
    assert "close" in shop.get(claim, seller())["allowed_actions"]
    shop.suite.advance(days=40)
    assert shop.get(claim)["state"] == "in_progress"


def test_a_reopened_claim_does_not_close_itself(shop):
    claim = shop.claim()
    shop.do("claim.propose", seller(), claim, text="10 %?")
    shop.do("claim.confirm", customer(), claim)
    shop.suite.advance(days=29)
    shop.do("claim.reopen", customer(), claim)
    shop.suite.advance(days=40)
    assert shop.get(claim)["state"] == "in_progress"


# openings that are refused


def test_what_cannot_be_opened_is_refused_and_told_nobody(shop):
    order = shop.order(phase="paid")
    complaint = {"reason_code": "other", "text": "hm"}

    def code(who, **changes):
        return shop.suite.refused("claim.open", who, **({"order_id": order["id"]} | complaint | changes))["code"]

    assert code(customer(), order_id="ord_unknown") == "ORDER_NOT_SYNCED"
    assert code(customer("cus_2")) == "ORDER_NOT_SYNCED"
    assert code(seller("sel_2")) == "ORDER_NOT_SYNCED"
    assert code(customer(tenant="other")) == "ORDER_NOT_SYNCED"
    assert code(seller()) == "FORBIDDEN"
    assert code(customer(), reason_code="damaged_items") == "REASON_NOT_AVAILABLE"
    assert code(customer(), reason_code="no_such_reason") == "REASON_NOT_AVAILABLE"
    assert code(customer(), lines=[{"line_id": "lin_9"}]) == "LINE_NOT_IN_ORDER"
    assert code(customer(), lines=[{"line_id": "lin_1001_1", "qty": 3}]) == "LINE_NOT_IN_ORDER"
    other = shop.order("1002", profile="barter")
    assert code(customer(), order_id=other["id"]) == "MODULE_NOT_ENABLED"


def test_a_refund_in_another_currency_or_of_a_foreign_line_is_refused(shop):
    claim = shop.claim()
    dollars = {"amount": {"amount": 100, "currency": "USD"}}
    assert shop.refused("claim.choose_resolution", seller(), claim, kind="refund", refund=dollars) == (
        "CURRENCY_MISMATCH"
    )
    foreign = {"lines": [{"line_id": "lin_9"}]}
    assert shop.refused("claim.choose_resolution", seller(), claim, kind="refund", refund=foreign) == (
        "LINE_NOT_IN_ORDER"
    )


def test_a_gesture_names_its_amount_and_goes_to_the_refund_service_as_one(shop):
    claim = shop.claim(shop.order(profile="discussion"), reason_code="question")
    assert shop.refused("claim.choose_resolution", integrator("sel_1"), claim, kind="gesture") == "INVALID_INPUT"
    five = {"amount": {"amount": 500, "currency": "EUR"}}
    shop.do("claim.choose_resolution", integrator("sel_1"), claim, kind="gesture", refund=five)
    told = shop.suite.events("claim", "claim.resolution_chosen")[0].data
    assert told["refund"] == {
        "kind": "commercial_gesture",
        "lines": [],
        "shipping": False,
        "amount": {"amount": 500, "currency": "EUR"},
        "reason_code": "question",
    }
    shop.refund("refund.succeeded", claim)
    assert shop.get(claim)["state"] == "resolved"


def test_a_stale_version_changes_nothing(shop):
    claim = shop.claim()
    shop.do("claim.start", seller(), claim)
    answer = shop.suite.call("claim.withdraw", customer(), version=claim["version"], claim_id=claim["id"])
    assert (answer.status, answer.body["code"]) == (412, "STALE_VERSION")
    assert shop.get(claim)["state"] == "in_progress"
