"""What a payer's bank took back does not leave a second time, and comes back when it is won, to the cent (N1, E7)."""

from __future__ import annotations

import time

import orjson
import pytest

from services.simulator.webhooks import stripe_headers
from tests.order.counter import WEBHOOK_SECRET
from tests.order.test_internal_claims import paid_order
from tests.suite import PARCEL, agent, payment_args, seller

WHOLE = {"kind": "post_shipment_order", "reason_code": "damaged_items", "shipping": True}
EUR = "EUR"


def shipped_order(counter, **changes):
    order = paid_order(counter, **changes)
    counter.api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    counter.suite.settle()
    return order


def bank(counter, what, amount=17490, status="needs_response", id="dp_1"):
    """Stripe tells of a dispute: created, or closed with this status."""
    dispute = {"id": id, "object": "dispute", "payment_intent": "pi_1001", "amount": amount, "status": status}
    hear(counter, f"charge.dispute.{what}", dispute)


def hear(counter, type, told):
    """A signed webhook of Stripe about this object."""
    event = {"id": f"evt_{told['id']}_{type}", "object": "event", "type": type, "data": {"object": told}}
    body = orjson.dumps(event)
    headers = stripe_headers(WEBHOOK_SECRET, body, int(time.time()))
    sent = {"data": body, "headers": headers, "content_type": "application/json"}
    assert counter.api.call("POST", "/hooks/stripe", **sent).status_code == 200
    counter.suite.settle()


def refund(counter, order, who=None, **wish):
    made = counter.api.post("/v1/refunds", who or seller(), {"order_id": order["id"], **(wish or WHOLE)}, status=201)
    counter.suite.settle()
    return made


def act(counter, refund, action, who=None):
    answer = counter.api.post(f"/v1/refunds/{refund['id']}:{action}", who or agent("agt_2"))
    counter.suite.settle()
    return answer


def refused(counter, refund, action):
    before = counter.suite.event_count()
    path = f"/v1/refunds/{refund['id']}:{action}"
    problem = counter.api.refused("POST", path, agent("agt_2"), "PAYMENT_DISPUTED", body={})
    assert counter.suite.event_count() == before
    return problem


def offered(counter, refund, who=None):
    """What page, list and a command's answer would let one try; the two that are read agree."""
    who = who or agent("agt_2")
    page = counter.api.get(f"/v1/refunds/{refund['id']}", who)["allowed_actions"]
    listed = {one["id"]: one["allowed_actions"] for one in counter.api.get("/v1/refunds", who)["items"]}
    assert listed[refund["id"]] == page
    return page


def envelope(counter, order):
    return counter.api.get(f"/v1/orders/{order['id']}/refund-envelope", agent())


def paid_back(counter):
    return [one["amount"] for one in counter.outside.refunds("pi_1001")]


@pytest.mark.capability("N1", "E7", "I1")
@pytest.mark.parametrize("won", [True, False])
def test_what_the_bank_took_while_a_refund_waited_for_its_execution_is_not_paid_as_well(counter, won):
    order = shipped_order(counter, profile="support")
    waiting = refund(counter, order)
    assert waiting["state"] == "approved"

    bank(counter, "created")
    problem = refused(counter, waiting, "execute")
    bank(counter, "closed", status="won" if won else "lost")

    assert (problem["rule"], problem["status"]) == ("E7", 409)
    assert problem["details"] == {"payment_id": "pay_1001", "taken": 17490}
    if won:
        act(counter, waiting, "execute")
        assert paid_back(counter) == [17490]
    else:
        refused(counter, waiting, "execute")
        act(counter, waiting, "cancel")
        left = envelope(counter, order)
        assert (left["available"], left["chargeback"]) == (0, {"amount": 17490, "open": False, "state": "lost"})
        assert paid_back(counter) == []


@pytest.mark.capability("E7")
def test_a_refund_that_waits_for_approval_is_not_approved_into_a_second_payment(counter):
    order = shipped_order(counter)
    gesture = {"kind": "commercial_gesture", "reason_code": "goodwill", "amount": {"amount": 12000, "currency": EUR}}
    waiting = refund(counter, order, **gesture)
    assert waiting["state"] == "pending_approval"

    bank(counter, "created", amount=10000)
    problem = refused(counter, waiting, "approve")
    rejected = act(counter, waiting, "reject")

    assert problem["details"]["taken"] == 10000 - 5490
    assert rejected["state"] == "rejected"
    assert envelope(counter, order)["available"] == 17490 - 10000
    assert paid_back(counter) == []


def test_a_subscription_is_not_paid_with_its_product_once_the_bank_took_its_money(counter):
    from tests.gateway.test_orders import CARE, MODULE

    lines = {"lines": [MODULE, CARE], "discount": 0, "shipping": [], "total": 36000}
    order = shipped_order(counter, profile="support", **lines)
    wish = {"kind": "post_shipment_lines", "lines": [{"line_id": "lin_module"}], "reason_code": "not_downloaded"}
    product = refund(counter, order, **wish)
    counter.outside.faults(mode="pending", times=1, provider="stripe")
    act(counter, product, "execute")
    bank(counter, "created", amount=12000)
    counter.outside.settle()
    counter.suite.advance(minutes=2)

    states = {one["kind"]: one["state"] for one in counter.api.get("/v1/refunds", agent())["items"]}
    assert states == {"post_shipment_lines": "succeeded", "linked_subscription": "approved"}
    assert paid_back(counter) == [24000]


@pytest.mark.capability("N1")
def test_of_two_disputes_each_takes_and_brings_back_its_own_money(counter):
    order = shipped_order(counter)

    bank(counter, "created", amount=5000, id="dp_1")
    bank(counter, "created", amount=3000, id="dp_2")
    bank(counter, "closed", amount=5000, id="dp_1", status="lost")
    still_open = envelope(counter, order)
    bank(counter, "closed", amount=3000, id="dp_2", status="won")
    over = envelope(counter, order)

    assert (still_open["available"], still_open["chargeback"]["open"]) == (9490, True)
    assert still_open["payments"][0]["chargeback"] == {"amount": 8000, "open": True, "state": "open"}
    assert (over["available"], over["chargeback"]) == (12490, {"amount": 5000, "open": False, "state": "lost"})


@pytest.mark.capability("I14")
@pytest.mark.parametrize(("status", "available"), [("won", 17490), ("warning_closed", 17490), ("lost", 12490)])
def test_the_end_of_a_dispute_may_be_told_before_its_beginning(counter, status, available):
    order = shipped_order(counter)

    bank(counter, "closed", amount=5000, status=status)
    bank(counter, "created", amount=5000)

    found = envelope(counter, order)
    assert (found["available"], found["chargeback"]["open"]) == (available, False)
    told = [event.type for event in counter.suite.events("refund") if event.stream == "chargeback"]
    assert told == ["chargeback.opened", "chargeback.lost" if status == "lost" else "chargeback.won"]


GESTURE = {"kind": "commercial_gesture", "reason_code": "goodwill", "amount": {"amount": 12000, "currency": EUR}}


@pytest.mark.capability("E7")
def test_execution_is_offered_again_once_the_dispute_is_won(counter):
    waiting = refund(counter, shipped_order(counter, profile="support"))
    before = offered(counter, waiting)
    bank(counter, "created")
    disputed = offered(counter, waiting)
    refused(counter, waiting, "execute")
    bank(counter, "closed", status="won")

    assert (before, disputed, offered(counter, waiting)) == (["cancel", "execute"], ["cancel"], ["cancel", "execute"])


@pytest.mark.capability("E7")
def test_an_approval_that_would_pay_at_once_is_not_offered_while_a_bank_has_the_money(counter):
    waiting = refund(counter, shipped_order(counter), **GESTURE)
    before = offered(counter, waiting)
    bank(counter, "created", amount=10000)
    disputed = offered(counter, waiting)
    refused(counter, waiting, "approve")

    assert (before, disputed) == (["approve", "cancel", "reject"], ["cancel", "reject"])
    assert offered(counter, waiting, seller()) == ["cancel"]


def test_an_approval_that_pays_nothing_yet_is_offered_and_answers_without_execution(counter):
    waiting = refund(counter, shipped_order(counter, profile="support"), **GESTURE)
    bank(counter, "created", amount=10000)

    assert offered(counter, waiting) == ["approve", "cancel", "reject"]
    assert act(counter, waiting, "approve")["allowed_actions"] == ["cancel"]
    assert offered(counter, waiting) == ["cancel"]


@pytest.mark.capability("E7", "M11")
def test_a_refund_in_parts_is_approved_in_one_and_not_offered_while_a_part_is_disputed(counter):
    order = counter.order(due=7490)
    counter.suite.advance(minutes=1)  # the latest payment gives back first
    rest = {"payment_id": "pay_rest", "provider_ref": "pi_rest", "amount": {"amount": 7490, "currency": EUR}}
    counter.suite.do("order.capture_payment", agent(), **payment_args(order, **rest))
    counter.outside.payment("eur", 10000, id="pi_1001")
    counter.outside.payment("eur", 7490, id="pi_rest")
    counter.api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    counter.suite.settle()
    head = refund(counter, order, **GESTURE)
    assert (head["payment_id"], head["amount"]["amount"], len(head["parts"])) == ("pay_rest", 7490, 2)
    bank(counter, "created", amount=10000)

    assert offered(counter, head) == ["cancel", "reject"]
    refused(counter, head, "approve")
    bank(counter, "closed", amount=10000, status="won")
    assert offered(counter, head) == ["approve", "cancel", "reject"]
    act(counter, head, "approve")
    assert (paid_back(counter), [one["amount"] for one in counter.outside.refunds("pi_rest")]) == ([4510], [7490])


@pytest.mark.capability("N9")
def test_a_lost_dispute_stops_no_refund_and_the_back_test_knows_that(counter):
    order = shipped_order(counter)
    bank(counter, "created", amount=5000)
    bank(counter, "closed", amount=5000, status="lost")
    gesture = {"kind": "commercial_gesture", "reason_code": "goodwill", "amount": {"amount": 700, "currency": EUR}}
    refund(counter, order, **gesture)

    asked = {"profile": "issue", "rules": {}, "since": "2020-01-01T00:00:00Z"}
    [told] = counter.api.post("/v1/refund-policies:simulate", agent(), asked)["items"]

    assert paid_back(counter) == [700]
    assert told["in_force"]["passed"] == {"count": 1, "amount": 700}
    assert told["in_force"]["approval"] == {"count": 0, "amount": 0}
