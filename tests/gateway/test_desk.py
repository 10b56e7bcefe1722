"""The coordinators' desk through HTTP: who enters requests, who joins them, what each row and page shows (S1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.kernel.principal import Principal
from tests.gateway.test_journey import shipped_order
from tests.suite import agent, coordinator, customer, seller, supplier

ADA = replace(customer(), name="Ada Byron")
OLI = Principal("account_observer", "usr_oli", "shop")
SITE = "/v1/claim-modules/main/coordinated"
REQUEST = {"reason_code": "damaged_items", "text": "The lamp is broken.", "title": "Broken lamp"}
LAMP = [{"line_id": "lin_1001_1", "qty": 1}]


@pytest.fixture
def desk(api_of):
    """A shop whose module is on, with two coordinators and a supplier who can be written to."""
    api = api_of(mail="folder", mail_from="Shop <shop@shop.example>")
    for party, ref in (("coordinator", "coo_1"), ("coordinator", "coo_2"), ("supplier", "sup_1")):
        contact = {"name": ref.title(), "email": f"{ref}@shop.example", "locale": "fr"}
        api.post(f"/v1/contacts/{party}/{ref}", coordinator(), contact, method="PUT")
    api.suite.settle()
    return api


def switch(api, mode, **reasons):
    return api.post(SITE, coordinator(), {"mode": mode, **reasons}, method="PUT")


def request(api, order, **changes):
    claim = api.post(f"/v1/orders/{order['id']}/issues", ADA, {**REQUEST, **changes}, status=201)
    api.suite.settle()
    return claim


def told(api, claim_id, template):
    """Whom a mail of this kind about the claim went to."""
    found = api.get(f"/v1/notifications?claim_id={claim_id}&limit=200", coordinator())["items"]
    return sorted((one["recipient"]["kind"], one["recipient"]["ref"]) for one in found if one["template"] == template)


@pytest.mark.capability("S1-02", "S1-03")
def test_customers_enter_requests_only_where_the_module_is_on_and_only_when_signed_in(desk):
    order = shipped_order(desk, profile="coordinated")
    about_site = {"marketplace": "main", "text": "Do you deliver to Malta?", "category": "prospect"}
    desk.refused("POST", "/v1/claims", ADA, "MODULE_NOT_ENABLED", body=about_site)
    assert switch(desk, "off")["mode"] == "off"
    path = f"/v1/orders/{order['id']}/issues"
    desk.refused("POST", path, ADA, "MODULE_NOT_ENABLED", body=REQUEST)
    assert switch(desk, "enabled")["version"] == 2
    assert desk.call("POST", path, None, body=REQUEST).status_code == 401
    assert request(desk, order)["label"] == {"fr": "Nouveau", "en": "New"}
    desk.refused("PUT", SITE, seller(), "FORBIDDEN", body={"mode": "off"})
    desk.refused("PUT", SITE, customer(), "FORBIDDEN", body={"mode": "off"})


@pytest.mark.capability("S1-04", "S1-05", "S1-06", "S1-02")
def test_the_main_supplier_of_the_named_product_joins_and_gets_the_same_mail_as_the_coordinators(desk):
    order = shipped_order(desk, profile="coordinated")
    switch(desk, "auto_include")
    with_product, without = request(desk, order, lines=LAMP), request(desk, order)
    rug = request(desk, order, product_id="prd_rug")
    lamp = request(desk, order, product_id="prd_lamp")
    assert [each["items"] for each in (observers(desk, one) for one in (without, rug))] == [[], []]
    for one in (with_product, lamp):
        assert observers(desk, one)["items"] == [{"kind": "supplier", "id": "sup_1", "scope": "all"}]
    coordinators = [("coordinator", "coo_1"), ("coordinator", "coo_2")]
    assert told(desk, with_product["id"], "claim_opened") == [
        *coordinators,
        ("customer", "cus_1"),
        ("supplier", "sup_1"),
    ]
    assert told(desk, without["id"], "claim_opened") == [*coordinators, ("customer", "cus_1")]
    switch(desk, "enabled")
    assert observers(desk, request(desk, order, lines=LAMP))["items"] == []


def observers(desk, claim):
    return desk.get(f"/v1/claims/{claim['id']}/observers", coordinator())


@pytest.mark.capability("S1-01")
def test_the_module_tracks_after_sales_contacts_and_prospects_by_category(desk):
    switch(desk, "enabled")
    order = shipped_order(desk, profile="coordinated")
    opened = {"after_sales": request(desk, order)}
    for category in ("contact", "prospect"):
        body = {"marketplace": "main", "category": category, "text": f"A question: {category}."}
        opened[category] = desk.post("/v1/claims", ADA, body, status=201)
    desk.suite.settle()
    for category, claim in opened.items():
        rows = desk.get(f"/v1/desk/claims?category={category}", coordinator())["items"]
        assert [row["id"] for row in rows] == [claim["id"]]
        assert rows[0]["category"] == category
    assert opened["contact"]["handler"]["code"] == "coordinators"
    assert desk.get("/v1/desk/counts", coordinator())["states"]["submitted"] == 3
    assert desk.get("/v1/desk/counts?category=prospect", coordinator())["states"]["submitted"] == 1


@pytest.mark.capability("S1-07", "S1-09", "S1-10", "S1-11", "S1-12", "S1-13")
def test_each_row_of_the_desk_shows_title_requester_state_coordinator_and_who_must_answer(desk):
    claim = request(desk, shipped_order(desk, profile="coordinated"))
    [row] = desk.get("/v1/desk/claims", coordinator())["items"]
    assert (row["title"], row["requester"]) == ("Broken lamp", {"ref": "cus_1", "name": "Ada Byron"})
    assert (row["state"], row["label"]["fr"]) == ("submitted", "Nouveau")
    assert (row["assignee"], row["awaiting"]["party"], row["attention"]) == (None, "coordinators", True)
    one = f"/v1/claims/{claim['id']}"
    desk.post(one, coordinator(), {"assignee": "coo_2"}, method="PATCH", if_match="*")
    [row] = desk.get("/v1/desk/claims", coordinator())["items"]
    assert (row["assignee"], row["attention"]) == ("coo_2", False)
    assert desk.get("/v1/desk/claims", coordinator("coo_2"))["items"][0]["attention"] is True
    desk.post(f"{one}/messages", coordinator("coo_2"), {"text": "We look into it.", "visibility": "public"})
    desk.suite.settle()
    [row] = desk.get("/v1/desk/claims", coordinator())["items"]
    assert (row["label"]["fr"], row["awaiting"]["party"]) == ("En cours", "requester")
    assert desk.get("/v1/claims", ADA)["items"][0]["attention"] is True
    desk.post(one, coordinator(), {"state": "resolved"}, method="PATCH", if_match="*")
    assert desk.get(one, coordinator())["label"]["fr"] == "Résolu"


@pytest.mark.capability("S1-10")
def test_a_requester_whose_token_has_no_name_is_named_after_his_orders(desk):
    order = shipped_order(desk, profile="coordinated")
    desk.post(f"/v1/orders/{order['id']}/issues", coordinator(), REQUEST, status=201)
    desk.suite.settle()
    assert desk.get("/v1/desk/claims", coordinator())["items"][0]["requester"]["name"] == "Ada Byron"


@pytest.mark.capability("S1-08", "S1-22")
def test_a_coordinator_changes_state_assignment_and_awaited_party_from_the_desk(desk):
    claim = request(desk, shipped_order(desk, profile="coordinated"), lines=LAMP)
    one = f"/v1/claims/{claim['id']}"
    page = desk.get(one, coordinator())
    assert {"assign", "set_awaiting", "set_state"} <= set(page["allowed_actions"])
    changes = (
        ({"assignee": "coo_2"}, lambda p: p["assignee"] == "coo_2"),
        (
            {"awaiting": "supplier:sup_1"},
            lambda p: (p["awaiting"]["party"], p["awaiting"]["manual"]) == ("supplier:sup_1", True),
        ),
        ({"state": "in_progress"}, lambda p: p["state"] == "in_progress"),
        ({"assignee": None}, lambda p: p["assignee"] is None),
    )
    for change, holds in changes:
        desk.post(one, coordinator(), change, method="PATCH", if_match="*")
        assert holds(desk.get(one, coordinator())), change
    assert desk.get(one, supplier())["attention"] is True
    desk.refused("PATCH", one, coordinator(), "NO_SUCH_COORDINATOR", body={"assignee": "nobody"}, if_match="*")
    desk.refused("PATCH", one, coordinator(), "PARTY_NOT_ON_CLAIM", body={"awaiting": "supplier:sup_9"}, if_match="*")


@pytest.mark.capability("S1-14", "S1-15", "I7")
def test_a_supplier_has_the_desk_of_his_own_requests_and_changes_neither_state_nor_assignment(desk):
    order = shipped_order(desk, profile="coordinated")
    mine, _ = request(desk, order, lines=LAMP), request(desk, order)
    [row] = desk.get("/v1/desk/claims", supplier())["items"]
    assert (row["id"], row["requester"]["name"], row["allowed_actions"]) == (mine["id"], "Ada Byron", [])
    one = f"/v1/claims/{mine['id']}"
    for change in ({"state": "resolved"}, {"assignee": "coo_1"}, {"awaiting": "coordinators"}):
        desk.refused("PATCH", one, supplier(), "FORBIDDEN", body=change, if_match="*")
    closing = desk.post("/v1/claims:bulk", supplier(), {"claim_ids": [mine["id"]], "action": "close"})
    assert [each["result"] for each in closing["results"]] == ["FORBIDDEN"]
    assert desk.get("/v1/desk/claims", supplier("sup_2"))["items"] == []


@pytest.mark.capability("S1-16")
def test_a_customer_sees_his_own_requests_and_nobody_elses(desk):
    claim = request(desk, shipped_order(desk, profile="coordinated"))
    assert [one["id"] for one in desk.get("/v1/claims", ADA)["items"]] == [claim["id"]]
    assert desk.get("/v1/claims", customer("cus_2"))["items"] == []


@pytest.mark.capability("S1-17", "S1-18", "S1-19", "S1-20", "S1-21", "S1-22")
def test_the_page_of_a_request_shows_everything_and_leads_to_its_delivery_and_its_product(desk):
    order = shipped_order(desk, profile="coordinated")
    delivery = order["parcels"][0]["parcel_id"]
    claim = request(desk, order, product_id="prd_lamp", delivery_id=delivery)
    page = desk.get(f"/v1/claims/{claim['id']}", coordinator())
    assert (page["description"], page["opened_at"]) == ("The lamp is broken.", claim["opened_at"])
    assert page["requester"] == {"ref": "cus_1", "name": "Ada Byron"}
    assert (page["delivery_id"], page["product_id"]) == (delivery, "prd_lamp")
    assert [each["text"] for each in page["messages"]] == ["The lamp is broken."]
    assert page["observers"] == [{"kind": "supplier", "id": "sup_1", "scope": "all"}]
    assert page["state"] == "submitted"
    assert (page["assignee"], page["awaiting"]["party"]) == (None, "coordinators")
    found = desk.get(page["links"]["delivery"], coordinator())
    assert (found["tracking_number"], found["order_id"]) == ("8L00000000001", order["id"])
    found = desk.get(page["links"]["product"], coordinator())
    assert (found["title"], found["order_number"]) == ("Brass lamp", "1001")
    assert desk.call("GET", page["links"]["delivery"], customer("cus_2")).status_code == 404
    path = f"/v1/orders/{order['id']}/issues"
    desk.refused("POST", path, ADA, "DELIVERY_NOT_IN_ORDER", body={**REQUEST, "delivery_id": "par_9"})
    desk.refused("POST", path, ADA, "PRODUCT_NOT_IN_ORDER", body={**REQUEST, "product_id": "prd_9"})


@pytest.mark.capability("S1-23", "S1-32", "S1-33", "S1-37", "S1-38", "T05")
def test_an_account_observer_reads_and_answers_and_can_be_listed_and_removed(desk):
    claim = request(desk, shipped_order(desk, profile="coordinated"))
    one = f"/v1/claims/{claim['id']}"
    desk.refused("POST", f"{one}/observers", seller(), "FORBIDDEN", body={"kind": "account", "id": "usr_oli"})
    desk.post(f"{one}/observers", coordinator(), {"kind": "account", "id": "usr_oli"})
    desk.suite.settle()
    [row] = desk.get("/v1/desk/claims", OLI)["items"]
    assert (row["id"], row["allowed_actions"], row["title"]) == (claim["id"], [], "Broken lamp")
    desk.post(f"{one}/messages", coordinator(), {"text": "Between us.", "visibility": "private"})
    said = desk.post(f"{one}/messages", OLI, {"text": "I saw it happen.", "visibility": "public"})
    desk.suite.settle()
    assert [each["text"] for each in desk.get(one, OLI)["messages"]] == [
        "The lamp is broken.",
        "Between us.",
        "I saw it happen.",
    ]
    assert said["id"] in [each["id"] for each in desk.get(one, ADA)["messages"]]
    for verb, body in ((":start", {}), (":close", {}), (":resolve", {})):
        desk.refused("POST", one + verb, OLI, "FORBIDDEN", body=body)
    assert [each["id"] for each in observers(desk, claim)["items"]] == ["usr_oli"]
    desk.post(f"{one}/observers/account/usr_oli", coordinator(), method="DELETE")
    desk.suite.settle()
    assert "usr_oli" not in [each["id"] for each in observers(desk, claim)["items"]]
    assert desk.call("GET", one, OLI).status_code == 404


@pytest.mark.capability("I17")
def test_a_bulk_change_answers_each_claim_as_a_single_change_would(desk):
    order = shipped_order(desk, profile="coordinated")
    first, second, third = (request(desk, order) for _ in range(3))
    desk.post(f"/v1/claims/{third['id']}", coordinator(), {"assignee": "coo_2"}, method="PATCH", if_match="*")
    ids = [first["id"], "clm_unknown", second["id"], third["id"]]
    body = {"claim_ids": ids, "action": "assign", "args": {"assignee": "coo_2"}}
    results = desk.post("/v1/claims:bulk", coordinator(), body)["results"]
    assert [(one["claim_id"], one["result"]) for one in results] == list(
        zip(ids, ["DONE", "NOT_FOUND", "DONE", "NOTHING_TO_CHANGE"], strict=True)
    )
    assert {one["assignee"] for one in desk.get("/v1/desk/claims", coordinator())["items"]} == {"coo_2"}
    wrong = {"claim_ids": ids, "action": "set_state", "args": {"target": "lost"}}
    assert desk.refused("POST", "/v1/claims:bulk", coordinator(), "INVALID_INPUT", body=wrong)


def test_reasons_follow_role_phase_and_marketplace(desk):
    order = shipped_order(desk, profile="coordinated")
    path = f"/v1/claim-reasons?order_id={order['id']}"
    codes = [each["code"] for each in desk.get(path, ADA)["items"]]
    assert "damaged_items" in codes
    colour = {
        "code": "wrong_colour",
        "handler": "coordinators",
        "labels": {"fr": "Mauvaise couleur", "en": "Wrong colour"},
        "roles": ["customer"],
        "phases": ["shipped"],
    }
    switch(desk, "enabled", reasons_off=["damaged_items"], reasons_added=[colour])
    offered = {each["code"]: each for each in desk.get(path, ADA)["items"]}
    assert ("damaged_items" in offered, offered["wrong_colour"]["labels"]["en"]) == (False, "Wrong colour")
    assert "wrong_colour" not in [each["code"] for each in desk.get(path, coordinator())["items"]]
    desk.refused("POST", f"/v1/orders/{order['id']}/issues", ADA, "REASON_NOT_AVAILABLE", body=REQUEST)
    claim = request(desk, order, reason_code="wrong_colour")
    switch(desk, "enabled")
    assert desk.get(f"/v1/claims/{claim['id']}", ADA)["reason"]["label"]["en"] == "Wrong colour"


def test_only_the_requester_rates_once_it_is_over_and_may_change_his_mind_for_a_week(desk):
    claim = request(desk, shipped_order(desk, profile="coordinated"))
    one = f"/v1/claims/{claim['id']}"
    desk.refused("POST", f"{one}:rate", ADA, "NOT_IN_THIS_STATE", body={"score": 5})
    desk.post(one, coordinator(), {"state": "resolved"}, method="PATCH", if_match="*")
    desk.refused("POST", f"{one}:rate", agent(), "FORBIDDEN", body={"score": 5})
    assert desk.post(f"{one}:rate", ADA, {"score": 2, "comment": "Slow."})["rating"]["score"] == 2
    desk.suite.advance(days=7)
    assert desk.post(f"{one}:rate", ADA, {"score": 4})["rating"]["score"] == 4
    desk.suite.advance(seconds=1)
    desk.refused("POST", f"{one}:rate", ADA, "RATING_CLOSED", body={"score": 1})
    told = [event.data for event in desk.suite.events("claim", "claim.rated")]
    assert [(each["score"], each["edited"]) for each in told] == [(2, False), (4, True)]


@pytest.mark.capability("S1-34", "S1-36", "S1-37", "T36")
def test_observers_with_an_account_and_by_mail_are_told_when_included_and_at_each_answer(desk):
    claim = request(desk, shipped_order(desk, profile="coordinated"))
    one = f"/v1/claims/{claim['id']}"
    oli = {"name": "Oli", "email": "oli@shop.example", "locale": "en"}
    desk.post("/v1/contacts/account_observer/usr_oli", coordinator(), oli, method="PUT")
    desk.post(f"{one}/observers", coordinator(), {"kind": "account", "id": "usr_oli"})
    desk.post(f"{one}/observers", coordinator(), {"kind": "mail", "email": "Mia@Elsewhere.example", "locale": "fr"})
    desk.suite.settle()
    by_mail = observers(desk, claim)["items"][1]
    assert (by_mail["kind"], by_mail["masked"], by_mail["scope"]) == ("mail", "m…@elsewhere.example", "all")
    assert told(desk, claim["id"], "observer_included") == [
        ("account_observer", "usr_oli"),
        ("mail_observer", by_mail["id"]),
    ]
    desk.post(f"{one}/messages", coordinator(), {"text": "We send another one.", "visibility": "public"})
    desk.suite.settle()
    assert ("mail_observer", by_mail["id"]) in told(desk, claim["id"], "message_posted")
    assert ("account_observer", "usr_oli") in told(desk, claim["id"], "message_posted")
    public = [event for event in desk.suite.events("claim") if event.type != "observer.invited"]
    assert not [event.type for event in public if "elsewhere" in str(event.data).replace("m…@elsewhere.example", "")]
    for address in ("ada@customer.example", "c.abcdefgh0123456789@relay.example"):
        body = {"kind": "mail", "email": address}
        desk.refused("POST", f"{one}/observers", coordinator(), "OBSERVER_ADDRESS_REFUSED", body=body)
    again = {"kind": "mail", "email": "mia@elsewhere.example"}
    desk.refused("POST", f"{one}/observers", coordinator(), "OBSERVER_REFUSED", body=again)
    desk.post(f"{one}/observers/mail/{by_mail['id']}", coordinator(), method="DELETE")
    assert [each["kind"] for each in observers(desk, claim)["items"]] == ["account"]
