"""The main path through HTTP: from an order placed to a refund paid, as clients would walk it."""

from __future__ import annotations

from tests.suite import PARCEL, coordinator, customer, integrator, order_args, payment_args, seller


def shipped_order(api, **changes):
    order = api.post("/v1/orders", integrator(), order_args(**changes), status=201)
    payment = payment_args(order)
    one = f"/v1/orders/{payment.pop('order_id')}"
    api.post(f"{one}/payments", integrator(), payment)
    order = api.post(f"{one}:ship", seller(), {"parcel": PARCEL})
    api.suite.settle()
    return order


def open_claim(api, order, **changes):
    body = {"reason_code": "damaged_items", "text": "The lamp arrived in pieces.", **changes}
    claim = api.post(f"/v1/orders/{order['id']}/issues", customer(), body, status=201)
    api.suite.settle()
    return claim


def test_an_order_is_placed_paid_shipped_and_read_over_http(api):
    order = shipped_order(api)
    assert order["phase"] == "shipped"
    page = api.get(f"/v1/orders/{order['id']}", customer())
    assert (page["phase"], page["claims"], page["warnings"]) == ("shipped", [], [])
    assert page["refund_envelope"]["available"] == 17490


def test_a_claim_page_shows_its_conversation_and_its_refunds(api):
    order = shipped_order(api)
    claim = open_claim(api, order)
    page = api.get(f"/v1/claims/{claim['id']}", customer())
    assert page["warnings"] == []
    assert [message["text"] for message in page["messages"]] == ["The lamp arrived in pieces."]
    assert page["thread"]["messages"] == 1
    assert page["refunds"] == []
    listed = api.get("/v1/claims?expand=messages", coordinator())
    assert [message["text"] for message in listed["items"][0]["messages"]] == ["The lamp arrived in pieces."]
