"""Refunds through the API, the official SDK and a provider that is a process of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.servers


def euros(amount):
    return {"amount": amount, "currency": "EUR"}


def refunded(shop, order, amount):
    """The order's envelope says that exactly this much has gone back, and nothing is under way."""
    envelope = shop.order_shows(order, lambda page: page["refund_envelope"]["reserved"] == 0)["refund_envelope"]
    assert envelope["succeeded"] == amount
    return envelope


@pytest.mark.capability("S0-04", "S0-19")
def test_a_whole_shipped_order_is_refunded_to_the_cent(shop):
    order = shop.order()
    refund = shop.refund(order, kind="post_shipment_order", shipping=True, reason_code="changed_mind")
    done = shop.refund_reaches(refund["id"], "succeeded")
    assert done["amount"] == euros(17490)
    assert refunded(shop, order, 17490)["available"] == 0


@pytest.mark.capability("S0-05", "S0-18")
def test_products_are_refunded_one_by_one_after_shipment(shop):
    order = shop.order()
    lamp, rug = order["lines"]
    line = [{"line_id": rug["line_id"], "qty": 1}]
    first = shop.refund(order, kind="post_shipment_lines", lines=line, reason_code="changed_mind")
    assert shop.refund_reaches(first["id"], "succeeded")["amount"] == euros(8257)
    line = [{"line_id": lamp["line_id"], "qty": 1}]
    second = shop.refund(order, kind="post_shipment_lines", lines=line, reason_code="changed_mind")
    assert shop.refund_reaches(second["id"], "succeeded")["amount"] == euros(4371)
    refunded(shop, order, 8257 + 4371)


@pytest.mark.capability("S0-06", "S0-20")
def test_a_commercial_gesture_of_a_free_amount_is_tied_to_no_line(shop):
    order = shop.order(ship=False)
    gesture = shop.refund(order, kind="commercial_gesture", amount=euros(700), reason_code="goodwill")
    done = shop.refund_reaches(gesture["id"], "succeeded")
    assert done["amount"] == euros(700)
    refunded(shop, order, 700)
    shop.mail("ada", "7.00")


@pytest.mark.capability("S0-17")
def test_a_line_refused_before_shipment_is_refunded_by_itself(shop):
    order = shop.order(ship=False)
    rug = order["lines"][1]["line_id"]
    decision = {"line_id": rug, "action": "refuse", "reason_code": "out_of_stock"}
    shop.seller.post(f"/v1/orders/{order['id']}/lines:validate", {"lines": [decision]})
    shop.order_shows(order, lambda page: page["refund_envelope"]["succeeded"] == 8257)
    shop.mail("ada", "82.57")


@pytest.mark.capability("S0-23")
def test_the_wrong_path_is_refused_with_its_reason(shop):
    order = shop.order()
    rug = order["lines"][1]["line_id"]
    shop.order_shows(order, lambda page: page["refund_envelope"]["captured"] == 17490)
    wrong = {"order_id": order["id"], "kind": "pre_shipment", "lines": [{"line_id": rug, "qty": 1}]}
    problem = shop.seller.refused("POST", "/v1/refunds", wrong | {"reason_code": "changed_mind"})
    assert (problem["code"], problem["rule"]) == ("LINE_ALREADY_SHIPPED", "E1")
    unshipped = shop.order("1002", ship=False)
    shop.order_shows(unshipped, lambda page: page["refund_envelope"]["captured"] == 17490)
    line = [{"line_id": unshipped["lines"][1]["line_id"], "qty": 1}]
    wrong = {"order_id": unshipped["id"], "kind": "post_shipment_lines", "lines": line}
    problem = shop.seller.refused("POST", "/v1/refunds", wrong | {"reason_code": "changed_mind"})
    assert problem["code"] == "LINE_NOT_SHIPPED"
    refunded(shop, order, 0)


@pytest.mark.capability("R20", "T18")
def test_twenty_refunds_at_once_never_pay_more_than_was_captured(shop):
    for number in range(5):
        order = shop.order(f"20{number}")
        shop.order_shows(order, lambda page: page["refund_envelope"]["captured"] == 17490)
        body = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill", "amount": euros(9000)}
        with ThreadPoolExecutor(20) as crowd:
            answers = list(crowd.map(lambda _: shop.agent.send("POST", "/v1/refunds", body), range(20)))  # noqa: B023
        assert sorted({answer.status_code for answer in answers}) == [201, 409]
        accepted = [answer.json() for answer in answers if answer.status_code == 201]
        assert len(accepted) == 1
        shop.refund_reaches(accepted[0]["id"], "succeeded")
        refunded(shop, order, 9000)


@pytest.mark.capability("R21", "I3", "T19")
def test_the_same_key_a_hundred_times_at_once_is_one_refund_and_one_payment(shop):
    order = shop.order()
    shop.order_shows(order, lambda page: page["refund_envelope"]["captured"] == 17490)
    body = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill", "amount": euros(500)}
    answers = at_once(shop, body, ["one-key"] * 100)
    accepted = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409, 503}  # 503: too many at once, come back
    assert len({answer.json()["id"] for answer in accepted}) == 1
    paid_once(shop, order, accepted[0].json(), 500)
    other = shop.agent.send("POST", "/v1/refunds", body | {"amount": euros(600)}, key="one-key")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.capability("R20", "T18")
def test_the_whole_order_asked_back_a_hundred_times_at_once_is_one_refund_and_one_payment(shop):
    order = shop.order()
    shop.order_shows(order, lambda page: page["refund_envelope"]["captured"] == 17490)
    body = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill", "amount": euros(17490)}
    answers = at_once(shop, body, [f"key-{number}" for number in range(100)])
    assert {201, 409} <= {answer.status_code for answer in answers} <= {201, 409, 503}
    (accepted,) = (answer.json() for answer in answers if answer.status_code == 201)
    paid_once(shop, order, accepted, 17490)


def at_once(shop, body, keys):
    """The answers to the same refund asked for under these keys, each in a thread of its own."""
    with ThreadPoolExecutor(len(keys)) as crowd:
        return list(crowd.map(lambda key: shop.agent.send("POST", "/v1/refunds", body, key=key), keys))


def paid_once(shop, order, refund, amount):
    shop.refund_reaches(refund["id"], "succeeded")
    refunded(shop, order, amount)
    asked = [call for call in shop.live.simulator.calls() if call["key"] == refund["id"]]
    assert len(asked) == 1, "the provider was asked once, under the refund's own id"


def test_money_commands_need_a_key(shop):
    order = shop.order(ship=False)
    body = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill", "amount": euros(500)}
    headers = {"Authorization": f"Bearer {shop.agent.token}"}
    response = shop.agent.session.post(f"{shop.live.url}/v1/refunds", json=body, headers=headers, timeout=10)
    assert (response.status_code, response.json()["code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")
