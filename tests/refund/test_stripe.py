"""Refunds through Stripe's SDK while the provider is slow, refuses, or loses its answers: paid once, or surely not."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest

from tests.refund.conftest import WEBHOOK_SECRET
from tests.suite import agent, seller

# What passes between one question to Stripe and the next.
AGES = [{"seconds": 33}, {"minutes": 5}, {"hours": 1}, *[{"hours": 6}] * 3, {"hours": 7}]
STRIPE_HEADER = "Stripe-Signature"


def at_stripe(shop, number="1001"):
    """(amount, status, our id) of each refund that Stripe made of the order's payment."""
    found = shop.stripe.refunds(f"pi_{number}")
    return [(one["amount"], one["status"], one["metadata"].get("refund_id")) for one in found]


def sent(shop):
    """The refunds that were sent to Stripe: (idempotency key, outcome)."""
    calls = [call for call in shop.stripe.calls() if call["path"] == "/v1/refunds" and call["method"] == "POST"]
    return [(call["key"], call["outcome"]) for call in calls]


def hear(shop, event, secret=WEBHOOK_SECRET, at=None):
    """Hand a signed webhook to the refund service; answers the Answer."""
    body = event if isinstance(event, str) else json.dumps(event)
    at = int(time.time()) if at is None else at
    signature = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {STRIPE_HEADER: f"t={at},v1={signature}"}
    return shop.suite.call("refund.provider_event", agent(), provider="stripe", headers=headers, body=body)


def patiently(seen, seconds=10):
    """Look until it is seen: what runs in the simulator takes real time."""
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "it never happened"


def refund_object(refund_id="", **changes):
    told = {
        "id": "re_1",
        "object": "refund",
        "amount": 17000,
        "currency": "eur",
        "payment_intent": "pi_1001",
        "status": "succeeded",
        "metadata": {"refund_id": refund_id} if refund_id else {},
    }
    return {**told, **changes}


def event(told, type="refund.updated", id="evt_1"):
    return {"id": id, "object": "event", "type": type, "data": {"object": told}}


def test_a_refund_is_sent_once_under_its_own_id_and_succeeds(stripe_shop):
    order = stripe_shop.order(shipped=True)

    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()

    assert stripe_shop.refund(refund["id"])["state"] == "succeeded"
    assert at_stripe(stripe_shop) == [(17000, "succeeded", refund["id"])]
    assert [key for key, _ in sent(stripe_shop)] == [refund["id"]]


@pytest.mark.capability("R22", "T19")
@pytest.mark.parametrize("fault", [{"cut": "after"}, {"cut": "before"}, {"slow": 3}, {"http_500": "after"}])
def test_a_lost_answer_is_asked_about_and_the_customer_is_paid_exactly_once(stripe_shop, fault):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(**fault, times=1)

    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    unknown = stripe_shop.refund(refund["id"])
    held = stripe_shop.envelope(order)["reserved"]
    before = stripe_shop.suite.events("refund", "refund.outcome_unknown")
    if "slow" in fault:
        patiently(lambda: at_stripe(stripe_shop))
    stripe_shop.suite.advance(seconds=31)

    assert (unknown["state"], held, len(before)) == ("unknown", 17000, 1)
    assert stripe_shop.refund(refund["id"])["state"] == "succeeded"
    assert at_stripe(stripe_shop) == [(17000, "succeeded", refund["id"])]
    assert {key for key, _ in sent(stripe_shop)} == {refund["id"]}


@pytest.mark.capability("R22")
def test_a_refund_is_not_sent_again_while_the_provider_cannot_be_asked(stripe_shop):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(cut="after", times=1)
    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    stripe_shop.stripe.faults(http_500="before", on="read")

    for age in AGES[:6]:
        stripe_shop.suite.advance(**age)
    stripe_shop.stripe.clear_faults()
    asked_in_vain = stripe_shop.refund(refund["id"])["state"]
    stripe_shop.suite.advance(**AGES[6])

    assert asked_in_vain == "unknown"
    assert stripe_shop.refund(refund["id"])["state"] == "succeeded"
    assert len(sent(stripe_shop)) == 1


def test_after_the_last_question_a_person_is_told_and_the_reservation_is_kept(stripe_shop):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(cut="before", on="any")
    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()

    for age in AGES:
        stripe_shop.suite.advance(**age)

    told = stripe_shop.told("refund.outcome_unknown")
    assert [one["given_up"] for one in told] == [False, True]
    assert stripe_shop.refund(refund["id"])["state"] == "unknown"
    assert stripe_shop.envelope(order)["reserved"] == 17000

    stripe_shop.stripe.clear_faults()
    assert "execute" in stripe_shop.refund(refund["id"])["allowed_actions"]
    stripe_shop.suite.do("refund.execute", agent(), refund_id=refund["id"])
    stripe_shop.suite.settle()
    assert stripe_shop.refund(refund["id"])["failure"]["code"] == "never_arrived"
    assert stripe_shop.envelope(order)["available"] == 17490


def test_a_refund_that_stripe_surely_never_had_fails_once_its_key_is_no_longer_honoured(stripe_shop):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(cut="before", on="any")
    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    for age in AGES[:6]:
        stripe_shop.suite.advance(**age)
    stripe_shop.stripe.clear_faults()

    stripe_shop.suite.advance(**AGES[6])

    failed = stripe_shop.refund(refund["id"])
    assert (failed["state"], failed["failure"]) == ("failed", {"code": "never_arrived", "retryable": True})
    assert at_stripe(stripe_shop) == []
    assert stripe_shop.envelope(order)["available"] == 17490


def test_a_definite_refusal_frees_the_money_and_the_refund_can_be_tried_anew(stripe_shop):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(refuse="insufficient_funds", times=1)
    refund = stripe_shop.request(order, "post_shipment_lines", lines=[{"line_id": "lin_1001_1", "qty": 1}])
    stripe_shop.suite.settle()
    failed = stripe_shop.refund(refund["id"])
    free = stripe_shop.envelope(order)["available"]

    again = stripe_shop.suite.do("refund.retry", seller(), refund_id=refund["id"])
    stripe_shop.suite.settle()

    assert (failed["state"], failed["failure"]) == ("failed", {"code": "insufficient_funds", "retryable": True})
    assert failed["allowed_actions"] == ["retry"]
    assert free == 17490
    assert (again["retry_of"], again["lines"]) == (refund["id"], refund["lines"])
    assert stripe_shop.refund(again["id"])["state"] == "succeeded"
    assert at_stripe(stripe_shop) == [(4371, "succeeded", again["id"])]
    assert stripe_shop.suite.refused("refund.retry", seller(), refund_id=again["id"])["code"] == "NOT_IN_THIS_STATE"


def test_a_pending_refund_stays_in_work_until_stripes_webhook_says_how_it_ended(stripe_shop):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(mode="pending", times=1)
    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    pending = stripe_shop.refund(refund["id"])

    told = refund_object(refund["id"], id=pending["provider_ref"])
    answers = [hear(stripe_shop, event(told)).body for _ in range(10)]
    stripe_shop.suite.advance(seconds=31)

    assert pending["state"] == "processing"
    assert answers == [{"received": True, "duplicate": False}, *[{"received": True, "duplicate": True}] * 9]
    assert stripe_shop.refund(refund["id"])["state"] == "succeeded"
    assert len(stripe_shop.told("refund.succeeded")) == 1


def test_a_pending_refund_whose_webhook_never_comes_is_asked_about(stripe_shop):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(mode="pending", times=1)
    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    stripe_shop.stripe.settle()

    stripe_shop.suite.advance(seconds=31)

    assert stripe_shop.refund(refund["id"])["state"] == "succeeded"
    assert len(sent(stripe_shop)) == 1


def test_a_refund_that_the_bank_sends_back_is_reversed_and_refundable_again(stripe_shop):
    order = stripe_shop.order(shipped=True)
    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    paid = stripe_shop.refund(refund["id"])

    told = refund_object(refund["id"], id=paid["provider_ref"], status="failed", failure_reason="lost_or_stolen_card")
    hear(stripe_shop, event(told, "refund.failed"))

    assert stripe_shop.refund(refund["id"])["state"] == "reversed"
    assert stripe_shop.told("refund.reversed")[0]["code"] == "lost_or_stolen_card"
    assert stripe_shop.envelope(order)["available"] == 17490


def test_a_refund_made_in_stripes_dashboard_is_booked_and_flagged_when_it_goes_over_the_cap(stripe_shop):
    order = stripe_shop.order(shipped=True)
    stripe_shop.request(order, "post_shipment_lines", lines=[{"line_id": "lin_1001_1"}])
    stripe_shop.suite.settle()

    for number, type in enumerate(("refund.created", "refund.updated")):
        hear(stripe_shop, event(refund_object(id="re_dashboard", amount=9000), type, f"evt_{number}"))

    (told,) = stripe_shop.told("refund.external_recorded")
    assert (told["amount"]["amount"], told["over_cap"], told["available_after"]) == (9000, 253, 0)
    assert [one["kind"] for one in stripe_shop.refunds(order)].count("external") == 1
    assert stripe_shop.envelope(order)["payments"][0]["excess"] == 253


def test_a_chargeback_stops_automatic_refunds_until_a_person_decides(stripe_shop):
    order = stripe_shop.order(shipped=True)
    dispute = {"id": "dp_1", "payment_intent": "pi_1001", "amount": 5000, "status": "needs_response"}

    hear(stripe_shop, event(dispute, "charge.dispute.created", "evt_d1"))
    refund = stripe_shop.request(order, "post_shipment_lines", lines=[{"line_id": "lin_1001_1"}])
    open_envelope = stripe_shop.envelope(order)
    hear(stripe_shop, event({**dispute, "status": "won"}, "charge.dispute.closed", "evt_d2"))

    assert refund["state"] == "pending_approval"
    assert stripe_shop.told("refund.approval_required")[0]["rules"] == ["E7"]
    assert open_envelope["chargeback"] == {"amount": 5000, "open": True, "state": "open"}
    assert open_envelope["available"] == 17490 - 5000 - 8743
    assert stripe_shop.envelope(order)["available"] == 17490 - 8743


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "whsec_of_somebody_else"},
        {"at": int(time.time()) - 3_600},
        {"event": "not json"},
        {"event": '{"id": "evt_1"}'},
    ],
)
def test_a_webhook_with_a_wrong_signature_age_or_body_changes_nothing(stripe_shop, wrong):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(mode="pending", times=1)
    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()
    before = stripe_shop.suite.event_count()

    told = wrong.pop("event", event(refund_object(refund["id"])))
    answer = hear(stripe_shop, told, **wrong)

    assert (answer.status, answer.body["code"]) == (400, "WEBHOOK_REFUSED")
    assert stripe_shop.suite.event_count() == before
    assert stripe_shop.refund(refund["id"])["state"] == "processing"


def test_a_webhook_whose_amount_differs_is_left_to_a_person(stripe_shop):
    order = stripe_shop.order(shipped=True)
    stripe_shop.stripe.faults(mode="pending", times=1)
    refund = stripe_shop.request(order, "post_shipment_order")
    stripe_shop.suite.settle()

    hear(stripe_shop, event(refund_object(refund["id"], amount=16999)))

    assert stripe_shop.refund(refund["id"])["state"] == "unknown"
    assert stripe_shop.told("refund.outcome_unknown")[0]["code"] == "amount_differs"
    assert stripe_shop.envelope(order)["reserved"] == 17000


@pytest.mark.capability("R22", "T19")
def test_of_many_refunds_against_a_flaky_provider_each_is_paid_exactly_once(stripe_shop):
    """15 % of the lines cut before, 15 % cut after the work, 10 % server errors after it."""
    for fault in ({"cut": "before"}, {"cut": "after"}, {"http_500": "after"}):
        stripe_shop.stripe.faults(**fault, on="any", probability=0.15, seed=str(fault))
    orders = [stripe_shop.order(str(2000 + number), shipped=True) for number in range(40)]
    made = [stripe_shop.request(order, "post_shipment_order")["id"] for order in orders]
    stripe_shop.suite.settle()

    for age in AGES:
        stripe_shop.suite.advance(**age)

    per_order = [at_stripe(stripe_shop, str(2000 + number)) for number in range(40)]
    assert [len(found) for found in per_order] == [1] * 40
    assert {stripe_shop.refund(id)["state"] for id in made} == {"succeeded"}
