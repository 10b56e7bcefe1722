"""Holds, clearances and the cut-off between them (SET-01…07, A14, I8)."""

from __future__ import annotations

import pytest

from tests.suite import agent, customer, seller


@pytest.fixture
def order(shop):
    return shop.order()


def complete(shop, order):
    shop.suite.do("order.complete", agent(), order_id=order["id"])
    shop.suite.settle()


def settle(shop, order, payout="pay_out_1"):
    shop.suite.do("order.settle", agent(), order_id=order["id"], payout_ref=payout)
    shop.suite.settle()
    return shop.suite.do("order.get", agent(), order_id=order["id"])["settlement"]["state"]


def answers(shop):
    return [event for event in shop.suite.events("claim") if event.type.startswith("claim.settlement")]


def test_an_order_without_a_claim_is_cleared(shop, order):
    complete(shop, order)
    assert settle(shop, order) == "settled"
    (answer,) = answers(shop)
    assert (answer.type, answer.aggregate_id, answer.seq) == ("claim.settlement_cleared", order["id"], 1)
    assert answer.data["holding_claim_ids"] == []
    assert answer.data["payout_ref"] == "pay_out_1"


@pytest.mark.joined_only("it holds an event back until it says so")
@pytest.mark.capability("S2-20")
def test_a_claim_that_the_order_service_has_not_heard_of_yet_blocks_the_pay_out(shop, order):
    complete(shop, order)
    claim = shop.suite.do(
        "claim.open", customer(), order_id=order["id"], reason_code="damaged_items", text="broken"
    )  # its event has not left yet when the pay-out is proposed
    assert settle(shop, order) == "held"
    (answer,) = answers(shop)
    assert (answer.type, answer.data["holding_claim_ids"]) == ("claim.settlement_blocked", [claim["id"]])


@pytest.mark.capability("I8")
def test_a_claim_opened_after_the_clearance_is_after_the_settlement(shop, order):
    complete(shop, order)
    assert settle(shop, order) == "settled"
    claim = shop.claim(order)
    assert shop.get(claim)["holds_settlement"] is False
    assert shop.suite.events("claim", "claim.opened")[0].data["hold"] is False
    assert shop.suite.do("order.get", agent(), order_id=order["id"])["settlement"]["state"] == "settled"


@pytest.mark.parametrize("end", ["withdrawn", "refused", "resolved"])
def test_every_end_of_the_last_claim_frees_the_settlement(shop, order, end):
    claim = shop.claim(order)
    assert shop.get(claim)["holds_settlement"] is True
    if end == "withdrawn":
        shop.do("claim.withdraw", customer(), claim)
    elif end == "refused":
        shop.do("claim.escalate", seller(), claim, reason="unclear")
        shop.do("claim.refuse", agent(), claim, reason_code="no_proof")
    else:
        shop.do("claim.propose", seller(), claim, text="10 %?")
        shop.do("claim.confirm", customer(), claim)
    complete(shop, order)
    assert settle(shop, order) == "settled"


def test_a_reopened_claim_holds_again_until_the_order_is_cleared(shop, order):
    claim = shop.claim(order)
    shop.do("claim.propose", seller(), claim, text="10 %?")
    shop.do("claim.confirm", customer(), claim)
    complete(shop, order)
    shop.do("claim.reopen", customer(), claim)
    assert shop.get(claim)["holds_settlement"] is True
    shop.do("claim.withdraw", customer(), claim)
    other = shop.claim(order)
    shop.do("claim.propose", seller(), other, text="10 %?")
    shop.do("claim.confirm", customer(), other)
    assert settle(shop, order) == "settled"
    shop.do("claim.reopen", customer(), other)
    assert shop.get(other)["holds_settlement"] is False


def test_a_discussion_never_holds(shop):
    order = shop.order(profile="discussion")
    shop.claim(order, reason_code="question")
    assert shop.suite.do("order.get", agent(), order_id=order["id"])["settlement"]["holds"] == []


@pytest.mark.joined_only("it holds an event back until it says so")
def test_when_the_pay_out_was_given_up_claims_hold_again(shop, order):
    """SET-07: the answer came after the order service had stopped waiting for it."""
    complete(shop, order)
    suite = shop.suite
    suite.do("order.settle", agent(), order_id=order["id"], payout_ref="pay_out_1")
    suite.clock.advance(minutes=2)
    suite.apps["order"].timers.fire_due()
    suite.settle()
    assert suite.do("order.get", agent(), order_id=order["id"])["settlement"]["state"] == "releasable"
    claim = shop.claim(order)
    assert shop.get(claim)["holds_settlement"] is True


def test_the_settlement_answers_keep_the_contract_and_the_sequence(shop, order):
    complete(shop, order)
    claim = shop.claim(order)
    shop.suite.do("claim.withdraw", customer(), claim_id=claim["id"])
    shop.suite.settle()
    assert settle(shop, order) == "settled"
    assert shop.types({"id": order["id"]}) == ["claim.settlement_cleared"]
