"""What was refunded in the provider's own dashboard, and came back from there (REF-14, REF-15)."""

from __future__ import annotations

import pytest

from tests.order.test_disputes import envelope, hear, paid_back, refund, shipped_order
from tests.suite import agent


def dashboard(counter, amount, id="re_hand"):
    """Somebody refunds the payment at Stripe itself."""
    made = {"id": id, "object": "refund", "amount": amount, "currency": "eur", "payment_intent": "pi_1001"}
    made |= {"status": "succeeded", "metadata": {}}
    hear(counter, "refund.created", made)
    return made


def sent_back(counter, made):
    hear(counter, "refund.failed", {**made, "status": "failed", "failure_reason": "lost_or_stolen_card"})


@pytest.mark.capability("M9")
def test_a_refund_of_the_dashboard_that_the_bank_sends_back_is_refundable_again(counter):
    order = shipped_order(counter)
    made = dashboard(counter, 9000)
    assert envelope(counter, order)["available"] == 8490

    sent_back(counter, made)
    back = envelope(counter, order)
    refund(counter, order)

    assert (back["available"], back["succeeded"]) == (17490, 0)
    assert back["payments"][0]["succeeded"] == 0
    assert paid_back(counter) == [17490]


def test_of_what_went_over_the_cap_only_what_is_below_it_is_refundable_again(counter):
    order = shipped_order(counter)
    gesture = {"kind": "commercial_gesture", "reason_code": "goodwill", "amount": {"amount": 9500, "currency": "EUR"}}
    refund(counter, order, agent(), **gesture)
    waiting = counter.api.get("/v1/refunds", agent())["items"][0]
    assert waiting["state"] == "succeeded"
    made = dashboard(counter, 9000)
    over = envelope(counter, order)["payments"][0]

    sent_back(counter, made)

    back = envelope(counter, order)["payments"][0]
    assert (over["succeeded"], over["excess"], over["available"]) == (17490, 1010, 0)
    assert (back["succeeded"], back["excess"], back["available"]) == (9500, 0, 7990)
