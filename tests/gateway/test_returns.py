"""Offers that are asked about, replacements, returns and oversight through HTTP."""

from __future__ import annotations

import pytest

from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import PARCEL, agent, coordinator, customer, integrator, order_args, seller, supplier

OFFER = {"seller_id": "sel_1", "product_id": "prd_lamp", "marketplace": "main", "title": "Brass lamp"}
LAMPS = [{"line_id": "lin_1001_1", "qty": 2}]


def offered(api, **changes):
    return api.post("/v1/offers/off_lamp", seller(), {**OFFER, **changes}, method="PUT")


@pytest.mark.capability("S0-01")
def test_a_question_about_an_offer_reaches_its_seller_before_anything_is_bought(api):
    offered(api)
    question = {"offer_id": "off_lamp", "text": "Does it come with a bulb?"}
    claim = api.post("/v1/claims", customer(), question, status=201)
    api.suite.settle()
    page = api.get(f"/v1/claims/{claim['id']}", seller())
    assert (page["category"], page["order_id"], page["offer_id"]) == ("offer_question", None, "off_lamp")
    assert (page["seller_id"], page["handler"]["code"], page["attention"]) == ("sel_1", "seller", True)
    assert [each["text"] for each in page["messages"]] == ["Does it come with a bulb?"]
    assert api.get(page["links"]["product"], customer())["title"] == "Brass lamp"
    assert "refund" not in page["allowed_resolutions"]
    api.post(f"/v1/claims/{claim['id']}/messages", seller(), {"text": "Yes, it does.", "visibility": "public"})
    api.suite.settle()
    assert [each["text"] for each in api.get(f"/v1/claims/{claim['id']}", customer())["messages"]][
        -1
    ] == "Yes, it does."
    assert api.get("/v1/claims?category=offer_question", seller("sel_2"))["items"] == []


@pytest.mark.capability("S0-01")
def test_an_offer_that_is_not_published_cannot_be_asked_about(api):
    offered(api, published=False)
    api.refused("POST", "/v1/claims", customer(), "OFFER_NOT_AVAILABLE", body={"offer_id": "off_lamp", "text": "Hm?"})
    api.refused("POST", "/v1/claims", customer(), "OFFER_NOT_AVAILABLE", body={"offer_id": "off_none", "text": "Hm?"})
    api.refused("PUT", "/v1/offers/off_lamp", seller("sel_2"), "FORBIDDEN", body=OFFER)
    taken = {**OFFER, "seller_id": "sel_2"}
    api.refused("PUT", "/v1/offers/off_lamp", seller("sel_2"), "NOT_FOUND", body=taken)


@pytest.mark.capability("S2-04", "S2-10", "S2-17")
def test_a_brand_finds_its_reported_orders_and_the_platform_every_sellers_problems(api):
    mine = shipped_order(api)
    api.post("/v1/orders", integrator(), order_args("1002"), status=201)
    claim = open_claim(api, mine, photos=["att_1"])
    api.suite.advance(hours=5)
    rows = api.get("/v1/reported-issues", seller())["items"]
    assert [(row["number"], row["issues"][0]["number"]) for row in rows] == [("1001", "1001-C1")]
    assert api.get(f"/v1/claims/{claim['id']}", seller())["photos"] == ["att_1"]
    assert api.get("/v1/reported-issues", seller("sel_2"))["items"] == []
    [watched] = api.get("/v1/oversight/claims", agent())["items"]
    assert (watched["id"], watched["waiting_s"], watched["handler"]["code"]) == (claim["id"], 5 * 3600, "seller")
    api.refused("GET", "/v1/oversight/claims", seller(), "FORBIDDEN")


@pytest.mark.capability("S2-12", "S2-13")
def test_a_replacement_is_an_order_at_price_0_and_the_return_label_is_the_brands(api):
    order = shipped_order(api)
    claim = open_claim(api, order, lines=LAMPS)
    one = f"/v1/claims/{claim['id']}"
    chosen = {"kind": "replacement", "return_instructions": "Send the broken ones back in the same box."}
    replacement = api.post(f"{one}/resolutions", seller(), chosen)["resolution"]["replacement_order_id"]
    api.suite.settle()
    sent = api.get(f"/v1/orders/{replacement}", seller())
    assert (sent["total"], sent["phase"], sent["replaces"]) == (
        {"amount": 0, "currency": "EUR"},
        "paid",
        {"claim_id": claim["id"], "order_id": order["id"]},
    )
    assert [(line["title"], line["ordered"], line["gross"]) for line in sent["lines"]] == [("Brass lamp", 2, 0)]
    back = api.post(f"{one}/returns", seller(), {"lines": LAMPS, "reason_code": "damaged_items", "wants": "nothing"})
    path = f"/v1/returns/{back['id']}"
    rma = api.post(f"{path}:approve", seller())["rma"]
    assert rma.startswith("RMA-")
    label = {"source": "seller", "cost_bearer": "seller", "label_id": "att_label", "cost": 590}
    assert api.post(f"{path}/label", seller(), label)["cost_bearer"] == "seller"
    assert api.get(path, customer())["shipping_label"]["label_id"] == "att_label"
    api.post(f"/v1/orders/{replacement}:ship", seller(), {"parcel": PARCEL})
    api.suite.settle()
    assert api.post(f"{one}:confirm", customer())["state"] == "resolved"
    ready = api.suite.events("claim", "return.label_ready")[0].data
    assert (ready["label_id"], ready["cost_bearer"]) == ("att_label", "seller")


@pytest.mark.capability("S2-12")
def test_a_replacement_that_cannot_be_sent_gives_the_claim_back_to_its_handler(api):
    claim = open_claim(api, shipped_order(api), lines=LAMPS)
    one = f"/v1/claims/{claim['id']}"
    chosen = api.post(f"{one}/resolutions", seller(), {"kind": "replacement"})
    api.suite.settle()
    order_id = chosen["resolution"]["replacement_order_id"]
    api.post(f"/v1/orders/{order_id}:cancel", seller(), {"reason_code": "out_of_stock"})
    api.suite.settle()
    page = api.get(one, seller())
    assert (page["state"], page["resolution"], page["attention"]) == ("in_progress", None, True)
    assert api.suite.events("claim", "claim.resolution_failed")[0].data["error"] == "REPLACEMENT_CANCELLED"


@pytest.mark.capability("S2-15")
def test_the_brand_contacts_the_retailer_with_a_proposal_in_the_chat(api):
    claim = open_claim(api, shipped_order(api))
    one = f"/v1/claims/{claim['id']}"
    api.post(f"{one}:propose", seller(), {"text": "Would 10 % off do?", "kind": "proposal"})
    api.suite.settle()
    page = api.get(one, customer())
    assert (page["state"], page["messages"][-1]["text"], page["attention"]) == (
        "solution_proposed",
        "Would 10 % off do?",
        True,
    )
    assert api.post(f"{one}:confirm", customer())["state"] == "resolved"


def announced(api, qty=2, **changes):
    order = shipped_order(api)
    claim = open_claim(api, order, lines=LAMPS)
    lines = [{"line_id": "lin_1001_1", "qty": qty}]
    body = {"lines": lines, "reason_code": "damaged_items", **changes}
    return claim, api.post(f"/v1/claims/{claim['id']}/returns", customer(), body, status=201)


def test_what_came_back_damaged_or_not_at_all_is_not_paid_for(api):
    """B4: announced 2, one arrives whole, one damaged; the whole one is good and goes back into stock."""
    claim, back = announced(api)
    path = f"/v1/returns/{back['id']}"
    api.refused("POST", f"{path}:approve", customer(), "FORBIDDEN", body={})
    api.refused("POST", f"{path}:receive", seller(), "NOT_IN_THIS_STATE", body={"lines": [{"line_id": "lin_1001_1"}]})
    api.post(f"{path}:approve", seller())
    api.post(f"{path}:shipped", customer(), {"carrier": "Colissimo", "tracking_number": "8R1"})
    arrived = {"lines": [{"line_id": "lin_1001_1", "received": 1}]}
    assert api.post(f"{path}:receive", seller(), arrived)["state"] == "partially_received"
    three = {"lines": [{"line_id": "lin_1001_1", "received": 2}]}
    api.refused("POST", f"{path}:receive", seller(), "MORE_THAN_ANNOUNCED", body=three)
    rest = {"lines": [{"line_id": "lin_1001_1", "damaged": 1}]}
    assert api.post(f"{path}:receive", seller(), rest)["state"] == "received"
    two = {"lines": [{"line_id": "lin_1001_1", "compliant": 2}]}
    api.refused("POST", f"{path}:inspect", seller(), "MORE_THAN_RECEIVED", body=two)
    api.post(f"{path}:inspect", seller(), {"lines": [{"line_id": "lin_1001_1", "compliant": 1, "restock": 1}]})
    closed = api.post(f"{path}:close", seller())
    api.suite.settle()
    told = api.suite.events("claim", "return.closed")[0].data
    assert told["refundable"] == [{"line_id": "lin_1001_1", "qty": 1}]
    assert (told["refund_id"], told["restock"][0]["qty"]) == (closed["refund_id"], 1)
    chosen = api.suite.events("claim", "claim.resolution_chosen")[0].data
    assert (chosen["kind"], chosen["return_id"], chosen["refund_id"]) == ("refund", back["id"], closed["refund_id"])
    assert [event.type for event in api.suite.events("claim") if event.aggregate_id == back["id"]] == [
        "return.requested",
        "return.approved",
        "return.shipped",
        "return.received",
        "return.received",
        "return.inspected",
        "return.closed",
    ]
    assert [each["id"] for each in api.get(f"/v1/returns?claim_id={claim['id']}", seller())["items"]] == [back["id"]]


def test_nobody_announces_more_than_was_shipped_and_is_not_on_its_way_back(api):
    claim, back = announced(api, qty=1)
    path = f"/v1/claims/{claim['id']}/returns"
    body = {"lines": LAMPS, "reason_code": "damaged_items"}
    api.refused("POST", path, customer(), "TOO_MANY_RETURNED", body=body)
    twice = {**body, "lines": [{"line_id": "lin_1001_1", "qty": 1}] * 2}
    api.refused("POST", path, customer(), "LINE_NOT_IN_ORDER", body=twice)
    api.refused("POST", path, customer("cus_2"), "NOT_FOUND", body=body)
    api.refused("POST", path, supplier(), "NOT_FOUND", body=body)
    api.post(f"/v1/returns/{back['id']}:cancel", customer())
    assert api.post(path, customer(), body)["state"] == "requested"


def test_returnless_goods_are_closed_as_soon_as_the_return_is_accepted(api):
    _, back = announced(api, method="returnless")
    path = f"/v1/returns/{back['id']}"
    api.post(f"{path}:approve", seller())
    closed = api.post(f"{path}:close", seller())
    assert (closed["state"], closed["lines"][0]["received"]) == ("closed", 0)
    assert api.suite.events("claim", "return.closed")[0].data["refundable"] == [{"line_id": "lin_1001_1", "qty": 2}]


def test_goods_that_never_arrive_are_the_handlers_to_look_after(api):
    claim, back = announced(api)
    api.post(f"/v1/returns/{back['id']}:approve", seller())
    api.post(f"/v1/claims/{claim['id']}/messages", seller(), {"text": "Send it back, please.", "visibility": "public"})
    api.suite.settle()
    assert api.get(f"/v1/claims/{claim['id']}", customer())["attention"] is True
    api.suite.advance(days=30)
    assert api.get(f"/v1/returns/{back['id']}", coordinator())["state"] == "no_reception"
    assert api.get(f"/v1/claims/{claim['id']}", seller())["attention"] is True


def test_a_return_is_asked_for_in_time_and_a_declined_one_takes_nothing_up(api):
    claim, back = announced(api)
    path = f"/v1/returns/{back['id']}"
    declined = api.post(f"{path}:decline", seller(), {"reason_code": "worn"})
    assert (declined["state"], declined["allowed_actions"]) == ("declined", [])
    api.refused("POST", f"{path}:approve", seller(), "NOT_IN_THIS_STATE", body={})
    again = {"lines": LAMPS, "reason_code": "damaged_items"}
    assert api.post(f"/v1/claims/{claim['id']}/returns", customer(), again, status=201)["state"] == "requested"
    api.suite.advance(days=31)
    api.refused("POST", f"/v1/claims/{claim['id']}/returns", customer(), "RETURN_WINDOW_PASSED", body=again)


def test_who_bears_the_way_back_pays_for_it_and_what_nobody_inspected_counts_as_it_arrived(api_of):
    api = api_of(instant_provider=True)
    _, back = announced(api)
    path = f"/v1/returns/{back['id']}"
    label = {"source": "customer", "cost_bearer": "customer", "cost": 300, "url": "https://post.example/label/1"}
    api.refused("POST", f"{path}/label", seller(), "NOT_IN_THIS_STATE", body=label)
    api.post(f"{path}:approve", seller())
    api.refused("POST", f"{path}/label", seller(), "INVALID_INPUT", body={**label, "label_id": "att_1"})
    assert api.post(f"{path}/label", seller(), label)["shipping_label"]["url"] == label["url"]
    api.post(f"{path}:shipped", customer(), {"carrier": "Colissimo", "tracking_number": "8R1"})
    api.refused("POST", f"{path}:cancel", customer(), "NOT_IN_THIS_STATE", body={})
    other = {"lines": [{"line_id": "lin_1001_2", "received": 1}]}
    api.refused("POST", f"{path}:receive", seller(), "LINE_NOT_IN_RETURN", body=other)
    arrived = {"lines": [{"line_id": "lin_1001_1", "received": 1, "missing": 1}]}
    assert api.post(f"{path}:receive", seller(), arrived)["state"] == "received"
    api.post(f"{path}:close", seller())
    api.suite.settle()
    [refund] = api.get("/v1/refunds", seller())["items"]
    assert (refund["kind"], refund["state"], refund["amount"]["amount"]) == ("return", "succeeded", 4371 - 300)
