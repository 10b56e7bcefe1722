"""The main path through HTTP: from an order placed to a refund paid, as clients would walk it."""

from __future__ import annotations

import pytest

from tests.suite import PARCEL, coordinator, customer, integrator, order_args, payment_args, seller

CONTACT = {"name": "Seller One", "email": "one@seller.example", "locale": "fr"}
NOTIFICATIONS = "/v1/notifications?limit=200"


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


@pytest.mark.capability("S2-05", "S2-14")
def test_a_reported_issue_ends_with_the_money_back_and_everybody_told(api_of):
    """The main path: report, agree to a refund, pay it, confirm; through HTTP alone."""
    api = api_of(instant_provider=True, mail="folder")
    api.post("/v1/contacts/seller/sel_1", coordinator(), CONTACT, method="PUT")
    order = shipped_order(api)
    one = f"/v1/claims/{open_claim(api, order)['id']}"
    path = f"/v1/orders/{order['id']}"
    held = api.get(path, seller())
    assert (held["display_status"]["code"], held["settlement"]["state"]) == ("issue_reported", "held")

    chosen = api.post(f"{one}/resolutions", seller(), {"kind": "refund", "refund": {"shipping": True}})
    assert chosen["state"] == "in_progress"
    api.suite.settle()
    page = api.get(one, customer())
    assert [(each["state"], each["amount"]["amount"]) for each in page["refunds"]] == [("succeeded", 17490)]
    note = api.get(f"/v1/credit-notes/{page['refunds'][0]['credit_note_id']}", customer())
    assert note["total"] == {"amount": 17490, "currency": "EUR"}

    if page["state"] != "resolved":
        assert api.post(f"{one}:confirm", customer())["state"] == "resolved"
    api.suite.settle()
    freed = api.get(path, seller())
    assert (freed["open_claims"], freed["settlement"]["state"]) == (0, "open")
    assert freed["refund_envelope"]["available"] == 0
    told = {(each["recipient"]["kind"], each["event_type"]) for each in api.get(NOTIFICATIONS, coordinator())["items"]}
    assert {("customer", "claim.opened"), ("customer", "refund.succeeded"), ("seller", "refund.succeeded")} <= told


@pytest.mark.capability("S1-25")
def test_a_private_comment_reaches_no_customer_through_any_page(api):
    order = shipped_order(api)
    claim = open_claim(api, order)
    body = {"text": "PRIVATE-CANARY", "visibility": "private"}
    api.post(f"/v1/claims/{claim['id']}/messages", seller(), body, status=201)
    api.suite.settle()
    thread = api.get(f"/v1/claims/{claim['id']}", seller())["thread"]["id"]
    pages = (
        f"/v1/orders/{order['id']}",
        f"/v1/claims/{claim['id']}",
        "/v1/claims?expand=messages",
        "/v1/threads",
        f"/v1/threads/{thread}",
        f"/v1/threads/{thread}/messages",
        f"/v1/claims/{claim['id']}/observers",
    )
    for page in pages:
        assert "PRIVATE-CANARY" not in api.call("GET", page, customer()).text, page
    for insider in (seller(), coordinator()):
        assert "PRIVATE-CANARY" in api.call("GET", f"/v1/threads/{thread}/messages", insider).text
    assert "private" not in api.call("GET", f"/v1/threads/{thread}", customer()).text
