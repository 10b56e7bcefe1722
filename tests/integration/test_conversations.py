"""Who reads what, who is told what; an integrator's whole cycle through the API alone."""

from __future__ import annotations

import pytest

from tests.integration.live import eventually

pytestmark = pytest.mark.servers
SECRET = "the-glass-is-from-a-bad-batch"


def messages(caller, claim):
    """The texts this caller reads on the claim's thread."""
    thread = eventually(lambda: caller.get(f"/v1/threads?claim_id={claim['id']}")["items"])[0]
    return thread, caller.get(f"/v1/threads/{thread['id']}/messages")["items"]


@pytest.mark.capability("S1-24", "S1-25", "S1-26", "S1-27", "S1-31", "T02", "T04", "I5")
def test_private_comments_are_read_by_staff_and_seller_and_reach_the_customer_in_no_form(shop):
    shop.listen()
    claim = shop.report(shop.order())
    thread, _ = messages(shop.coordinator, claim)
    path = f"/v1/threads/{thread['id']}/messages"
    shop.coordinator.post(path, {"text": "We look into it.", "visibility": "public"})
    shop.coordinator.post(path, {"text": SECRET, "visibility": "private"})
    answer = shop.seller.post(path, {"text": f"Yes, {SECRET}"})
    assert answer["visibility"] == "private", "after a private comment the next one is private by default"
    assert shop.customer.refused("POST", path, {"text": "x", "visibility": "private"})["status"] in (403, 422)
    shop.customer.post(path, {"text": "Thank you."})

    _, read = messages(shop.coordinator, claim)
    assert sum(SECRET in each["text"] for each in read) == 2
    _, read = messages(shop.seller, claim)
    assert sum(SECRET in each["text"] for each in read) == 2
    _, read = messages(shop.customer, claim)
    assert [each["text"] for each in read] == ["The lamp came in pieces.", "We look into it.", "Thank you."]

    shop.mail("ada", "We look into it.")
    shop.quiet()
    shop.heard()
    assert not [event for event in shop.events if SECRET in event["body"]]
    assert not shop.mails("ada", SECRET)
    for route in (f"/v1/claims/{claim['id']}", f"/v1/threads/{thread['id']}", "/v1/claims?expand=messages"):
        assert SECRET not in shop.customer.send("GET", route).text


@pytest.mark.capability("S0-03", "S0-07", "S0-09", "S0-22")
def test_an_integrator_runs_the_whole_cycle_through_the_api_alone(shop):
    order = shop.order(profile="discussion")
    claim = shop.report(order)
    integrator = shop.caller("integrator", "key_lamps", "sel_lamps")

    listed = eventually(lambda: [c for c in integrator.get("/v1/claims?expand=messages")["items"] if c.get("messages")])
    assert [each["id"] for each in listed] == [claim["id"]]
    assert "The lamp came in pieces." in str(listed[0]["messages"])
    assert [each["number"] for each in integrator.get("/v1/orders?has_open_claims=true")["items"]] == ["1001"]

    results = integrator.post("/v1/claims:close", {"claim_ids": [claim["id"], "clm_unknown"]})["results"]
    assert [each["result"] for each in results] == ["UNAUTHORIZED_LAST_ANSWER", "NOT_FOUND"]
    thread, _ = messages(integrator, claim)
    integrator.post(f"/v1/threads/{thread['id']}/messages", {"text": "We refund the lamp."})
    line = [{"line_id": order["lines"][0]["line_id"], "qty": 1}]
    body = {"kind": "refund", "refund": {"lines": line, "reason_code": "damaged_items"}}
    eventually(lambda: integrator.get(f"/v1/claims/{claim['id']}")["state"] == "in_progress")
    integrator.post(f"/v1/claims/{claim['id']}/resolutions", body)
    shop.claim_reaches(claim["id"], "resolved")
    close = {"thread_ids": [thread["id"], "thr_unknown"]}
    results = integrator.post("/v1/threads:close", close)["results"]
    assert [each["result"] for each in results] == ["CLOSED", "NOT_FOUND"]
    shop.claim_reaches(claim["id"], "closed")
    assert integrator.post("/v1/threads:close", close)["results"][0]["result"] == "ALREADY_CLOSED"


@pytest.mark.capability("S0-02")
def test_the_seller_writes_first_and_no_claim_is_needed(shop):
    order = shop.order()
    eventually(
        lambda: shop.seller.send("POST", f"/v1/orders/{order['id']}/messages", {"text": "Your rug is on its way."}).ok
    )
    shop.mail("ada", "Your rug is on its way.")
    assert shop.agent.get(f"/v1/orders/{order['id']}")["claims"] == []


@pytest.mark.capability("I13")
def test_nobody_is_told_the_same_thing_twice(shop):
    shop.report(shop.order())
    shop.quiet()
    told = [
        (each["event_id"], each["recipient"]["kind"], each["recipient"]["ref"], each["channel"])
        for each in shop.agent.get("/v1/notifications?limit=200")["items"]
    ]
    assert len(told) == len(set(told)) > 4
    message_ids = [dict(mail["headers"])["Message-ID"] for mail in shop.mails("ada")]
    assert len(message_ids) == len(set(message_ids))


@pytest.mark.capability("T01", "T05")
def test_strangers_and_suppliers_get_nowhere(shop):
    order = shop.order()
    claim = shop.report(order)
    stranger = shop.caller("customer", "user_eve", "cus_eve")
    other_seller = shop.caller("seller", "user_rugs", "sel_rugs")
    other_tenant = shop.live.shop()
    for nobody in (stranger, other_seller, other_tenant.agent, other_tenant.customer):
        for path in (f"/v1/orders/{order['id']}", f"/v1/claims/{claim['id']}"):
            assert nobody.refused("GET", path)["code"] == "NOT_FOUND"
        assert nobody.get("/v1/claims")["items"] == []
    for action in ("start", "resolve", "close"):
        assert shop.supplier.refused("POST", f"/v1/claims/{claim['id']}:{action}", {})["status"] in (403, 404)
    assert shop.agent.get(f"/v1/claims/{claim['id']}")["state"] == "submitted"
